"""The page in a headless Chromium, from a file and offline."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pages
import pytest
from opened_pages import Open, results_of
from photographs import in_all_forms, photographs
from PIL import Image
from reading_classifiers import column_reader, pictures, reader

import picturewise
from picturewise.csv_cells import as_cell
from picturewise.data.pictures.decode import read_picture
from picturewise.data.pictures.pixels import fitted, to_array
from picturewise.types import Classifier, Reading

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = ("</script><script>poisoned=1</script>", '"><img src=x onerror=poisoned=1>', "=1+1", "long " * 40)
TALL = """(({seen}) => {
  const inked = (row) => seen.data.subarray(84 * row, 84 * row + 84).some((value) => value > 20);
  return [...Array(28).keys()].filter(inked).length >= 18;
})(picturewise.state.selected ?? {seen: {data: new Uint8Array(2352)}})"""
"""Whether the last drawing has been classified: before that, there is a dot."""

_SAMPLE = (
    "test_pictures_have_the_pixels_and_the_class_that_picturewise_gives_them",
    "test_hostile_names_stay_text_on_the_page_and_in_the_csv_file",
    "test_a_drawn_digit_is_central_and_as_large_as_those_of_training",
    "test_readings_are_those_of_predict_and_a_number_is_drawn_on_wide_paper",
)
"""What the quick tests try; the others take a minute."""


@pytest.fixture(autouse=True)
def sampled(request: pytest.FixtureRequest, whole_campaign: bool) -> None:
    if not whole_campaign and request.node.originalname not in _SAMPLE:
        pytest.skip("only with --whole")


@pytest.mark.campaign
def test_pictures_have_the_pixels_and_the_class_that_picturewise_gives_them(
    opened: Open, tmp_path: Path, whole_campaign: bool
) -> None:
    classifier = pages.classifier()
    height, width, _ = classifier.description.shape
    files = in_all_forms(100 if whole_campaign else 24, tmp_path)
    page = opened(classifier)
    page.give_files("#choose", files)
    found = results_of(page, len(files))
    expected = classifier.predict_proba(files)
    labels = classifier.predict(files)
    assert len(set(labels)) > 1
    for file, result, shares, label in zip(files, found, expected, labels, strict=True):
        assert (result["name"], result["error"]) == (file.name, "")
        pixels = read_picture(file, (height, width), 3, values=(0, 65535))
        np.testing.assert_array_equal(np.reshape(result["seen"], (height, width, 3)), pixels, file.name)
        np.testing.assert_allclose(result["probabilities"], shares, atol=1e-5)
        assert classifier.classes[int(np.argmax(result["probabilities"]))] == label
    assert page.run("document.querySelectorAll('#rows tr').length") == len(files)


@pytest.mark.campaign
@pytest.mark.parametrize("make", [reader, column_reader])
def test_readings_are_those_of_predict_and_a_number_is_drawn_on_wide_paper(
    make: Callable[[], Classifier], opened: Open, tmp_path: Path, whole_campaign: bool
) -> None:
    if make is column_reader and not whole_campaign:
        pytest.skip("only with --whole")
    classifier = make()
    least = (classifier.description.thresholds or {})["0.98"]
    files = [tmp_path / f"{number:02d}.png" for number in range(20)]
    for file, image in zip(files, pictures(20), strict=True):
        Image.fromarray(image[..., 0]).save(file)
    page = opened(classifier)
    assert page.run("document.getElementById('question').textContent") == "Which number is it?"
    page.give_files("#choose", files)
    found = [one["reading"] for one in results_of(page, len(files), ("reading",))]
    expected = picturewise.predict(classifier, files).predictions
    assert len({one.label for one in expected}) > 1
    for told, one in zip(found, expected, strict=True):
        assert isinstance(one, Reading)
        assert told["text"] == one.label
        assert told["share"] == pytest.approx(one.probability, abs=1e-5)
        assert [tuple(part) for part in told["parts"]] == [
            (part, pytest.approx(share, abs=1e-5)) for part, share in one.parts
        ]
    # Below the threshold for 98 %, readings are unsure until somebody moves the limit.
    assert page.run("picturewise.state.limit") == least
    unsure = sum(one.probability < least for one in expected)
    assert page.run("document.querySelectorAll('#rows .tag').length") == unsure
    rows = [*csv.reader(io.StringIO(page.run("picturewise.csvOf(picturewise.state.results, 0.25)")))]
    assert rows[0] == ["picture", "reading", "probability", "unsure", "note"]
    assert [row[1] for row in rows[1:]] == [one.label for one in expected]

    page.run("document.getElementById('draw-tab').click()")
    page.run("document.getElementById('clear-drawing').click()")
    left, top, width, height = page.run(
        "(({left, top, width, height}) => [left, top, width, height])"
        "(document.getElementById('paper').getBoundingClientRect())"
    )
    assert width / height == pytest.approx(32 / 12, rel=0.03)
    for across in (0.1, 0.4, 0.7):  # three upright strokes
        for kind, down in (("mousePressed", 0.3), ("mouseMoved", 0.5), ("mouseReleased", 0.7)):
            page.call(
                "Input.dispatchMouseEvent", type=kind, x=left + across * width, y=top + down * height, button="left",
                buttons=1, clickCount=1,
            )  # fmt: skip
    drawn = "[...(picturewise.state.selected?.seen?.data ?? [])]"
    page.wait(
        f"((seen) => [...Array(32).keys()].filter((x) => seen[3 * (6 * 32 + x)] > 100).length >= 3)({drawn})"
    )
    seen = np.reshape(page.run(drawn), (12, 32, 3))[:, :, 0]
    rows_with_ink, columns_with_ink = (
        np.flatnonzero(seen.max(axis=axis) > seen.min() + 60) for axis in (1, 0)
    )
    assert np.ptp(columns_with_ink) > 20  # as wide as it was drawn: 0.6 of the paper, enlarged
    assert abs(rows_with_ink.mean() - 5.5) < 0.6
    assert abs(columns_with_ink.mean() - 15.5) < 1
    first = page.run("document.getElementById('bars').children[0].textContent")
    assert first.startswith("length: " if make is reader else "symbol 1: ")


@pytest.mark.campaign
def test_what_cannot_be_read_exactly_is_said(opened: Open, tmp_path: Path) -> None:
    (picture,) = photographs(1)
    refused = {
        "cmyk.jpg": "CMYK",
        "cut.png": "damaged or incomplete",
        "cut.jpg": "damaged",
        "two.gif": "several frames",
        "two.webp": "several frames",
        "two.png": "several frames",
        "text.png": "cannot read",
        "dark.png": "white is not known",
    }
    picture.convert("CMYK").save(tmp_path / "cmyk.jpg")
    for name in ("cut.png", "cut.jpg"):
        picture.resize((400, 400)).save(tmp_path / name)
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:3000])
    for name in ("two.gif", "two.webp", "two.png"):
        picture.save(tmp_path / name, save_all=True, append_images=[picture.rotate(90)])
    (tmp_path / "text.png").write_text("not a picture")
    Image.fromarray(np.full((9, 9), 900, np.uint16)).save(tmp_path / "dark.png")
    alpha = picture.copy()
    alpha.putalpha(100)
    alpha.save(tmp_path / "half.webp", lossless=True)
    # Three quarters of the columns have no colours of their own: a sampling that Pillow cannot write.
    picture.resize((128, 128)).save(tmp_path / "rare.jpg", subsampling=2)
    content = (tmp_path / "rare.jpg").read_bytes()
    at = content.index(b"\xff\xc0") + 11
    (tmp_path / "rare.jpg").write_bytes(content[:at] + b"\x41" + content[at + 1 :])
    page = opened(pages.classifier())
    names = [*refused, "half.webp", "rare.jpg"]
    page.give_files("#choose", [tmp_path / name for name in names])
    found = dict(zip(names, results_of(page, len(names)), strict=True))
    for name, words in refused.items():
        assert words in str(found[name]["error"]), name
        assert found[name]["probabilities"] is None
    assert str(found["half.webp"]["note"]).startswith(
        "Half-transparent places can differ by one level of colour."
    )
    assert str(found["rare.jpg"]["note"]).startswith("It is a rare kind of JPEG")


@pytest.mark.campaign
def test_pictures_are_resized_as_pillow_does_it(opened: Open) -> None:
    page, random = opened(pages.classifier()), np.random.default_rng(2)
    for number in range(40):
        height, width = (int(side) for side in np.exp(random.uniform(0, np.log(130), 2)).round())
        size = tuple(int(side) for side in random.integers(1, 40, 2))
        mode = ("crop", "pad", "stretch")[number % 3]
        picture = random.integers(0, 256, (height, width, 3), np.uint8)
        given = json.dumps({"width": width, "height": height, "data": picture.ravel().tolist()})
        found = page.run(f"[...picturewise.fitted({given}, {size[0]}, {size[1]}, '{mode}').data]")
        expected = to_array(fitted(Image.fromarray(picture), size, mode), 3)
        np.testing.assert_array_equal(
            np.reshape(found, expected.shape), expected, f"{picture.shape} {size} {mode}"
        )


@pytest.mark.campaign
def test_hostile_names_stay_text_on_the_page_and_in_the_csv_file(opened: Open, tmp_path: Path) -> None:
    page = opened(pages.classifier(HOSTILE))
    names = ["=cmd.png", "<img src=x onerror=poisoned=1>.png"]
    for name, picture in zip(names, photographs(2), strict=True):
        picture.save(tmp_path / name)
    page.give_files("#choose", [tmp_path / name for name in names])
    results_of(page, 2)
    assert page.run("typeof poisoned") == "undefined"
    assert page.run("document.querySelectorAll('img').length") == 0
    assert page.run("[...document.querySelectorAll('.bars .name')].map((one) => one.textContent)") == list(
        HOSTILE
    )
    table = page.run("picturewise.csvOf(picturewise.state.results, 0.5)")
    head, *rows = csv.reader(io.StringIO(table))
    assert head[5:] == [f"p({name})" for name in HOSTILE]
    assert [row[0] for row in rows] == [as_cell(name) for name in names]
    assert {row[1] for row in rows} <= {as_cell(name) for name in HOSTILE}
    cells = ["-0.5", "-1+1", "'=1", "'tis", "＝1", 'a "b", c', "\t=1", "+3e5", "@x"]
    written = page.run(
        f"picturewise.csvOf({json.dumps(cells)}.map((name) => "
        "({name, model: {classes: ['a']}, probabilities: [1], note: ''})), 0)"
    )
    assert [row[0] for row in csv.reader(io.StringIO(written))][1:] == [as_cell(cell) for cell in cells]


@pytest.mark.campaign
def test_a_drawn_digit_is_central_and_as_large_as_those_of_training(opened: Open) -> None:
    page = opened(pages.classifier([str(digit) for digit in range(10)], (28, 28, 1), mean=33.0))
    page.look(390)
    box = page.run(
        "(({left, top, width}) => ({left, top, width}))(document.getElementById('paper').getBoundingClientRect())"
    )

    def mouse(kind: str, x: float, y: float) -> None:
        page.call(
            "Input.dispatchMouseEvent", type=kind, x=box["left"] + x * box["width"],
            y=box["top"] + y * box["width"], button="left", buttons=1, clickCount=1,
        )  # fmt: skip

    mouse("mousePressed", 0.1, 0.1)
    for x, y in ((0.3, 0.1), (0.3, 0.3), (0.2, 0.5)):  # a small 7 in a corner
        mouse("mouseMoved", x, y)
    mouse("mouseReleased", 0.2, 0.5)
    page.wait(TALL)
    seen = np.reshape(page.run("[...picturewise.state.selected.seen.data]"), (28, 28, 3))[:, :, 0]
    rows, columns = (np.flatnonzero(seen.max(axis=axis) > 20) for axis in (1, 0))
    assert 18 <= np.ptp(rows) + 1 <= 21
    assert np.ptp(columns) < np.ptp(rows)
    for axis, weights in enumerate((seen.sum(axis=1), seen.sum(axis=0))):
        assert abs(np.average(np.arange(28) + 0.5, weights=weights) - 14) < 0.3, axis
    assert (seen.min(), seen.max()) == (0, 255)
    assert page.run("document.getElementById('verdict').textContent") in "0123456789"
    page.run("document.getElementById('clear-drawing').click()")
    assert page.run("picturewise.state.selected") is None


@pytest.mark.campaign
def test_a_digit_can_be_drawn_with_the_keyboard(opened: Open) -> None:
    page = opened(pages.classifier([str(digit) for digit in range(10)], (28, 28, 1), mean=33.0))
    page.run("document.getElementById('paper').focus()")
    for key in (" ", *["ArrowDown"] * 6, " "):
        page.call("Input.dispatchKeyEvent", type="keyDown", key=key)
        page.call("Input.dispatchKeyEvent", type="keyUp", key=key)
    page.wait(TALL)
    seen = np.reshape(page.run("[...picturewise.state.selected.seen.data]"), (28, 28, 3))[:, :, 0]
    assert np.flatnonzero(seen.max(axis=1) > 20).size >= 18
    assert np.flatnonzero(seen.max(axis=0) > 20).size <= 6


@pytest.mark.campaign
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("drawn", [False, True])
def test_the_page_fits_a_phone_and_a_desk_and_is_accessible(
    opened: Open, tmp_path: Path, *, dark: bool, drawn: bool, whole_campaign: bool
) -> None:
    page = opened(pages.classifier([str(digit) for digit in range(10)] if drawn else HOSTILE))
    files = [tmp_path / f"{'long ' * 9}{number}.png" for number in range(3)]
    for file, picture in zip(files, photographs(3), strict=True):
        picture.save(file)
    if whole_campaign and not AXE.exists():
        pytest.fail("axe-core is missing: npm install --no-save axe-core")
    for given in ([], files):
        if given:
            page.give_files("#choose", given)
            results_of(page, 3)
        for width in (360, 390, 1280):
            page.look(width, dark=dark)
            assert page.run("document.documentElement.scrollWidth") <= width
            if AXE.exists():
                page.run(f"{AXE.read_text(encoding='utf-8')};undefined")
                found = page.run(
                    "axe.run().then(({violations}) => violations.map(({id, nodes}) => [id, nodes[0].html]))"
                )
                assert found == []


@pytest.mark.campaign
def test_a_person_sets_from_which_confidence_an_answer_is_sure(opened: Open, tmp_path: Path) -> None:
    page = opened(pages.classifier())
    file = tmp_path / "a.png"
    photographs(1)[0].save(file)
    page.give_files("#choose", [file])
    (result,) = results_of(page, 1)
    shares = result["probabilities"]
    assert isinstance(shares, list)
    limit = int(100 * max(shares))
    for value, unsure in ((limit, False), (limit + 1, True)):
        page.run(
            f"(() => {{ const one = document.getElementById('limit'); one.value = {value};"
            "one.dispatchEvent(new Event('input')); })()"
        )
        assert ("unsure" in page.run("document.getElementById('verdict-share').textContent")) is unsure
        assert page.run("document.getElementById('limit-value').textContent") == f"{value}%"
    bars = page.run("[...document.querySelectorAll('.bars .share')].map((one) => one.textContent)")
    assert bars == [f"{100 * share:.1f}%" for share in shares]


@pytest.mark.campaign
def test_of_many_classes_the_ten_likeliest_are_shown_and_the_others_are_summed(
    opened: Open, tmp_path: Path
) -> None:
    page = opened(pages.classifier([f"class {number}" for number in range(30)]))
    file = tmp_path / "a.png"
    photographs(1)[0].save(file)
    page.give_files("#choose", [file])
    (result,) = results_of(page, 1)
    shares = np.sort(np.array(result["probabilities"], float))[::-1]
    texts = page.run("[...document.querySelectorAll('.bars li')].map((one) => one.textContent)")
    assert len(texts) == 11
    assert re.fullmatch(rf"20 others{100 * shares[10:].sum():.1f}%", texts[-1])
    assert texts[0].endswith(f"{100 * shares[0]:.1f}%")


@pytest.mark.campaign
def test_pictures_can_be_dropped_and_pasted_and_the_table_saved(opened: Open, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    photographs(1)[0].save(file)
    page = opened(pages.classifier())
    transfer = (
        "(() => { const all = new DataTransfer();"
        f"all.items.add(new File([Uint8Array.from({list(file.read_bytes())})], 'a.png', {{type: 'image/png'}}));"
        "return all; })()"
    )
    page.run(f"document.dispatchEvent(new DragEvent('drop', {{dataTransfer: {transfer}, cancelable: true}}))")
    results_of(page, 1)
    page.run(f"document.dispatchEvent(new ClipboardEvent('paste', {{clipboardData: {transfer}}}))")
    first, second = results_of(page, 2)
    assert first == second
    assert first["error"] == ""
    page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.run("document.getElementById('download').click()")
    saved = tmp_path / "predictions.csv"
    for _ in range(200):
        if saved.exists() and saved.stat().st_size:
            break
        page.run("new Promise((resolve) => setTimeout(resolve, 50))")
    head, *rows = csv.reader(io.StringIO(saved.read_text(encoding="utf-8")))
    assert head[:3] == ["picture", "class", "probability"]
    assert [row[0] for row in rows] == ["a.png", "a.png"]
    page.run("document.getElementById('remove').click()")
    assert page.run("document.querySelectorAll('#rows tr').length") == 0
