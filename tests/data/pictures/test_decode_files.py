from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from picturewise.data.arrays.digest import digest
from picturewise.data.options import ResizeMode
from picturewise.data.pictures.decode import Form, PictureHeader, read_picture
from picturewise.data.pictures.decode_files import Look, decode_each, look_at_each
from picturewise.errors import PictureError

pytestmark = pytest.mark.slow  # each starts processes of its own

SavePicture = Callable[..., Path]


def ignore(_: int) -> None:
    """Take a tick and do nothing."""


def test_results_come_in_the_order_of_the_files_whatever_thread_was_first(
    tmp_path: Path, save_picture: SavePicture
) -> None:
    paths = [save_picture(tmp_path / f"{n}.png", height=3, width=n % 7 + 1, seed=n) for n in range(150)]
    looks = look_at_each(paths, ignore)
    assert [look.header.width for look in looks if isinstance(look, Look)] == [n % 7 + 1 for n in range(150)]
    images, errors = decode_each(paths, Form(3, 3, 3, "stretch"), ignore)
    assert errors == {}
    for path, image in zip(paths, images, strict=True):
        np.testing.assert_array_equal(image, read_picture(path, (3, 3), 3, "stretch"))


def test_a_look_has_the_header_and_the_digest_of_the_files_bytes(
    tmp_path: Path, save_picture: SavePicture
) -> None:
    path = save_picture(tmp_path / "a.png", height=3, width=5, mode="L")
    assert look_at_each([path], ignore) == [
        Look(PictureHeader(3, 5, colour=False), digest(path.read_bytes()))
    ]


def test_bad_files_are_distinguished_with_their_reason(tmp_path: Path, save_picture: SavePicture) -> None:
    good = save_picture(tmp_path / "good.png")
    short = save_picture(tmp_path / "short.png", height=64, width=64)
    short.write_bytes(short.read_bytes()[:-2000])
    text = tmp_path / "text.png"
    text.write_text("text")
    looks = look_at_each([text, good, short], ignore)
    assert isinstance(looks[0], PictureError)
    assert "it is text" in looks[0].reason
    assert isinstance(looks[1], Look)
    images, errors = decode_each([short, good], Form(8, 8, 3, "crop"), ignore)
    assert list(errors) == [0]
    assert "truncated" in errors[0].reason
    np.testing.assert_array_equal(images[1], read_picture(good, None, 3))


def test_ticks_come_from_the_calling_thread_and_add_up(tmp_path: Path, save_picture: SavePicture) -> None:
    paths = [save_picture(tmp_path / "a.png")] * 200
    ticks: list[tuple[int, int]] = []
    decode_each(paths, Form(8, 8, 3, "crop"), lambda n: ticks.append((n, threading.get_ident())))
    assert sum(n for n, _ in ticks) == 200
    assert len(ticks) > 1
    assert {thread for _, thread in ticks} == {threading.get_ident()}


def test_no_files_means_no_pictures() -> None:
    images, errors = decode_each([], Form(8, 8, 3, "crop"), ignore)
    assert images.shape == (0, 8, 8, 3)
    assert errors == {}
    assert look_at_each([], ignore) == []


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_pixels_are_those_that_one_picture_alone_has(
    tmp_path: Path, save_picture: SavePicture, channels: int, fit: ResizeMode
) -> None:
    paths = [
        save_picture(tmp_path / f"{mode}.{kind}".replace(";", ""), 40, 30, mode)
        for mode, kind in [
            ("RGB", "jpg"), ("RGB", "png"), ("L", "png"), ("1", "png"), ("RGBA", "png"), ("LA", "png"),
            ("P", "gif"), ("P", "png"), ("I;16", "png"), ("F", "tif"), ("RGB", "webp"), ("CMYK", "tif"),
        ]
    ]  # fmt: skip
    form = Form(8, 12, channels, fit, values=(0.0, 65535.0))
    images, errors = decode_each(paths, form, ignore)
    assert errors == {}
    for path, image in zip(paths, images, strict=True):
        np.testing.assert_array_equal(
            image, read_picture(path, (8, 12), channels, fit, values=(0.0, 65535.0))
        )
    contents, errors = decode_each([path.read_bytes() for path in paths], form, ignore)
    assert errors == {}
    np.testing.assert_array_equal(contents, images)


def test_a_file_too_large_to_be_read_at_once_is_no_different(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2400, 2400, 3), dtype=np.uint8)
    path = tmp_path / "large.bmp"
    Image.fromarray(noise).save(path)
    assert path.stat().st_size > 1 << 24
    assert look_at_each([path], ignore) == [
        Look(PictureHeader(2400, 2400, colour=True), digest(path.read_bytes()))
    ]
    images, _ = decode_each([path], Form(50, 50, 3, "crop"), ignore)
    np.testing.assert_array_equal(images[0], read_picture(path, (50, 50), 3))


def test_reasons_are_those_that_one_picture_alone_gets(tmp_path: Path, save_picture: SavePicture) -> None:
    (tmp_path / "text.png").write_text("text")
    (tmp_path / "empty.png").touch()
    (tmp_path / "start.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / "folder.png").mkdir()
    short = save_picture(tmp_path / "short.png", height=64, width=64)
    short.write_bytes(short.read_bytes()[:-2000])
    paths = [*sorted(tmp_path.iterdir()), tmp_path / "gone\n.png", tmp_path / "zero\0.png"]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        paths += [tmp_path / "pipe.png", Path("/dev/zero")]
    _, errors = decode_each([*paths, b"nothing"], Form(8, 8, 3, "crop"), ignore)
    assert len(errors) == len(paths) + 1
    for index, path in enumerate([*paths, b"nothing"]):
        with pytest.raises(PictureError) as alone:
            read_picture(path, (8, 8), 3)
        assert (str(errors[index]), errors[index].reason) == (str(alone.value), alone.value.reason)


def test_a_file_that_vanishes_after_the_look_is_a_bad_file(tmp_path: Path, save_picture: SavePicture) -> None:
    paths = [save_picture(tmp_path / f"{n}.png", seed=n) for n in range(3)]
    assert all(isinstance(look, Look) for look in look_at_each(paths, ignore))
    paths[1].unlink()
    images, errors = decode_each(paths, Form(8, 8, 3, "crop"), ignore)
    assert {index: error.reason for index, error in errors.items()} == {
        1: "cannot be read (No such file or directory)"
    }
    np.testing.assert_array_equal(images[2], read_picture(paths[2], None, 3))


def test_pictures_are_written_into_the_array_that_is_passed(
    tmp_path: Path, save_picture: SavePicture
) -> None:
    path = save_picture(tmp_path / "a.png")

    def allocate(count: int, size: tuple[int, int], channels: int) -> np.memmap[Any, np.dtype[np.uint8]]:
        return np.memmap(tmp_path / "map", np.uint8, "w+", shape=(count, *size, channels))

    images, errors = decode_each([path, path], Form(8, 8, 3, "crop"), ignore, allocate=allocate)
    assert isinstance(images, np.memmap)
    assert errors == {}
    np.testing.assert_array_equal(images[1], read_picture(path, None, 3))


def test_this_process_loads_no_decoder(tmp_path: Path, make_classes: Callable[..., Path]) -> None:
    make_classes(tmp_path / "set", height=6)
    script = (
        "import sys\nfrom picturewise.data.options import DataOptions\nfrom read_place import read_place\n"
        f"print(len(read_place(DataOptions(source={str(tmp_path / 'set')!r})).train))\n"
        "print({'PIL'} & {name.split('.')[0] for name in sys.modules})\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, check=True)
    assert done.stdout.split()[-1] == b"set()"
