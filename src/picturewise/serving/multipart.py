"""The parts of a form with files (multipart/form-data, RFC 7578), from a body that is complete and bounded."""

from __future__ import annotations

from email.message import Message

from picturewise.serving.refusals import RefusedRequest

_LONGEST_BOUNDARY = 70  # characters, RFC 2046
_LONGEST_HEAD = 8192  # bytes of the headers of a part


def parts_of(body: bytes, content_type: str, most: int) -> list[bytes]:
    """Return the contents of the parts of a form, in their order.

    Args:
        body: of the request.
        content_type: of the request, with its boundary.
        most: parts that it may have.

    Raises:
        RefusedRequest: it is not such a form, has more parts, or none.
    """
    mark = b"\r\n--" + _boundary(content_type)
    # One piece is before the first mark, and one behind the last.
    pieces = (b"\r\n" + body).split(mark, most + 2)
    found = list[bytes]()
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            break
        if len(found) == most:
            raise RefusedRequest(
                "too_large", f"The form has more than {most:,} parts. Send fewer pictures at a time."
            )
        found.append(_content(piece))
    else:
        raise _damaged("its last boundary is missing")
    if not found:
        raise RefusedRequest("empty_body", "The form does not contain a picture. Send a file in each part.")
    return found


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    if not isinstance(boundary, str) or not 0 < len(boundary) <= _LONGEST_BOUNDARY or not boundary.isascii():
        raise _damaged("its Content-Type does not have a valid boundary")
    return boundary.encode("ascii")


def _content(piece: bytes) -> bytes:
    """Return the content of a part, which comes after its headers and an empty line."""
    start = piece.find(b"\r\n\r\n", 0, _LONGEST_HEAD)
    line = piece.find(b"\r\n", 0, _LONGEST_HEAD)
    if start < 0 or piece[:line].strip(b" \t"):
        raise _damaged("a part does not have headers")
    return piece[start + 4 :]


def _damaged(why: str) -> RefusedRequest:
    return RefusedRequest("bad_request", f"The body is not a valid multipart form: {why}.")
