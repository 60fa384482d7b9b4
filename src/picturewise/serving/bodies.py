"""The body of a request, which is bounded before it is read."""

from __future__ import annotations

from starlette.requests import Request

from picturewise.serving.admission import Place
from picturewise.serving.facts import facts_of
from picturewise.serving.refusals import RefusedRequest

_DRAINED = 2
"""A body up to this many times too large is read and forgotten, so that its client reads the answer."""


class ClientGoneError(Exception):
    """The client has closed the connection; there is nobody to answer."""


async def read_body(request: Request, place: Place, most: int) -> bytes:
    """Return the whole body.

    Args:
        request: whose body has not been read.
        place: where its bytes are counted.
        most: bytes that it may have.

    Raises:
        RefusedRequest: it is too large, empty, or compressed.
        ClientGoneError: the connection was closed.
    """
    headers = facts_of(request.scope).headers
    encoding = headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise RefusedRequest(
            "unsupported_media_type", "Compressed bodies are not accepted. Send the picture as it is."
        )
    declared = headers.get("content-length")
    expected = int(declared) if declared is not None and declared.isdecimal() and len(declared) < 20 else None
    if expected is not None and expected > most:
        if expected <= _DRAINED * most:
            async for _ in _pieces(request):
                pass
        raise _too_large(most)
    if expected is not None:
        place.take(size=expected)
    taken, size, pieces = expected or 0, 0, list[bytes]()
    async for piece in _pieces(request):
        size += len(piece)
        if size > most:
            pieces.clear()
            if size > _DRAINED * most:
                break
            continue
        if size > taken:
            place.take(size=size - taken)
            taken = size
        pieces.append(piece)
    if size > most:
        raise _too_large(most)
    if not size:
        raise RefusedRequest("empty_body", "The body is empty. Send a picture file, or a form with files.")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _too_large(most: int) -> RefusedRequest:
    return RefusedRequest("too_large", f"The body is too large. At most {most:,} bytes are accepted.")


class _pieces:  # noqa: N801 (it is used as a function; an iterator, because a generator costs more for one piece)
    """The pieces of a body, one after the other."""

    def __init__(self, request: Request) -> None:
        self._receive = request.receive
        self._facts = facts_of(request.scope)

    def __aiter__(self) -> _pieces:
        return self

    async def __anext__(self) -> bytes:
        facts = self._facts
        if facts.arrived:
            raise StopAsyncIteration
        message = await self._receive()
        if message["type"] != "http.request":
            facts.gone = True
            raise ClientGoneError
        piece: bytes = message.get("body", b"")
        facts.size += len(piece)
        facts.arrived = not message.get("more_body", False)
        return piece
