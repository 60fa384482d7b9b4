"""The child's side of `confined_pool`: set the limits, then answer one item after the other.

Requests arrive on the standard input and answers leave on the original standard output, see `protocol`. A chunk of
requests is read as a whole before the first answer is written, so that parent and child never wait for each other.
Nothing but the standard library is imported here: a child that decodes one picture must start quickly.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from picturewise.errors import DataError
from picturewise.untrusted.confined.limits import Clock, limit
from picturewise.untrusted.confined.protocol import NO_MEMORY, READY, Received, read_chunk, refusal, result

Allow = Callable[[float], None]
Work = Callable[[Received, Allow], bytes]


def main(message: Mapping[str, Any]) -> NoReturn:
    """Answer until the parent closes the standard input, or has ended."""
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # output of a library must not get among the answers
    # A terminal or a service manager sends these to all its processes. The parent decides: it ends its children, or
    # waits itself.
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGTSTP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    limit(message["memory"], None, 0)
    clock = Clock()
    module, _, function = message["work"].partition(":")
    work: Work = getattr(importlib.import_module(module), function)(**message["request"])
    _write(answers, READY)
    while (chunk := read_chunk(sys.stdin.buffer)) is not None:
        for item in chunk:
            clock.allow(message["seconds"])
            answer = _answer(work, item, clock.allow)
            clock.allow(0)  # the parent may take its time
            _write(answers, answer)
    # The library's own cleanup could still crash on what it has read.
    os._exit(0)


def _answer(work: Work, item: Received, allow: Allow) -> bytes:
    try:
        return result(work(item, allow))
    except MemoryError:
        return NO_MEMORY
    except DataError as error:
        return refusal(str(error))
    # With hostile bytes, a library may raise nearly any error.
    except Exception as error:  # noqa: BLE001
        return refusal(f"damaged or truncated ({type(error).__name__}: {error})")


def _write(answers: int, content: bytes) -> None:
    try:
        place = os.write(answers, content)
        while place < len(content):
            place += os.write(answers, memoryview(content)[place:])
    except BrokenPipeError:  # nobody listens any longer
        os._exit(0)
