"""Pictures made to do harm: each must give one clear error, quickly and with little memory."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hostile.pictures import encoded, png
from PIL import Image
from read_place import read_place

from picturewise.data.options import DataOptions
from picturewise.data.pictures.decode import Form, read_bytes, read_picture
from picturewise.data.pictures.decode_files import Look, decode_each, look_and_decode_each, look_at_each
from picturewise.errors import DataError, PictureError


def ignore(_: int) -> None:
    """Take a tick and do nothing."""


@pytest.fixture
def peak_memory() -> Iterator[Callable[[], int]]:
    """Return the most bytes that Python objects and arrays took since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("width", "height"), [(100_000, 100_000), (2**31 - 1, 2**31 - 1), (20_000, 20_000), (9_000, 12_000)]
)
def test_a_png_that_declares_huge_dimensions_is_refused_before_decoding(
    width: int, height: int, peak_memory: Callable[[], int]
) -> None:
    content = png(width, height, (b"IDAT", zlib.compress(bytes(10_000))))
    for size in (None, (32, 32)):
        with pytest.raises(PictureError, match=r"too large .*100,000,000"):
            read_picture(content, size, 3)
    assert peak_memory() < 5_000_000


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM", "JPEG", "WEBP", "AVIF"])
def test_every_format_has_the_limit_on_pixels(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picturewise.data.pictures.decode.MAX_PIXELS", 80)
    assert read_picture(encoded(Image.new("RGB", (10, 8)), kind), None, 3).shape == (8, 10, 3)
    with pytest.raises(PictureError, match=r"too large .9x10 pixels; at most 80 are allowed"):
        read_bytes(encoded(Image.new("RGB", (10, 9)), kind), None, ignore)


@pytest.mark.slow
def test_a_text_bomb_in_a_png_is_refused(peak_memory: Callable[[], int]) -> None:
    bomb = b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9)
    content = png(1, 1, (b"zTXt", bomb), (b"IDAT", zlib.compress(b"\0\0")))
    with pytest.raises(PictureError, match="damaged"):
        read_bytes(content, None, ignore)
    assert peak_memory() < 250_000_000  # the test's own 200 MB, and little more


def test_a_gif_frame_far_outside_its_canvas_is_refused() -> None:
    content = bytearray(encoded(Image.new("P", (4, 4)), "GIF"))
    at = content.index(b",")  # the image descriptor: left, top, width, height
    content[at + 1 : at + 9] = struct.pack("<HHHH", 0, 0, 65535, 65535)
    with pytest.raises(PictureError, match=r"too large|damaged"):
        read_picture(bytes(content), None, 3)


def test_a_tiff_whose_pages_run_in_a_circle_ends() -> None:
    content = bytearray(encoded(Image.new("L", (4, 4)), "TIFF"))
    (start,) = struct.unpack("<I", content[4:8])
    (entries,) = struct.unpack("<H", content[start : start + 2])
    following = start + 2 + 12 * entries
    content[following : following + 4] = struct.pack("<I", start)
    with contextlib.suppress(PictureError):  # older versions of Pillow refuse the circle, newer ones end it
        assert read_picture(bytes(content), None, 1).shape == (4, 4, 1)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n", "a PostScript file"),
        (
            b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
            "an SVG drawing",
        ),
        (b"#define x_width 8\n#define x_height 8\nstatic char x_bits[] = {\n0x00};\n", "text"),
        (b"/* XPM */\nstatic char *x[] = {", "text"),
    ],
    ids=["eps", "svg", "xbm", "xpm"],
)
def test_formats_that_run_or_fetch_things_are_not_opened(content: bytes, found: str) -> None:
    with pytest.raises(PictureError, match=f"not a supported picture .it is {found}; supported are PNG"):
        read_bytes(content, None, ignore)


def test_a_link_to_an_endless_device_in_a_class_folder_does_not_hang(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(4):
            Image.new("L", (4, 4), index).save(tmp_path / name / f"{index}.png")
    (tmp_path / "cat" / "zero.png").symlink_to("/dev/zero")
    with pytest.raises(DataError, match=r"1 of 9 files .* cat/zero\.png: not a regular file"):
        read_place(DataOptions(source=str(tmp_path)))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_file_name_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.new("L", (4, 4)).save(tmp_path / name / "1.png")
    (tmp_path / "cat" / "\x1b]0;owned\x07\n.png").write_text("bad")
    with pytest.raises(DataError) as caught:
        read_place(DataOptions(source=str(tmp_path)))
    assert str(caught.value).isprintable()
    assert "cat/\\x1b]0;owned\\x07\\n.png" in str(caught.value)


SAMPLES = {
    "png": lambda: encoded(noise().quantize(16), "PNG", transparency=3),
    "png16": lambda: encoded(noise().convert("L").convert("I;16"), "PNG"),
    "apng": lambda: encoded(noise(), "PNG", save_all=True, append_images=[noise()]),
    "jpeg": lambda: encoded(noise(), "JPEG", exif=turned()),
    "mpo": lambda: encoded(noise(), "MPO", save_all=True, append_images=[noise()]),
    "gif": lambda: encoded(noise(), "GIF", save_all=True, append_images=[noise()]),
    "webp": lambda: encoded(noise(), "WEBP", exif=turned()),
    "avif": lambda: encoded(noise(), "AVIF", exif=turned(), speed=10),
    **({"heif": lambda: heic(noise())} if importlib.util.find_spec("pillow_heif") else {}),
    "bmp": lambda: encoded(noise().quantize(16), "BMP"),
    "tiff": lambda: encoded(noise(), "TIFF", compression="tiff_lzw", exif=turned()),
    "tiff-float": lambda: encoded(noise().convert("F"), "TIFF"),
    "ppm": lambda: encoded(noise(), "PPM"),
}


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 9, 3), dtype=np.uint8))


def heic(image: Image.Image) -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return encoded(image, "HEIF")


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def mutated(whole: bytes, random: np.random.Generator) -> bytes:
    content = bytearray(whole)
    within = len(content) if random.random() < 0.5 else min(64, len(content))
    for position in random.integers(0, within, random.integers(1, 5)):
        content[position] = random.choice([0, 1, 127, 128, 255, random.integers(0, 256)])
    if random.random() < 0.2:
        del content[random.integers(1, len(content)) :]
    return bytes(content)


@pytest.mark.slow
def test_mutated_files_among_good_ones_harm_nothing_but_themselves() -> None:
    random, whole = np.random.default_rng(1), {kind: make() for kind, make in SAMPLES.items()}
    good, _ = decode_each([whole["jpeg"]], Form(8, 8, 3, "crop"), ignore)
    contents = [
        whole["jpeg"] if number % 2 else mutated(content, random)
        for content in whole.values()
        for number in range(80)
    ]
    looks = look_at_each(contents, ignore)
    images, errors = decode_each(contents, Form(8, 8, 3, "crop"), ignore)
    both, same = look_and_decode_each(contents, Form(8, 8, 3, "crop"), ignore)
    assert [index for index, look in enumerate(both) if isinstance(look, PictureError)] == sorted(errors)
    assert all(look == looks[index] for index, look in enumerate(both) if isinstance(look, Look))
    assert all((same[index] == images[index]).all() for index in range(len(contents)) if index not in errors)
    assert all(isinstance(looks[index], Look) for index in range(1, len(contents), 2))
    assert (images[1::2] == good).all()
    assert errors
    assert not any(index % 2 for index in errors)
    assert all(str(error).isprintable() for error in errors.values())


def sparse_tiff(width: int, height: int, samples: int) -> bytes:
    """Return a TIFF that declares samples of 16 bits without having one."""
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, 8), (277, 3, 1, samples), (278, 4, 1, height), (279, 4, 1, 2**31 - 1),
    ]  # fmt: skip
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4)


BOMBS: dict[str, Callable[[], bytes]] = {
    "zeros": lambda: png(10_000, 10_000, (b"IDAT", zlib.compress(bytes(100_010_000), 1))),
    "cut zeros": lambda: png(10_000, 10_000, (b"IDAT", zlib.compress(bytes(100_010_000), 1)[:50_000])),
    "16 bits": lambda: png(10_000, 10_000, (b"IDAT", zlib.compress(bytes(200_010_000), 1)), bits=16),
    "text": lambda: png(1, 1, (b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000), 1))),
    "profile": lambda: png(1, 1, (b"iCCP", b"a\0\0" + zlib.compress(bytes(400_000_000), 1))),
    "webp": lambda: encoded(Image.new("RGB", (9_900, 10_000)), "WEBP", lossless=True, method=0),
    "avif": lambda: encoded(Image.new("RGB", (9_900, 10_000)), "AVIF", speed=10),
    "gif": lambda: encoded(Image.new("P", (9_900, 10_000)), "GIF"),
    "jpeg": lambda: encoded(Image.new("RGB", (9_900, 10_000)), "JPEG"),
    "tiff": lambda: sparse_tiff(10_000, 10_000, 1),
    "many samples": lambda: sparse_tiff(10_000, 10_000, 65_535),
    "packed tiff": lambda: encoded(Image.new("L", (9_900, 10_000)), "TIFF", compression="tiff_adobe_deflate"),
}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows does not have such limits")
def test_no_bomb_takes_more_than_a_gibibyte_or_a_good_picture_with_it(tmp_path: Path) -> None:
    for number, make in enumerate(BOMBS.values()):
        (tmp_path / f"{number:02}.bomb").write_bytes(make())
    (tmp_path / "good").write_bytes(encoded(noise(), "PNG"))
    script = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from picturewise.data.pictures.decode import Form\n"
        "from picturewise.data.pictures.decode_files import Look, look_and_decode_each, look_at_each\n"
        f"good = Path({str(tmp_path / 'good')!r})\n"
        "paths = [p for bomb in sorted(good.parent.glob('*.bomb')) for p in (bomb, good)]\n"
        "looks = look_at_each(paths, lambda _: None)\n"
        "found, _ = look_and_decode_each(paths, Form(4, 4, 3, 'crop'), lambda _: None)\n"
        "assert all(isinstance(look, Look) for look in looks[1::2] + found[1::2])\n"
        "assert all(str(error).isprintable() for error in found if not isinstance(error, Look))\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "status = Path('/proc/self/status')  # ru_maxrss would be that of the parent\n"
        "print(int(status.read_text().split('VmHWM:')[1].split()[0]) if status.exists() else 0)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, check=False)
    assert done.stderr == b""
    children, own = map(int, done.stdout.split())
    assert children << 10 < 1 << 30
    assert own << 10 < 200 << 20
