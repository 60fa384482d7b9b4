"""The HTTP connection: uvicorn's, with bounds on the size of a request's head and on the time until it is complete.

Its parser in C takes a third of the processor time of a small picture off, compared with h11, but it has no bounds.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MOST_HEAD = 1 << 15
"""Bytes of a request's line and headers."""
HEAD_SECONDS = 20.0
"""Seconds in which they must be complete, from the first byte, or from the start of the connection."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection whose client cannot hold it with an endless or unfinished head."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head = True
        self._head = 0
        self._head_clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Start the clock; see `asyncio.Protocol`."""
        super().connection_made(transport)
        self._joined = Joined(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock; see `asyncio.Protocol`."""
        self._in_head = False
        self._watch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what arrives, and refuse an endless head; see `asyncio.Protocol`."""
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head += len(data)
            if self._head > MOST_HEAD:
                self.send_400_response("The headers are too large.")
        self._watch()

    def on_message_begin(self) -> None:
        """See uvicorn."""
        self._in_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start to answer; see uvicorn."""
        self._in_head = False
        super().on_headers_complete()
        self.cycle.transport = self._joined

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, as JSON, and close the connection."""
        said = {"error": {"code": "bad_request", "message": msg, "request_id": ""}}
        content = json.dumps(said, separators=(",", ":")).encode()
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(
            content
        )
        self.transport.write(STATUS_LINE[400] + head + content)
        self.transport.close()

    def _watch(self) -> None:
        """Run the clock while a head is expected that has begun, or is the first."""
        if not self._in_head or self.transport.is_closing():
            if self._head_clock is not None:
                self._head_clock.cancel()
                self._head_clock = None
        elif self._head_clock is None:
            self._head_clock = asyncio.get_running_loop().call_later(HEAD_SECONDS, self.transport.close)


class Joined(asyncio.Transport):
    """A transport that sends the head of an answer together with its content.

    Otherwise each would be a packet, and wake the client.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._held = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send data with what is held, or hold it until the next write, at most to the loop's next turn."""
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held + data)
        else:
            self._held = bytes(data)
            asyncio.get_running_loop().call_soon(self._flush)

    def close(self) -> None:
        """Close the connection after everything has been sent."""
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Return whether it is closed or about to be."""
        return self._transport.is_closing()

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)
