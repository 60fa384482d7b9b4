from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from picturewise.training.screens import NotebookScreen


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What stands in the live line of a notebook, text after text."""
    texts: list[str] = []

    def display(content: dict[str, str], **_: object) -> SimpleNamespace:
        texts.append(content["text/plain"])
        return SimpleNamespace(update=lambda content, raw: texts.append(content["text/plain"]))

    module = ModuleType("IPython.display")
    module.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return texts


def test_one_line_moves_and_stays_where_it_ended(
    drawn: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    screen = NotebookScreen()
    screen.say("a table\nof two lines \x1b[2J")
    screen.begin(8, 2)
    for done in range(3, 7):
        screen.move(done, f"epoch 1/1  batch {done}/8", "10 images/s")
    screen.end()
    said = capsys.readouterr()
    assert said.out == "a table\nof two lines \\x1b[2J\n"
    assert said.err == ""
    assert drawn[0] == "━━━━━━━───────────────────────"
    assert drawn[-1].startswith("epoch 1/1  batch 6/8  ━━━━━━━━━━━━━━━━━━━━━━────────  10 images/s  0:0")
    assert len(drawn) <= 3  # not one message a batch


def test_a_line_that_never_moved_is_left_alone(drawn: list[str]) -> None:
    screen = NotebookScreen()
    screen.begin(8, 8)
    screen.end()
    assert len(drawn) == 1
