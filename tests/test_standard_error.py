from __future__ import annotations

import errno
import io
import sys

import pytest
from rich.console import Console
from rich.progress import Progress

from picturewise.standard_error import STANDARD_ERROR, standard_error_of_now


class OnlyWrites:
    """A stream as a notebook or a logger may put in the place of the standard error output."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text


class Refuses:
    encoding = "utf-8"

    def write(self, _: str = "") -> None:
        raise OSError(errno.EPIPE, "Broken pipe")

    flush = write

    def isatty(self) -> bool:
        raise OSError(errno.ENOTTY, "no terminal")


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize(
    "stream",
    [None, closed(), Refuses(), OnlyWrites(), object()],
    ids=["none", "closed", "refuses", "only writes", "no stream"],
)
def test_no_stream_is_an_error(stream: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    assert STANDARD_ERROR.write("text") == 4
    STANDARD_ERROR.flush()
    assert not STANDARD_ERROR.isatty()
    assert STANDARD_ERROR.encoding == "utf-8"


def test_it_is_always_the_stream_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = OnlyWrites(), OnlyWrites()
    for stream in (first, second):
        monkeypatch.setattr(sys, "stderr", stream)
        STANDARD_ERROR.write("a")
    assert (first.text, second.text) == ("a", "a")


def test_what_the_encoding_lacks_becomes_a_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(content, encoding="ascii", errors="strict"))
    STANDARD_ERROR.write("Rosé ━\n")
    STANDARD_ERROR.flush()
    assert content.getvalue() == b"Ros? ?\n"


@pytest.mark.parametrize(
    "stream", [None, closed(), Refuses(), OnlyWrites()], ids=["none", "closed", "refuses", "only writes"]
)
def test_progress_is_drawn_nowhere_and_does_no_harm(stream: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from picturewise.tasks.reading_progress import reading_progress
    from picturewise.training.progress import ProgressDisplay

    monkeypatch.setattr(sys, "stderr", stream)
    with reading_progress(shown=True) as advance:
        assert advance is None
    ProgressDisplay()._screen.say("an epoch")


def test_a_live_display_takes_the_place_of_the_stream_and_does_not_write_to_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    console = Console(file=standard_error_of_now(), force_terminal=True)
    with Progress(console=console):
        STANDARD_ERROR.write("said meanwhile\n")
    assert "said meanwhile" in stream.getvalue()
    assert sys.stderr is stream
