"""The page at `GET /` in a real browser, talking to a real service.

It is skipped where no Chromium is installed; the whole campaign fails instead.
"""

from __future__ import annotations

import json
import re
import signal
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pages
import pytest
from chromium import BROWSER, Browser, Page, browser
from photographs import chunk, in_all_forms, photographs
from running_service import picture
from served_process import Served, served

from picturewise.prediction.classifier import Classifier, load_classifier

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
READY = "Boolean(globalThis.picturewise?.state.model)"
DIGITS = [str(digit) for digit in range(10)]
HOSTILE = ("</script><script>poisoned=1</script>", '"><img src=x onerror=poisoned=1>', "__proto__")
pytestmark = pytest.mark.campaign

_SAMPLE = (
    "test_pictures_get_the_class_that_predict_gives_them_and_nothing_else_is_asked_for",
    "test_a_token_is_asked_for_and_kept_nowhere",
)
"""What the quick tests try."""


@pytest.fixture(autouse=True)
def sampled(request: pytest.FixtureRequest, whole_campaign: bool) -> None:
    if not whole_campaign and request.node.originalname not in _SAMPLE:
        pytest.skip("only with --whole")


@pytest.fixture(scope="module")
def chromium(whole_campaign: bool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if BROWSER is None:
        missing = pytest.fail if whole_campaign else pytest.skip
        missing("there is no Chromium to open the page with")
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three models: the first draws, the second has photographs, the third has hostile names."""
    folder = tmp_path_factory.mktemp("models")
    made = {
        "digits": pages.classifier(DIGITS, (28, 28, 1), mean=33.0),
        "flowers": pages.classifier(),
        "hostile": pages.classifier(HOSTILE),
    }
    for name, one in made.items():
        one.save(folder / f"{name}.safetensors")
    return {name: folder / f"{name}.safetensors" for name in made}


@pytest.fixture(scope="module")
def service(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("service"), *files.values(), "--max-bytes", 2_000_000) as found:
        yield found


Open = Callable[..., Page]


@pytest.fixture
def opened(chromium: Browser, service: Served) -> Iterator[Open]:
    """Open the page; at the end, it has asked only this service, and reported no error but its refusals."""
    found: list[tuple[Page, str]] = []

    def opener(model: str = "flowers", at: Served = service) -> Page:
        address = f"http://127.0.0.1:{at.port}/"
        page = chromium.open(address)
        found.append((page, address))
        page.wait(READY)
        if page.run("picturewise.state.model.name") != model:
            choose(page, model)
        return page

    yield opener
    for page, address in found:
        assert [url for url in page.requests() if not url.startswith(address)] == []
        assert [text for text in page.problems() if not text.startswith("Failed to load resource")] == []


def choose(page: Page, model: str) -> None:
    page.run(
        f"(() => {{ const one = document.getElementById('chosen-model'); one.value = {json.dumps(model)};"
        "one.dispatchEvent(new Event('change')); })()"
    )
    page.wait(f"picturewise.state.model.name === {json.dumps(model)}")


def results_of(page: Page, count: int) -> list[dict[str, object]]:
    page.wait(f"picturewise.state.results.length === {count}")
    found = page.run(
        "picturewise.state.results.map(({name, probabilities, error, model}) => "
        "({name, probabilities, error, model: model.name, classes: model.classes}))"
    )
    assert isinstance(found, list)
    return found


def send(page: Page, *paths: Path) -> list[dict[str, object]]:
    before = page.run("picturewise.state.results.length")
    page.give_files("#choose", paths)
    return results_of(page, before + len(paths))[before:]


def one_picture(folder: Path) -> Path:
    file = folder / "a.png"
    photographs(1)[0].resize((40, 30)).save(file)
    return file


def agree(found: list[dict[str, object]], classifier: Classifier, paths: list[Path]) -> None:
    for result, path, shares in zip(found, paths, classifier.predict_proba(paths), strict=True):
        assert (result["name"], result["error"]) == (path.name, "")
        np.testing.assert_allclose(result["probabilities"], shares, atol=1e-6)


def test_pictures_get_the_class_that_predict_gives_them_and_nothing_else_is_asked_for(
    opened: Open, files: dict[str, Path], tmp_path: Path, whole_campaign: bool
) -> None:
    paths = in_all_forms(100 if whole_campaign else 24, tmp_path)
    photographs(1)[0].save(tmp_path / "x.tif")  # a form that the browser does not know
    paths.append(tmp_path / "x.tif")
    page = opened()
    found = send(page, *paths)
    agree(found, load_classifier(files["flowers"]), paths)
    assert page.run("document.querySelectorAll('#rows tr').length") == len(paths)
    asked = {re.sub(r".*?//[^/]*", "", url) for url in page.requests()}
    assert asked == {
        "/v2/models",
        "/v2/models/digits",
        "/v2/models/flowers",
        "/predict?model=flowers&top=999999999",
    }


def test_a_drawn_digit_is_sent_as_the_classifier_is_to_see_it(opened: Open, files: dict[str, Path]) -> None:
    page = opened("digits")
    page.run("document.getElementById('paper').focus()")
    for key in (" ", *["ArrowDown"] * 6, *["ArrowRight"] * 3, " "):
        page.call("Input.dispatchKeyEvent", type="keyDown", key=key)
        page.call("Input.dispatchKeyEvent", type="keyUp", key=key)
    seen: list[int] = []
    for _ in range(100):
        last, seen = seen, page.run("[...(picturewise.state.selected?.seen.data ?? [])]")
        if seen and seen == last:
            break
        page.run("new Promise((resolve) => setTimeout(resolve, 300))")
    pixels = np.reshape(seen, (28, 28, 3)).astype(np.uint8)
    assert (pixels.min(), pixels.max()) == (0, 255)
    shares = page.run("picturewise.state.selected.probabilities")
    np.testing.assert_allclose(shares, load_classifier(files["digits"]).predict_proba(pixels), atol=1e-6)
    assert page.run("document.getElementById('verdict').textContent") == DIGITS[int(np.argmax(shares))]
    page.wait("document.getElementById('status').textContent.length > 0")
    page.run("document.getElementById('clear-drawing').click()")
    assert page.run("picturewise.state.selected") is None
    assert page.run("document.activeElement.id") == "paper"


def test_what_the_service_refuses_is_said_in_its_words(opened: Open, tmp_path: Path) -> None:
    huge = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", (30_000).to_bytes(4, "big") * 2 + b"\x08\0\0\0\0")
    huge += chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    content = picture(size=(90, 80))
    refused = {
        "huge.png": (huge, "too large (more than 100,000,000 pixels)"),
        "text.png": (b"not a picture", "not a supported picture"),
        "page.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a supported picture"),
        "cut.png": (content[: len(content) // 2], "truncated"),
        "none.png": (b"", "The file is empty."),
        "long.bmp": (bytes(2_000_001), "It has 2 MB; this service accepts at most 2 MB."),
    }
    for name, (given, _) in refused.items():
        (tmp_path / name).write_bytes(given)
    page = opened()
    found = send(page, *(tmp_path / name for name in refused))
    for result, (name, (_, words)) in zip(found, refused.items(), strict=True):
        assert result["name"] == name
        assert words in str(result["error"]), result
        assert result["probabilities"] is None
    assert page.run("document.getElementById('summary').textContent") == "6 pictures, 6 without a result"
    folder = "Object.assign(new File(['x'], 'folder'), {arrayBuffer: () => Promise.reject(new DOMException('', 'NotFoundError'))})"
    page.run(f"picturewise.take([{folder}])")
    assert results_of(page, 7)[-1]["error"] == "It cannot be read: it was moved or changed, or is a folder."


def test_a_busy_service_is_asked_again_and_a_proxy_is_understood(opened: Open, tmp_path: Path) -> None:
    file = one_picture(tmp_path)
    page = opened()

    def answering(count: int, answer: str) -> None:
        page.run(
            f"(() => {{ let left = {count}; globalThis.real ??= fetch; globalThis.fetch = (...given) => "
            f"left-- > 0 ? Promise.resolve({answer}) : real(...given); }})()"
        )

    busy = (
        "new Response(JSON.stringify({error: {code: 'busy', message: 'The queue is full.', request_id: ''}}),"
        "{status: 503, headers: {'Retry-After': '0.01'}})"
    )
    answering(3, busy)
    assert send(page, file)[0]["error"] == ""
    answering(1000, busy)
    assert send(page, file)[0]["error"] == "The queue is full."
    answering(1, "new Response('<h1>Request Entity Too Large</h1>', {status: 413})")
    assert send(page, file)[0]["error"] == "The file is too large for this service."
    answering(1, "new Response('', {status: 401})")
    assert send(page, file)[0]["error"] == "The service answered with status 401."
    answering(1, 'new Response(\'{"error": {"message": {}}}\', {status: 500})')
    assert send(page, file)[0]["error"] == "The service answered with status 500."
    assert send(page, file)[0]["error"] == ""


def test_a_token_is_asked_for_and_kept_nowhere(
    chromium: Browser, files: dict[str, Path], tmp_path: Path
) -> None:
    with served(tmp_path, files["flowers"], env={"PICTUREWISE_TOKEN": "s3cret-Token"}) as secured:
        page = chromium.open(f"http://127.0.0.1:{secured.port}/")
        page.wait("!document.getElementById('ask').hidden")
        assert page.run("document.activeElement.id") == "token"

        def enter(text: str) -> None:
            page.run(
                f"(() => {{ document.getElementById('token').value = {json.dumps(text)};"
                "document.getElementById('ask').requestSubmit(); })()"
            )

        said = "document.getElementById('token-hint').textContent"
        enter("ü")
        assert page.run(said) == "A token has ASCII characters only, and no spaces."
        enter("wrong")
        page.wait(f"{said} === 'The service does not accept that token.'")
        enter("s3cret-Token")
        page.wait(READY)
        assert page.run("document.getElementById('ask').hidden")
        (found,) = send(page, one_picture(tmp_path))
        assert found["error"] == ""
        kept = page.run(
            "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href, picturewise.data]) +"
            "document.documentElement.outerHTML + document.getElementById('token').value"
        )
        assert "s3cret" not in kept
        secured.end()
        assert "s3cret" not in secured.log.read_text(encoding="utf-8")
        (found,) = send(page, one_picture(tmp_path))
        assert found["error"] == "The service does not answer. Is it still running?"


def test_another_model_classifies_the_pictures_again(
    opened: Open, files: dict[str, Path], tmp_path: Path
) -> None:
    paths = in_all_forms(3, tmp_path)
    page = opened()
    agree(send(page, *paths), load_classifier(files["flowers"]), paths)
    assert page.run("document.getElementById('tabs').hidden")
    choose(page, "digits")
    found = results_of(page, 3)
    agree(found, load_classifier(files["digits"]), paths)
    assert {str(result["model"]) for result in found} == {"digits"}
    assert page.run("document.getElementById('question').textContent") == "Which digit is it?"
    assert not page.run("document.getElementById('tabs').hidden")
    # Two changes at once: the second one counts.
    page.run(
        "(() => { const one = document.getElementById('chosen-model'); for (const name of ['flowers', 'hostile']) {"
        "one.value = name; one.dispatchEvent(new Event('change')); } })()"
    )
    page.wait("picturewise.state.model.name === 'hostile'")
    agree(results_of(page, 3), load_classifier(files["hostile"]), paths)
    assert page.run("typeof poisoned") == "undefined"
    assert page.run("document.querySelectorAll('img').length") == 0
    assert page.run("[...document.querySelectorAll('.bars .name')].map((one) => one.textContent)") == list(
        HOSTILE
    )


def test_many_files_are_sent_a_few_at_a_time_and_can_be_cancelled(
    opened: Open, files: dict[str, Path], tmp_path: Path
) -> None:
    file = one_picture(tmp_path)
    page = opened()
    page.run(
        "(() => { const real = fetch; globalThis.most = globalThis.running = 0;"
        "globalThis.fetch = async (...given) => { running += 1; most = Math.max(most, running);"
        "try { return await real(...given); } finally { running -= 1; } }; })()"
    )
    content = f"[Uint8Array.from({list(file.read_bytes())})]"
    given = f"(() => {{ const all = []; for (let n = 0; n < 500; n++) all.push(new File({content}, `${{n}}.png`)); return all; }})()"
    page.run(f"picturewise.take({given})")
    page.wait("picturewise.state.results.length === 500")
    names = page.run("[...document.querySelectorAll('#rows .row-button')].map((one) => one.textContent)")
    assert names == [f"{number}.png" for number in range(500)]
    assert page.run("most") == 4
    page.run(f"void picturewise.take({given})")
    page.wait("!document.getElementById('progress').hidden")
    page.run("document.getElementById('cancel').click()")
    count = page.run("picturewise.state.results.length")
    assert 500 <= count < 1000
    page.wait("running === 0")
    (found,) = send(page, file)
    agree([found], load_classifier(files["flowers"]), [file])
    assert page.run("picturewise.state.results.length") == count + 1
    assert page.run("document.getElementById('progress').hidden")


def test_a_model_that_is_loaded_again_brings_its_own_classes(
    opened: Open, files: dict[str, Path], tmp_path: Path
) -> None:
    place, file = tmp_path / "pets.safetensors", one_picture(tmp_path)
    place.write_bytes(files["flowers"].read_bytes())
    with served(tmp_path, place) as reloaded:
        page = opened("pets", reloaded)
        (first,) = send(page, file)
        new = pages.classifier(("10", "2", "x"))
        new.save(place)
        reloaded.process.send_signal(signal.SIGHUP)
        page.wait(
            "fetch('/metrics').then((one) => one.text()).then((text) => text.includes('reloads_total{outcome=\"loaded\"} 1'))"
        )
        (second,) = send(page, file)
        assert (first["classes"], second["classes"]) == (["rose", "tulip", "daisy"], ["10", "2", "x"])
        agree([second], new, [file])
        table = page.run("picturewise.csvOf(picturewise.state.results, 0)").splitlines()
        assert table[0].split(",")[5:] == ["p(rose)", "p(tulip)", "p(daisy)", "p(10)", "p(2)", "p(x)"]
        assert [row.split(",")[5:].count("") for row in table[1:]] == [3, 3]


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone_and_a_desk_and_is_accessible(
    opened: Open, tmp_path: Path, *, dark: bool, whole_campaign: bool
) -> None:
    if whole_campaign and not AXE.exists():
        pytest.fail("axe-core is missing: npm install --no-save axe-core")
    page = opened("digits")
    steps = (
        lambda: None,
        lambda: choose(page, "hostile"),
        lambda: send(page, *in_all_forms(3, tmp_path)),
        lambda: page.run("for (const id of ['ask', 'progress']) document.getElementById(id).hidden = false"),
    )
    for step in steps:
        step()
        for width in (360, 390, 1280):
            page.look(width, dark=dark)
            assert page.run("document.documentElement.scrollWidth") <= width
            if AXE.exists():
                page.run(f"{AXE.read_text(encoding='utf-8')};undefined")
                found = page.run(
                    "axe.run().then(({violations}) => violations.map(({id, nodes}) => [id, nodes[0].html]))"
                )
                assert found == []
