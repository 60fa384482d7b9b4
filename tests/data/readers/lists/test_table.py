"""The text of lists, as spreadsheets and programs write it: each form gives the same pictures and classes."""

from __future__ import annotations

from pathlib import Path

import pytest
from list_album import LABELS, ROWS, lines, make_album, plain, read, recognised

from picturewise.data.readers.lists.recognise import recognise
from picturewise.data.readers.lists.table import look
from picturewise.errors import DataError

NUMBERS = {"cat": "0", "dog": "1", "owl": "2"}
FORMS = {
    "commas": plain(),
    "a byte order mark": "\ufeff" + plain(),
    "Windows line ends": plain().replace("\n", "\r\n"),
    "old line ends": plain().replace("\n", "\r"),
    "semicolons": plain().replace(",", ";"),
    "tabs": plain().replace(",", "\t"),
    "bars": plain().replace(",", "|"),
    "UTF-16": plain().encode("utf-16"),
    "UTF-16 of the other order": b"\xfe\xff" + plain().encode("utf-16-be"),
    "no names of columns": plain(header=""),
    "no last line end": plain().rstrip("\n"),
    "empty lines": plain().replace("\n", "\n\n") + "\n\n",
    "quotes": plain(lambda name, label: f'"{name}","{label}"', '"filename","label"'),
    "spaces": plain(lambda name, label: f"  {name} , {label} "),
    "a number for each line": lines(
        *(f"{n},{a},{b}" for n, (a, b) in enumerate(ROWS)), header=",filename,label"
    ),
    "names of lines without a name": lines(*(f"{n},{a},{b}" for n, (a, b) in enumerate(ROWS))),
    "a comma at each end": plain(lambda name, label: f"{name},{label},"),
    "the label first": plain(lambda name, label: f"{label},{name}", "label,filename"),
    "no names, the label first": plain(lambda name, label: f"{label},{name}", ""),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_csv_gives_the_same(tmp_path: Path, form: str) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": FORMS[form]})
    assert read(root) == ({"train": LABELS}, ())


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("labels.tsv", plain().replace(",", "\t")),
        ("labels.txt", plain()),
        ("train.txt", plain(lambda name, label: f"images/{name} {label}", "")),
        ("train.txt", plain(lambda name, label: f"{label}   {name}", "")),
        ("train.txt", "# made by hand\n" + plain(lambda name, label: f"{name}\t{label}", "")),
        ("train.lst", plain(lambda name, label: f"7 {name} {label}", "")),
    ],
)
def test_texts_and_tables_by_other_endings(tmp_path: Path, file: str, text: str) -> None:
    root = make_album(tmp_path / "album", {file: text})
    for path in (root, root / file):
        assert read(path) == ({"train": LABELS}, ())


def test_names_and_labels_with_spaces_need_no_quotes(tmp_path: Path) -> None:
    text = lines(
        *(f"images/{name} a {label}" for name, label in ROWS[:-1]),
        "images/owl_3.png  a brown  owl",
        header="",
    )
    root = make_album(tmp_path / "album", {"list.txt": text})
    (root / "images/cat_0.png").rename(root / "images/cat 0.png")
    (root / "list.txt").write_text(text.replace("cat_0.png", "cat 0.png"))
    found, _ = read(root)
    assert found["train"] == {
        **{name.replace("cat_0", "cat 0"): f"a {label}" for name, label in ROWS}, "owl_3.png": "a brown  owl"
    }  # fmt: skip


@pytest.mark.parametrize("missing", ["cat_0.png", "cat_1.png"])
def test_a_first_line_is_distinguished_from_names_even_if_its_picture_is_missing(
    tmp_path: Path, missing: str
) -> None:
    for header in ("filename,label", ""):
        for ending in ("", ".png"):
            text = plain(lambda name, label, ending=ending: f"{name[:-4]}{ending},{label}", header)
            root = make_album(tmp_path / f"{len(header)}{ending}-", {"labels.csv": text})
            (root / "images" / missing).unlink()
            line = list(LABELS).index(missing) + 1 + bool(header)
            with pytest.raises(
                DataError, match=rf"1 of 12 lines lists a picture .*'{missing[:-4]}.*' in line {line}\."
            ):
                read(root)
            assert len(read(root, skip_bad=True)[0]["train"]) == 11


def test_classes_named_by_numbers_may_head_columns_of_ones_and_zeros(tmp_path: Path) -> None:
    text = plain(
        lambda name, label: f"{name},{','.join(str(int(label == one)) for one in NUMBERS)}", "image,0,1,2"
    )
    found, notes = read(make_album(tmp_path / "album", {"labels.csv": text}))
    assert found == {"train": {name: NUMBERS[label] for name, label in ROWS}}
    assert len(notes) == 1


def test_a_large_list_is_recognised_by_lines_from_all_over_it(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("name,kind\n" + "".join(f"picture_{n:06}.png,{n // 50_000}\n" for n in range(100_000)))
    table = look(path, lambda text: False)
    assert table is not None
    assert table.header == ("name", "kind")
    assert {row[1] for row in table.sample} == {"0", "1"}
    assert len(table.sample) < 40_000
    assert table.sample[0][0] == "picture_000000.png"
    assert table.sample[-1][0] == "picture_099999.png"
    assert sum(1 for _ in table.rows()) == 100_000


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\n\n\n", b"\0" * 100, b"PK\x03\x04" + bytes(50), b"a" * 200_000, b"," * 200_000, b"\xff\xfe\x00",
        b"\xff\xfe" + b"\x00\xd8" * 50, b'"' * 9, b'"never closed,\n' * 9, b"a,b\n" + b"1,2,3\n" * 9,
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_a_list_is_not_recognised(tmp_path: Path, content: bytes) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": content})
    assert recognise(root) is None
    assert recognise(root / "labels.csv") is None


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    text = "filename,note,label\n" + "".join(f'{a},"two\nlines",{b}\n' for a, b in ROWS) + "gone.png,,cat\n"
    root = make_album(tmp_path / "album", {"labels.csv": text})
    with pytest.raises(DataError, match=r"'gone\.png' in line 26\."):
        read(root)


def test_a_list_can_be_named_itself(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain()})
    assert recognised(root / "labels.csv").name == "labels"
    assert read(root / "labels.csv") == ({"train": LABELS}, ())


def test_a_list_of_windows_is_read_in_its_encoding(tmp_path: Path) -> None:
    text = plain(lambda name, label: f"{name.replace('owl', 'käuze')},{label.replace('owl', 'Käuze')}")
    for number, (encoding, notes) in enumerate({"utf-8": 0, "cp1252": 1, "utf-16": 0}.items()):
        root = make_album(tmp_path / str(number), {"labels.csv": text.encode(encoding)})
        for path in (root / "images").glob("owl*"):
            path.rename(path.with_name(path.name.replace("owl", "käuze")))
        found, said = read(root)
        assert set(found["train"].values()) == {"cat", "dog", "Käuze"}
        assert len(said) == notes
    assert said == ()
    assert "is not UTF-8, so it was read as Windows-1252" in read(tmp_path / "1")[1][0]


def test_names_match_however_their_letters_are_composed(tmp_path: Path) -> None:
    import unicodedata

    text = plain(lambda name, label: f"{name.replace('owl', 'käuze')},{label}")
    root = make_album(tmp_path / "album", {"labels.csv": unicodedata.normalize("NFC", text)})
    for path in (root / "images").glob("owl*"):
        path.rename(path.with_name(unicodedata.normalize("NFD", path.name.replace("owl", "käuze"))))
    found, notes = read(root)
    assert list(found["train"].values()) == list(LABELS.values())
    assert notes == ()


def test_names_of_files_in_the_encoding_of_the_list_are_found(tmp_path: Path) -> None:
    text = plain(lambda name, label: f"{name.replace('owl', 'käuze')},{label}")
    root = make_album(tmp_path / "album", {"labels.csv": text.encode("cp1252")})
    for path in (root / "images").glob("owl*"):
        path.rename(path.with_name(path.name.replace("owl", "k\udce4uze")))
    assert list(read(root)[0]["train"].values()) == list(LABELS.values())


def test_single_quotes_are_not_part_of_a_cell(tmp_path: Path) -> None:
    text = plain(lambda name, label: f"'{name}','{label}'", "'filename','label'")
    assert read(make_album(tmp_path / "album", {"labels.csv": text})) == ({"train": LABELS}, ())
