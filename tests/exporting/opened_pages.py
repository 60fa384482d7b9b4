"""Pages that are open in a browser, offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pages
import pytest
from chromium import BROWSER, Browser, Page, browser

from picturewise.prediction.classifier import Classifier

READY = "Boolean(globalThis.picturewise?.state.model)"
Open = Callable[[Classifier], Page]


@pytest.fixture(scope="module")
def running(whole_campaign: bool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if BROWSER is None:
        missing = pytest.fail if whole_campaign else pytest.skip
        missing("there is no Chromium to open the page with")
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def opened(running: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open the page of a classifier; at the end, it has asked for nothing and reported no error."""
    found: list[Page] = []

    def opener(classifier: Classifier) -> Page:
        page = running.open(pages.written(classifier, tmp_path / f"page {len(found)}.html"))
        found.append(page)
        page.wait(READY)
        return page

    yield opener
    for page in found:
        assert page.requests() == []
        assert page.problems() == []


def results_of(page: Page, count: int, seconds: float = 120) -> list[dict[str, object]]:
    page.wait(f"picturewise.state.results.length === {count}", seconds)
    found = page.run(
        "picturewise.state.results.map(({name, probabilities, error, note, seen}) => "
        "({name, probabilities, error, note, seen: seen ? [...seen.data] : []}))"
    )
    assert isinstance(found, list)
    return found
