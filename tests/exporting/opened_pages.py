"""Pages that are open in a browser, offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

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


def results_of(
    page: Page, count: int, keys: Sequence[str] = (), seconds: float = 120
) -> list[dict[str, Any]]:
    """Return the results as soon as there are so many; with `keys`, only these of each."""
    page.wait(f"picturewise.state.results.length === {count}", seconds)
    if keys:
        wanted = f"({{{', '.join(keys)}}}) => ({{{', '.join(keys)}}})"
        chosen: list[dict[str, Any]] = page.run(f"picturewise.state.results.map({wanted})")
        return chosen
    found = page.run(
        "picturewise.state.results.map(({name, probabilities, error, note, seen}) => "
        "({name, probabilities, error, note, seen: seen ? [...seen.data] : []}))"
    )
    assert isinstance(found, list)
    return found
