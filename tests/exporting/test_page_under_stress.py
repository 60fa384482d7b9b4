"""The page when much happens at once, with files that mean harm, and with what people do by mistake."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pages
import pytest
from chromium import Browser, Page
from opened_pages import Open, results_of
from photographs import chunk, photographs

from picturewise.data.pictures.decode import read_picture
from picturewise.errors import PictureError
from picturewise.prediction.classifier import Classifier

pytestmark = pytest.mark.campaign
DIGITS = [str(digit) for digit in range(10)]


@pytest.fixture(autouse=True)
def sampled(whole_campaign: bool) -> None:
    if not whole_campaign:
        pytest.skip("only with --whole")


def files_of(content: bytes, count: int, start: int = 0) -> str:
    """Return an expression for files with one content, whose names are numbers."""
    return (
        f"(() => {{ const content = Uint8Array.from({list(content)});"
        f"return Array.from({{length: {count}}}, (_, at) => new File([content], `${{{start} + at}}.png`)); }})()"
    )


@pytest.fixture
def png() -> bytes:
    content = io.BytesIO()
    photographs(1)[0].resize((40, 30)).save(content, "PNG")
    return content.getvalue()


def test_files_that_are_dropped_during_work_wait_and_none_returns_after_removal(
    opened: Open, png: bytes
) -> None:
    page = opened(pages.classifier())
    page.run(f"void picturewise.take({files_of(png, 300)}); void picturewise.take({files_of(png, 200, 300)})")
    results_of(page, 500)
    names = "[...document.querySelectorAll('#rows .row-button')].map((one) => one.textContent)"
    assert page.run(names) == [f"{number}.png" for number in range(500)]
    assert page.run("picturewise.state.selected.name") == "300.png"
    page.wait("document.getElementById('progress').hidden")
    page.run(f"void picturewise.take({files_of(png, 300)})")
    page.wait("picturewise.state.results.length > 510")
    page.run("document.getElementById('remove').click()")
    page.run(f"picturewise.take({files_of(png, 1, 7000)})")
    assert page.run(names) == ["7000.png"]
    page.run(f"void picturewise.take({files_of(png, 1000)})")
    page.wait("!document.getElementById('progress').hidden")
    page.run("document.getElementById('cancel').click()")
    count = page.run("picturewise.state.results.length")
    assert 1 < count < 1001
    page.run("new Promise((resolve) => setTimeout(resolve, 300))")
    assert page.run("picturewise.state.results.length") == count
    page.wait("document.getElementById('status').textContent.startsWith('Cancelled. ')")
    assert page.run("document.activeElement.id") == "choose"


def test_files_that_come_before_the_model_is_ready_wait_for_it(
    running: Browser, tmp_path: Path, png: bytes
) -> None:
    early = (
        "document.addEventListener('DOMContentLoaded', () => { globalThis.early = picturewise.state.model === null;"
        f"picturewise.take({files_of(png, 2)}); }});"
    )
    page = running.open(pages.written(pages.classifier(), tmp_path / "page.html"), first=early)
    assert page.run("early") is True
    assert [result["error"] for result in results_of(page, 2)] == ["", ""]
    assert page.problems() == []


def draw(page: Page, points: list[tuple[float, float]], *, press: bool = True, release: bool = True) -> None:
    """Draw with the mouse; the points are parts of the drawing area."""
    box = page.run(
        "(({left, top, width}) => [left, top, width])(document.getElementById('paper').getBoundingClientRect())"
    )
    kinds = ["mouseMoved"] * len(points)
    if press:
        kinds[0] = "mousePressed"
    if release:
        kinds[-1] = "mouseReleased"
    for kind, (x, y) in zip(kinds, points, strict=True):
        page.call(
            "Input.dispatchMouseEvent", type=kind, x=box[0] + x * box[2], y=box[1] + y * box[2], button="left",
            buttons=int(kind != "mouseReleased"), clickCount=1,
        )  # fmt: skip


def columns_of(page: Page) -> int:
    """Return how many columns of the classified drawing have ink, once it no longer changes."""
    last, seen = None, page.run("[...(picturewise.state.selected?.seen.data ?? [])]")
    while seen != last:
        page.run("new Promise((resolve) => setTimeout(resolve, 300))")
        last, seen = seen, page.run("[...(picturewise.state.selected?.seen.data ?? [])]")
    return int(np.flatnonzero(np.reshape(seen, (28, 28, 3)).max(axis=(0, 2)) > 20).size)


def test_a_drawing_survives_a_change_of_tabs_and_undoing_in_the_middle_of_a_stroke(opened: Open) -> None:
    page = opened(pages.classifier(DIGITS, (28, 28, 1), mean=33.0))
    page.look(390)
    draw(page, [(0.5, 0.2), (0.5, 0.4), (0.5, 0.6), (0.5, 0.8)])
    assert columns_of(page) <= 6
    # The second stroke is undone before it ends, so what follows is not joined to the first.
    draw(page, [(0.2, 0.5), (0.3, 0.5), (0.4, 0.5)], release=False)
    page.run("document.getElementById('undo').click()")
    draw(page, [(0.8, 0.5), (0.9, 0.5)], press=False)
    assert columns_of(page) <= 6
    # The drawing area disappears while somebody draws.
    draw(page, [(0.5, 0.5), (0.5, 0.6)], release=False)
    page.run("document.getElementById('files-tab').click()")
    for x in (10, 200):
        page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=300, button="left", buttons=1)
    page.call("Input.dispatchMouseEvent", type="mouseReleased", x=200, y=300, button="left", buttons=0)
    page.run("document.getElementById('draw-tab').click()")
    assert columns_of(page) <= 6
    page.run("document.getElementById('clear-drawing').click()")
    draw(page, [(0.2, 0.5), (0.5, 0.5), (0.8, 0.5), (0.8, 0.5)])
    assert columns_of(page) >= 18


def test_keys_that_belong_to_the_browser_are_left_to_it(opened: Open) -> None:
    page = opened(pages.classifier(DIGITS, (28, 28, 1), mean=33.0))
    pressed = (
        "((given) => document.getElementById('paper').dispatchEvent(new KeyboardEvent('keydown', "
        "{{cancelable: true, bubbles: true, ...given}})))({})"
    )
    assert page.run(pressed.format("{key: 'ArrowLeft', altKey: true}"))
    assert not page.run(pressed.format("{key: 'ArrowLeft'}"))
    assert not page.run(pressed.format("{key: ' ', repeat: true}"))
    assert page.run("document.getElementById('undo').disabled")  # a key that is held down draws nothing
    assert not page.run(pressed.format("{key: ' '}"))
    page.wait("document.getElementById('status').textContent.startsWith('Pen down. ')")


def test_a_link_that_is_dropped_does_not_lead_away(opened: Open) -> None:
    page = opened(pages.classifier())
    taken = page.run(
        "(() => { const all = new DataTransfer(); all.setData('text/uri-list', 'https://example.org');"
        "const event = new DragEvent('dragover', {dataTransfer: all, cancelable: true, bubbles: true});"
        "document.body.dispatchEvent(event); return [event.defaultPrevented, document.body.className]; })()"
    )
    assert taken == [True, ""]


def test_what_is_said_is_said_again_for_the_next_picture(opened: Open, png: bytes) -> None:
    page = opened(pages.classifier())
    page.run(
        "globalThis.said = []; new MutationObserver(() => said.push(document.getElementById('status').textContent))"
        ".observe(document.getElementById('status'), {childList: true}); undefined"
    )
    for count in (1, 2):
        page.run(f"picturewise.take({files_of(png, 1)})")
        page.wait(f"said.filter(Boolean).length === {count}")
    first, second = page.run("said.filter(Boolean)")
    assert first == second
    page.run(f"picturewise.take([...{files_of(png, 1)}, new File(['x'], 'bad.png')])")
    page.wait("said.filter(Boolean).length === 3")
    assert page.run("said.at(-1)").startswith("1 picture was classified, and 1 could not be read. ")


def with_shares(least: float, most: float, png: bytes) -> Classifier:
    """Return a classifier that is as sure of a picture as said."""
    one = pages.classifier()
    height, width, channels = one.description.shape
    pixels = read_picture(png, (height, width), channels)[np.newaxis]
    for temperature in np.geomspace(1.0, 0.001, 400):
        sharp = Classifier(one.network, replace(one.description, temperature=float(temperature)))
        if least < sharp.probabilities(pixels).max() < most:
            return sharp
    raise AssertionError("no temperature fits")


def test_only_what_is_certain_has_100_percent(opened: Open, png: bytes) -> None:
    page = opened(with_shares(0.9996, 0.99999, png))
    page.run(f"picturewise.take({files_of(png, 1)})")
    (result,) = results_of(page, 1)
    assert isinstance(result["probabilities"], list)
    shares = page.run("[...document.querySelectorAll('.bars .share')].map((one) => one.textContent)")
    assert shares[int(np.argmax(result["probabilities"]))] == "> 99.9%"
    assert "< 0.1%" in shares
    assert page.run("picturewise.csvOf(picturewise.state.results, 0.5)").splitlines()[1].split(",")[2] == (
        f"{max(result['probabilities']):.6f}"
    )


def test_files_that_would_take_too_much_memory_or_time_are_refused_before(
    opened: Open, tmp_path: Path
) -> None:
    size = struct.pack(">IIBBBBB", 8, 5, 8, 2, 0, 0, 0)
    packer = zlib.compressobj(9)
    packed = [packer.compress(b"".join(b"\0" + bytes(24) for _ in range(5)))]
    packed += [packer.compress(bytes(1 << 20)) for _ in range(64)]
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", b"".join([*packed, packer.flush()]))
    (tmp_path / "bomb.png").write_bytes(bomb + chunk(b"IEND", b""))
    with pytest.raises(PictureError):  # as Picturewise refuses it
        read_picture(tmp_path / "bomb.png", None, 3)
    picture = photographs(1)[0].resize((300, 200))
    contents = {}
    for kind in ("GIF", "BMP", "WEBP", "JPEG"):
        content = io.BytesIO()
        picture.save(content, kind, **({"progressive": True} if kind == "JPEG" else {"lossless": True}))
        contents[kind] = bytearray(content.getvalue())
    contents["GIF"][6:10] = struct.pack("<HH", 60_000, 60_000)
    contents["BMP"][18:26] = struct.pack("<ii", 60_000, -60_000)
    packed_size = struct.unpack_from("<I", contents["WEBP"], 21)[0]
    contents["WEBP"][21:25] = struct.pack("<I", (packed_size & 0xF0000000) | 16_382 | (16_382 << 14))
    at = contents["JPEG"].index(b"\xff\xda", contents["JPEG"].index(b"\xff\xda") + 2)  # the second scan
    end = contents["JPEG"].index(b"\xff", at + 20)
    while contents["JPEG"][end + 1] in (0, *range(0xD0, 0xD8)):
        end = contents["JPEG"].index(b"\xff", end + 2)
    contents["JPEG"][at:end] = contents["JPEG"][at:end] * 600
    refused = {
        "bomb.png": "more pixels than its size allows",
        "a.gif": "60000×60000 pixels; at most 100 million are allowed",
        "a.bmp": "60000×60000 pixels; at most 100 million are allowed",
        "a.webp": "16383×16383 pixels; at most 100 million are allowed",
        "a.jpeg": "more than 500 scans",
    }
    for kind, content in contents.items():
        (tmp_path / f"a.{kind.lower()}").write_bytes(content)
    page = opened(pages.classifier())
    page.give_files("#choose", [tmp_path / name for name in refused])
    for result, (name, words) in zip(results_of(page, len(refused)), refused.items(), strict=True):
        assert words in str(result["error"]), (name, result["error"])
    page.run(
        "picturewise.take([Object.defineProperty(new File(['x'], 'film.mp4'), 'size', {value: 5_000_000_000})])"
    )
    assert results_of(page, 6)[-1]["error"] == "It has 5,000 MB; at most 1,000 MB are allowed."


@pytest.mark.parametrize("size", [(10_000, 9_900)])
def test_a_picture_of_a_hundred_megapixels_is_read(
    opened: Open, tmp_path: Path, size: tuple[int, int]
) -> None:
    picture = photographs(1)[0].resize(size)
    names = ["a.png", "a.jpg"]
    for name in names:
        picture.save(tmp_path / name, compress_level=1)
    one = pages.classifier()
    page = opened(one)
    for count, name in enumerate(names, 1):
        page.give_files("#choose", [tmp_path / name])
        found = results_of(page, count, seconds=600)
    for result, name in zip(found, names, strict=True):
        assert result["error"] == ""
        height, width, _ = one.description.shape
        expected = read_picture(tmp_path / name, (height, width), 3)
        np.testing.assert_array_equal(np.reshape(result["seen"], (height, width, 3)), expected, name)
