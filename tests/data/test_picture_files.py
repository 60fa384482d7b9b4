from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sightline.data.decode import Header, PictureError, read_picture
from sightline.data.digests import digest
from sightline.data.picture_files import Look, decode_each, look_at_each

SavePicture = Callable[..., Path]


def ignore(_: int) -> None:
    """Take a tick and do nothing."""


def test_results_come_in_the_order_of_the_files_whatever_thread_was_first(
    tmp_path: Path, save_picture: SavePicture
) -> None:
    paths = [save_picture(tmp_path / f"{n}.png", height=3, width=n % 7 + 1, seed=n) for n in range(150)]
    looks = look_at_each(paths, ignore)
    assert [look.header.width for look in looks if isinstance(look, Look)] == [n % 7 + 1 for n in range(150)]
    images, errors = decode_each(paths, (3, 3), 3, "stretch", ignore)
    assert errors == {}
    for path, image in zip(paths, images, strict=True):
        np.testing.assert_array_equal(image, read_picture(path, (3, 3), 3, "stretch"))


def test_a_look_has_the_header_and_the_digest_of_the_files_bytes(
    tmp_path: Path, save_picture: SavePicture
) -> None:
    path = save_picture(tmp_path / "a.png", height=3, width=5, mode="L")
    assert look_at_each([path], ignore) == [Look(Header(3, 5, colour=False), digest(path.read_bytes()))]


def test_bad_files_are_told_apart_with_their_reason(tmp_path: Path, save_picture: SavePicture) -> None:
    good = save_picture(tmp_path / "good.png")
    short = save_picture(tmp_path / "short.png", height=64, width=64)
    short.write_bytes(short.read_bytes()[:-2000])
    text = tmp_path / "text.png"
    text.write_text("text")
    looks = look_at_each([text, good, short], ignore)
    assert isinstance(looks[0], PictureError)
    assert "found text" in looks[0].reason
    assert isinstance(looks[1], Look)
    images, errors = decode_each([short, good], (8, 8), 3, "crop", ignore)
    assert list(errors) == [0]
    assert "truncated" in errors[0].reason
    np.testing.assert_array_equal(images[1], read_picture(good, None, 3))


def test_ticks_come_from_the_calling_thread_and_add_up(tmp_path: Path, save_picture: SavePicture) -> None:
    paths = [save_picture(tmp_path / "a.png")] * 200
    ticks: list[tuple[int, int]] = []
    decode_each(paths, (8, 8), 3, "crop", lambda n: ticks.append((n, threading.get_ident())))
    assert sum(n for n, _ in ticks) == 200
    assert len(ticks) > 1
    assert {thread for _, thread in ticks} == {threading.get_ident()}


def test_no_files_are_no_pictures() -> None:
    images, errors = decode_each([], (8, 8), 3, "crop", ignore)
    assert images.shape == (0, 8, 8, 3)
    assert errors == {}
    assert look_at_each([], ignore) == []
