"""`RefusedRequest`: why a request is not answered, as a status, a code for programs and a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping

CODES = {
    "bad_request": 400,
    "empty_body": 400,
    "invalid_token": 401,
    "host_not_allowed": 403,
    "origin_not_allowed": 403,
    "not_found": 404,
    "model_not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "too_large": 413,
    "unsupported_media_type": 415,
    "picture_unusable": 422,
    "internal_error": 500,
    "busy": 503,
    "timeout": 504,
}
"""Every code of an error, and its HTTP status."""

RETRY_AFTER = 1
"""Seconds after which a client may try again; a full queue is empty by then, unless the network is costly."""


class RefusedRequest(Exception):  # noqa: N818 (it is not a mistake, so its name does not say Error)
    """Why a request is not answered.

    Args:
        code: one of `CODES`.
        message: one sentence or two.
        headers: further headers of the answer.
    """

    def __init__(self, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = CODES[code]
        self.message = message
        self.headers = dict(headers or {})


def busy(message: str) -> RefusedRequest:
    """Return the refusal of a request that may be sent again soon."""
    return RefusedRequest("busy", message, {"Retry-After": str(RETRY_AFTER)})
