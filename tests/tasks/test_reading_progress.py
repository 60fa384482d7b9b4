from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from picturewise.tasks import reading_progress as module
from picturewise.tasks.reading_progress import fetching_progress, reading_progress


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a notebook shows, text after text; a bar is drawn at once."""
    texts: list[str] = []

    def display(content: dict[str, str], **_: object) -> SimpleNamespace:
        texts.append(content["text/plain"])
        return SimpleNamespace(update=lambda content, raw: texts.append(content["text/plain"]))

    ipython, shown = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    shown.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    return texts


def test_a_notebook_shows_one_bar_that_stays_full(drawn: list[str]) -> None:
    with reading_progress(shown=True) as advance:
        assert advance is not None
        for done in range(0, 1001, 100):
            advance(done, 1000)
    assert drawn[0] == "Reading pictures  ──────────────────────────────  0 of 1,000"
    assert drawn[-1] == "Reading pictures  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  1,000 of 1,000"
    assert len(drawn) <= 3


def test_each_file_that_is_fetched_has_its_bar(drawn: list[str]) -> None:
    with fetching_progress(shown=True) as begin:
        assert begin is not None
        for name in ("images.gz", "labels.gz"):
            begin(name)(2_000_000, None)
    assert [text.split()[0] for text in drawn] == ["images.gz", "labels.gz"]
    assert drawn[0].endswith("2.0 MB")


def test_what_is_quick_or_not_to_be_shown_leaves_nothing(
    drawn: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with reading_progress(shown=False) as advance:
        assert advance is None
    monkeypatch.setattr(module, "_PATIENCE", 1000.0)
    with reading_progress(shown=True) as advance:
        assert advance is not None
        advance(1, 1)
    assert drawn == []
