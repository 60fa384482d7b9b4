from __future__ import annotations

from picturewise.errors import DataError
from picturewise.reprs import LONGEST, fields_of, never_raises, offered


class Thing:
    def __init__(self, text: str | Exception) -> None:
        self.text, self._hidden = text, 1

    def internal(self) -> None:
        """Of no use to users."""

    @never_raises
    def __repr__(self) -> str:
        if isinstance(self.text, Exception):
            raise self.text
        return self.text


def test_a_text_is_shown_as_it_is_but_for_what_would_move_the_cursor() -> None:
    assert repr(Thing("two\nlines \x1b[2J")) == "two\nlines \\x1b[2J"


def test_what_is_wrong_is_said_instead_of_raised() -> None:
    assert repr(Thing(DataError("It is damaged."))) == "<Thing, incomplete: It is damaged.>"
    assert repr(Thing(AttributeError("no name"))) == "<Thing, incomplete: no name>"
    assert len(repr(Thing(ValueError("x" * 10_000)))) < 300


def test_a_long_text_loses_its_middle() -> None:
    found = repr(Thing("a\n" * 10_000 + "end"))
    assert len(found) == LONGEST
    assert found.endswith("end")


def test_fields_are_short_and_those_that_are_missing_are_passed_over() -> None:
    thing = Thing("x" * 1000)
    assert fields_of(thing, ["text", "gone"]).startswith("Thing(text='xxx")
    assert len(fields_of(thing, ["text", "gone"])) < 100


def test_neither_hidden_names_nor_those_of_our_own_code_are_offered() -> None:
    names = offered(Thing("a"), internal=["internal"])
    assert [name for name in names if not name.startswith("__")] == ["text"]
    assert "__repr__" in names
