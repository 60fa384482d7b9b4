"""Answers as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from picturewise.serving.facts import Facts
from picturewise.serving.refusals import RefusedRequest

JSON = "application/json"
_V2 = "/v2"
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a value as JSON."""
    return Response(_encode(value).encode(), status, headers, JSON)


def refused(error: RefusedRequest, facts: Facts, path: str) -> Response:
    """Return the response to a request that is refused.

    The Open Inference Protocol has a string where other paths have the code, the message and the request's id.
    """
    said: Any = {"code": error.code, "message": error.message, "request_id": facts.request_id}
    if path == _V2 or path.startswith(_V2 + "/"):
        said = error.message
    return answer({"error": said}, error.status, error.headers)
