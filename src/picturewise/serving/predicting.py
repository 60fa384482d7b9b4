"""`POST /predict`, and what it shares with the Open Inference Protocol: pictures to probabilities."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from picturewise.data.pictures.decode import NOT_SUPPORTED, TOO_LARGE
from picturewise.data.pictures.pixels import DEEP
from picturewise.errors import PictureError
from picturewise.prediction.predict import MOST_READINGS
from picturewise.serving.answers import answer
from picturewise.serving.bodies import read_body
from picturewise.serving.facts import facts_of
from picturewise.serving.models import Served
from picturewise.serving.multipart import parts_of
from picturewise.serving.refusals import RefusedRequest, busy
from picturewise.serving.service import Service
from picturewise.targets.sequences import SequenceTarget, is_sequences
from picturewise.targets.target import Target

_FORM = "multipart/form-data"
PICTURES = (
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/tiff", "image/avif", "image/heic",
    "image/heif", "image/x-portable-pixmap", "image/x-portable-graymap", "image/x-portable-bitmap",
    "image/x-portable-anymap",
)  # fmt: skip
"""Types of bodies that are one picture."""
_UNNAMED = ("", "application/octet-stream", "image/jpg", "image/*")
"""Types of bodies that may be a picture: its first bytes decide."""
_ALL_SHOWN = 10
_SHOWN = 5
"""Classes that are told if there are more than `_ALL_SHOWN`, and readings, as `picturewise predict` does."""


async def predict(request: Request) -> Response:
    """Answer `POST /predict`."""
    service: Service = request.scope["service"]
    facts = facts_of(request.scope)
    query: Mapping[str, str] = request.query_params if request.scope["query_string"] else {}
    if unknown := [key for key in query if key not in {"model", "top"}]:
        raise RefusedRequest(
            "bad_request", f"Unknown parameter '{_shown(unknown[0])}'. Choose from model, top."
        )
    served = service.models.find(query.get("model"))
    facts.model = served.name
    top = _top(query.get("top"), served.classifier.description.target)
    content_type = facts.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind != _FORM and kind not in PICTURES and kind not in _UNNAMED:
        raise RefusedRequest(
            "unsupported_media_type",
            f"The Content-Type '{_shown(kind)}' is not accepted. Send a picture as image/png, image/jpeg or another "
            "type of picture, or several as multipart/form-data.",
        )
    with served.in_use(), service.admission.place() as place:
        body = await read_body(request, place, service.settings.max_bytes)
        if kind == _FORM:
            contents = parts_of(body, content_type, service.settings.max_pictures)
            place.take(pictures=len(contents) - 1)
        else:
            contents = [body]
        facts.pictures = len(contents)
        table = await probabilities_of(served, contents, service)
    return answer({"model": served.name, "version": served.version, "predictions": _told(served, table, top)})


async def probabilities_of(
    served: Served, contents: Sequence[bytes], service: Service
) -> NDArray[np.float32]:
    """Return (N, K) for picture files.

    Raises:
        RefusedRequest: one cannot be decoded, or the network overflows.
    """
    served.batcher.expect(len(contents))
    try:
        if len(contents) == 1:
            rows = (await served.pixels(contents[0], alone=service.alone))[np.newaxis]
        else:
            rows = await _all_decoded(served, contents)
    except PictureError as error:
        raise _refusal(error, served, service) from error
    finally:
        served.batcher.arrived(len(contents))
    return await probabilities(served, rows, service)


async def probabilities(served: Served, rows: NDArray[np.uint8], service: Service) -> NDArray[np.float32]:
    """Return (N, K) for pictures (N, H, W, C) of the classifier's size.

    Raises:
        RefusedRequest: the network overflows.
    """
    try:
        table = await served.batcher.probabilities(rows)
    except MemoryError:
        raise busy("There was not enough memory for the computation. Try again in a second.") from None
    if not np.isfinite(table).all():
        service.metrics.pictures(served.name, "overflow", len(rows))
        raise RefusedRequest(
            "internal_error", "The network gives numbers that are not finite for this picture."
        )
    service.metrics.pictures(served.name, "predicted", len(rows))
    return table


async def _all_decoded(served: Served, contents: Sequence[bytes]) -> NDArray[np.uint8]:
    """Return the pictures (N, H, W, C) in several files.

    Raises:
        PictureError: the first that cannot be decoded, by its number.
    """
    found = await asyncio.gather(*map(served.pixels, contents), return_exceptions=True)
    rows: list[NDArray[np.uint8]] = []
    for number, one in enumerate(found, 1):
        if isinstance(one, PictureError):
            raise PictureError(f"Picture {number}", one.reason)
        if isinstance(one, BaseException):
            raise one
        rows.append(one)
    return np.stack(rows)


def _refusal(error: PictureError, served: Served, service: Service) -> RefusedRequest:
    reason = error.reason
    code = "picture_unusable"
    if reason.startswith(TOO_LARGE):
        code = "too_large"
    elif reason.startswith(NOT_SUPPORTED):
        code = "unsupported_media_type"
    service.metrics.pictures(served.name, code, 1)
    if reason == DEEP:
        return RefusedRequest(code, f"{error} The service can be started with --value-range LOW..HIGH.")
    return RefusedRequest(code, str(error))


def _told(served: Served, table: NDArray[np.float32], top: int) -> list[dict[str, object]]:
    """Return each picture's class and its most likely classes, or all in their order; or its reading."""
    classes, target = served.classifier.classes, served.classifier.description.target
    if is_sequences(target):
        return [_reading(target, row, top) for row in table]
    answers, chances = target.decode(table)
    told: list[dict[str, object]] = []
    for row, one, chance in zip(table, answers, chances, strict=True):
        shown = range(len(classes)) if top >= len(classes) else np.argsort(-row, kind="stable")[:top]
        values = row.tolist()
        told.append(
            {
                "label": target.text(one),
                "probability": float(chance),
                "probabilities": {classes[place]: values[place] for place in shown},
            }
        )
    return told


def _reading(target: SequenceTarget, row: NDArray[np.float32], top: int) -> dict[str, object]:
    """Return a picture's reading, the parts of it, and the most likely readings."""
    readings = target.alternatives(row, top)
    label, chance = readings[0]
    return {
        "label": label,
        "probability": chance,
        "parts": [{"part": part, "probability": share} for part, share in target.parts(row)],
        "probabilities": dict(readings),
    }


def _top(text: str | None, target: Target) -> int:
    """Return how many classes or readings are asked for.

    Raises:
        RefusedRequest: it is not a whole number from 1, or too many readings.
    """
    classes = len(target.classes)
    if text is None:
        return _SHOWN if is_sequences(target) or classes > _ALL_SHOWN else classes
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > 0):
        raise RefusedRequest("bad_request", f"top is '{_shown(text)}', but must be a whole number from 1.")
    if not is_sequences(target):
        return min(int(text), classes)
    if int(text) > MOST_READINGS:
        raise RefusedRequest("bad_request", f"top is {text}, but must be at most {MOST_READINGS} readings.")
    return int(text)


def _shown(text: str) -> str:
    from picturewise.printable import printable, shortened  # noqa: PLC0415 (only refusals need it)

    return shortened(printable(text), 60)
