"""Lines on the standard error output, one for each request and each event, without any picture or token."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

LOGGER = logging.getLogger("picturewise")


def prepare_logging(*, as_json: bool) -> None:
    """Write what the service logs to the standard error output: lines to read, or one JSON object each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(as_json=as_json))
    for logger, level in ((LOGGER, logging.INFO), (logging.getLogger("uvicorn"), logging.WARNING)):
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False


def log(event: str, *, level: int = logging.INFO, **values: Any) -> None:
    """Log an event with values that JSON has."""
    if LOGGER.isEnabledFor(level):
        # Made here, because logging would look for the calling line first, which nobody asks for.
        record = logging.LogRecord(LOGGER.name, level, "", 0, event, (), None)
        record.values = values
        LOGGER.handle(record)


class Lines(logging.Formatter):
    """An event with its values in one line."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; see `logging.Formatter`."""
        values: dict[str, Any] = getattr(record, "values", {})
        event = record.getMessage()
        moment = time.gmtime(record.created)
        stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', moment)}.{int(record.msecs):03}Z"
        if self._as_json:
            return json.dumps({"time": stamp, "level": record.levelname.lower(), "event": event, **values})
        told = " ".join(f"{key}={value}" for key, value in values.items() if value not in ("", None))
        return f"{stamp} {event} {told}".rstrip()
