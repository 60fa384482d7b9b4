"""What happens, for programs that watch: Python's `logging` under the name `picturewise`, quiet unless asked for.

Every event has a name and values that JSON has; other programs find them in the record's `values`. Nothing is imported
or formatted while nobody listens.
"""

from __future__ import annotations

import functools
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from picturewise.printable import printable

if TYPE_CHECKING:
    import logging

NAME: Final = "picturewise"
_state = {"lines": False}


def log(event: str, *, level: str = "INFO", **values: Any) -> None:
    """Log an event.

    Args:
        event: what happened, in a word or two.
        level: of `logging`, such as WARNING.
        values: that JSON has.
    """
    logging = sys.modules.get("logging")
    if logging is None:  # nobody has asked for anything
        return
    logger, number = logging.getLogger(NAME), logging.getLevelName(level)
    if not logger.isEnabledFor(number):
        return
    if not logger.handlers:
        logger.addHandler(
            logging.NullHandler()
        )  # otherwise logging writes warnings to the terminal by itself
    # Made here, because logging would look for the calling line first, which nobody asks for.
    record = logging.LogRecord(NAME, number, "", 0, event, (), None)
    record.values = values
    logger.handle(record)


def write_lines(*, readable: bool = False) -> None:
    """Write all events of this process to the standard error output, one JSON object a line.

    Args:
        readable: write lines for people instead.
    """
    import logging  # noqa: PLC0415 (most commands do not log)

    handler = logging.StreamHandler(sys.stderr)
    handler.format = as_readable if readable else as_line  # type: ignore[method-assign]  # the whole of a formatter
    logger = logging.getLogger(NAME)
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    _state["lines"] = not readable


def writes_lines() -> bool:
    """Return whether the standard error output is for events in JSON, so that nothing else may be written to it."""
    return _state["lines"]


def as_line(record: logging.LogRecord) -> str:
    """Return an event as a JSON object in one line."""
    import json  # noqa: PLC0415 (most commands do not log)

    values: dict[str, Any] = getattr(record, "values", {})
    facts = {"time": stamp(record), "level": record.levelname.lower(), "event": record.getMessage(), **values}
    return json.dumps(facts, ensure_ascii=True, default=str)


def as_readable(record: logging.LogRecord) -> str:
    """Return an event as a line for people."""
    values: dict[str, Any] = getattr(record, "values", {})
    told = " ".join(f"{key}={value}" for key, value in values.items() if value not in ("", None))
    return printable(f"{stamp(record)} {record.getMessage()} {told}".rstrip())


def stamp(record: logging.LogRecord) -> str:
    """Return the time of an event in UTC, as ISO 8601 with milliseconds."""
    return f"{_second(int(record.created))}.{int(record.msecs):03}Z"


@functools.lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    """Return a time of whole seconds; a busy service logs many events in one."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
