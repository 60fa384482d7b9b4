"""AVIF is read by Pillow itself, HEIC and HEIF with the extra `heif`."""

from __future__ import annotations

import importlib.util
import io
import sys

import numpy as np
import pytest
from PIL import Image

from picturewise.data.pictures import plugins
from picturewise.data.pictures.decode import Form, PictureHeader, read_bytes, read_picture
from picturewise.data.pictures.decode_files import Look, look_and_decode_each
from picturewise.errors import PictureError
from picturewise.extras import install_command

needs_heif = pytest.mark.skipif(
    importlib.util.find_spec("pillow_heif") is None, reason="needs the extra heif, which is not installed"
)
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)


def smooth() -> Image.Image:
    rows, columns = np.mgrid[:32, :48]
    return Image.fromarray(np.stack([rows * 7, columns * 5, rows + columns], 2).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    image.save(buffer, kind, quality=95, **options)
    return buffer.getvalue()


KINDS = ["AVIF", pytest.param("HEIF", marks=needs_heif)]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_read_as_it_was_written_but_for_its_loss(kind: str) -> None:
    found = read_picture(encoded(smooth(), kind), None, 3).astype(int)
    assert np.abs(found - np.asarray(smooth())).mean() < 2


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_read_upright(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(smooth(), kind, exif=exif.tobytes())
    assert read_bytes(content, None, lambda _: None)[0] == PictureHeader(48, 32, colour=True)
    found = read_picture(content, None, 3).astype(int)
    assert np.abs(found - np.rot90(np.asarray(smooth()), -1)).mean() < 2


@pytest.mark.parametrize("kind", KINDS)
def test_transparency_is_put_on_the_background(kind: str) -> None:
    clear = smooth().convert("RGBA")
    clear.putalpha(Image.fromarray(np.repeat([[0] * 24 + [255] * 24], 32, axis=0).astype(np.uint8)))
    content = encoded(clear, kind)
    assert read_picture(content, None, 3)[:, :20].min() > 250
    assert read_picture(content, None, 3, background="black")[:, :20].max() < 5


@pytest.mark.parametrize("kind", KINDS)
def test_several_pictures_in_one_file_are_refused(kind: str) -> None:
    content = encoded(smooth(), kind, save_all=True, append_images=[smooth().rotate(180)])
    with pytest.raises(PictureError, match="it contains 2 frames or pages"):
        read_picture(content, None, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_confined_child_reads_it_beside_others(kind: str) -> None:
    form = Form(32, 48, 3, "crop")
    contents = [encoded(smooth(), kind), encoded(smooth(), "PNG"), encoded(smooth(), kind)[:300]]
    looks, images = look_and_decode_each(contents, form, lambda _: None)
    assert [isinstance(look, Look) for look in looks] == [True, True, False]
    assert "damaged or truncated" in str(looks[2])
    np.testing.assert_array_equal(images[0], read_picture(contents[0], None, 3))
    np.testing.assert_array_equal(images[1], np.asarray(smooth()))


def test_without_the_extra_the_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed
    plugins.load_heif.cache_clear()
    with pytest.raises(PictureError) as caught:
        read_picture(HEIC, None, 3)
    assert caught.value.reason == (
        "an HEIC or HEIF picture, which needs pillow-heif; install it with "
        f"{install_command('heif')}, or export the picture as JPEG"
    )


def test_where_pillow_lacks_avif_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(smooth(), "AVIF")
    monkeypatch.setattr("PIL.AvifImagePlugin.SUPPORTED", False)
    plugins.load_avif.cache_clear()
    with pytest.raises(PictureError, match="an AVIF picture, which this build of Pillow cannot read; export"):
        read_picture(content, None, 3)


def test_other_pictures_load_neither() -> None:
    assert plugins.formats_for(b"\x89PNG\r\n\x1a\n") == tuple(plugins.FORMATS)
    assert plugins.formats_for(b"\0\0\0\x14ftypisom") == tuple(
        plugins.FORMATS
    )  # a video, which none of them reads
