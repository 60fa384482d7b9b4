from __future__ import annotations

import io
from pathlib import Path

import pytest
from many import write_tar

from picturewise.data.shards import tar_samples
from picturewise.data.shards.tar_samples import TarSamples
from picturewise.errors import DataError


def read(path: Path) -> tuple[list[tuple[str, str, bool]], int]:
    with path.open("rb") as file:
        found = TarSamples(file, "shard.tar")
        return [(one.name, one.label, one.is_number) for one in found], found.ignored


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([("cls", b"3\n")], ("3", True)),
        ([("cls", b"Katze")], ("Katze", False)),
        ([("json", b'{"label": "cat", "x": 1}')], ("cat", False)),
        ([("json", b'{"label": 4}')], ("4", False)),
        ([("json", b'{"label": true}')], ("", False)),
        ([("json", b"7")], ("7", False)),
        ([("json", b"[" * 100_000)], ("", False)),
        ([("json", b"not JSON"), ("txt", b"dog")], ("dog", False)),
        ([("txt", b"a dog"), ("cls", b"1")], ("1", True)),
        ([("cls", b""), ("json", b'{"label": 2}')], ("2", False)),
        ([("pyd", b"cat")], ("", False)),
        ([], ("", False)),
    ],
)
@pytest.mark.parametrize("picture_first", [True, False])
def test_a_sample_has_the_label_beside_its_picture(
    labels: list[tuple[str, bytes]], expected: tuple[str, bool], picture_first: bool, tmp_path: Path
) -> None:
    members = [(f"a/1.{ending}", content) for ending, content in labels]
    members.insert(0 if picture_first else len(members), ("a/1.png", b"P"))
    found, _ = read(write_tar(tmp_path / "s.tar", [("a/0.cls", b"9"), *members, ("a/2.cls", b"8")]))
    assert found == [("a/1.png", *expected)]


def test_each_picture_of_a_sample_is_a_row(tmp_path: Path) -> None:
    members = [("x.left.png", b"L"), ("x.right.JPEG", b"R"), ("x.cls", b"1"), ("y.webp", b"Y")]
    found, _ = read(write_tar(tmp_path / "s.tar", members))
    assert found == [("x.left.png", "1", True), ("x.right.JPEG", "1", True), ("y.webp", "", False)]


def test_links_and_files_of_other_kinds_are_ignored_and_counted(tmp_path: Path) -> None:
    import tarfile

    path = tmp_path / "s.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in (
            ("l.png", tarfile.SYMTYPE),
            ("h.png", tarfile.LNKTYPE),
            ("d.png", tarfile.CHRTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        folder = tarfile.TarInfo("f.png")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name in ("../../up.png", "/abs.png", "a.pth", "a.npy", "._a.png", "b.exe"):
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    found, ignored = read(path)
    assert [name for name, _, _ in found] == ["../../up.png", "/abs.png"]  # names only: nothing is unpacked
    assert ignored == 3 + 4


def test_many_members_with_headers_of_their_own_are_read(tmp_path: Path) -> None:
    found, _ = read(write_tar(tmp_path / "s.tar", [(f"{n}.png", b"x") for n in range(3000)]))
    assert len(found) == 3000


def test_a_picture_that_is_too_large_is_a_row_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tar_samples, "MOST_PICTURE", 10)
    path = write_tar(tmp_path / "s.tar", [("a.png", b"x" * 11), ("b.png", b"y" * 10)])
    with path.open("rb") as file:
        found = list(TarSamples(file, "s"))
    assert [(one.content, bool(one.error)) for one in found] == [(b"", True), (b"y" * 10, False)]


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_every_truncation_is_noticed(mode: str, tmp_path: Path) -> None:
    whole = write_tar(
        tmp_path / "s.tar", [("a.png", b"x" * 700), ("b.png", b"y" * 700)], mode=mode
    ).read_bytes()
    end = whole.rindex(b"y" * 700) + 700 if mode == "w" else len(whole) - 9
    for length in range(0, end, 97):
        with pytest.raises(DataError, match=r"^s "):
            list(TarSamples(io.BytesIO(whole[:length]), "s"))
