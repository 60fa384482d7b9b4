"""The Open Inference Protocol, version 2, over HTTP; its tensors are in `tensors`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from picturewise.prediction.drawing import drawing_style
from picturewise.serving import outputs, tensors
from picturewise.serving.answers import JSON, answer
from picturewise.serving.bodies import read_body
from picturewise.serving.facts import facts_of
from picturewise.serving.models import Served
from picturewise.serving.predicting import probabilities, probabilities_of
from picturewise.serving.refusals import RefusedRequest, busy
from picturewise.serving.service import Service

_SMALL = 1 << 16
"""Bytes of JSON that are parsed at once; more are parsed beside other requests."""
_JSON_TYPES = ("", JSON, "application/octet-stream")


async def live(request: Request) -> Response:
    """Answer whether the service runs."""
    del request
    return answer({"live": True})


async def ready(request: Request) -> Response:
    """Answer whether all models are loaded and have children that decode."""
    if not _service(request).models.ready:
        raise busy("The models are not ready.")
    return answer({"ready": True})


async def server(request: Request) -> Response:
    """Answer what the service is."""
    version = _service(request).settings.version
    return answer({"name": "picturewise", "version": version, "extensions": ["binary_tensor_data"]})


async def models(request: Request) -> Response:
    """Answer which models there are."""
    return answer({"models": list(_service(request).models.names)})


async def model(request: Request) -> Response:
    """Answer what a model takes and gives."""
    served = _served(request)
    description = served.classifier.description
    return answer(
        {
            "name": served.name,
            "versions": [served.version],
            "platform": "picturewise",
            "inputs": [
                {"name": tensors.IMAGES, "datatype": "UINT8", "shape": [-1, -1, -1, -1]},
                {"name": tensors.ENCODED, "datatype": "BYTES", "shape": [-1]},
            ],
            "outputs": outputs.metadata_of(description.target),
            "parameters": {
                **outputs.meaning_of(description),
                "shape": list(served.shape),
                "background": description.background,
                "drawing": drawing_style(description),
            },
        }
    )


async def model_ready(request: Request) -> Response:
    """Answer whether a model is loaded and has a child that decodes."""
    served = _served(request)
    if not served.decoder.pool.ready:
        raise busy("The model is not ready.")
    return answer({"name": served.name, "ready": True})


async def infer(request: Request) -> Response:
    """Answer a request to infer."""
    service, served, facts = _service(request), _served(request), facts_of(request.scope)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _JSON_TYPES:
        raise RefusedRequest("unsupported_media_type", "Send the request as application/json.")
    with served.in_use(), service.admission.place() as place:
        body = await read_body(request, place, service.settings.max_bytes)
        length = request.headers.get(tensors.JSON_LENGTH)
        most, target = service.settings.max_pictures, served.classifier.description.target
        names = outputs.names_of(target)
        if _is_small(body, length):
            asked = tensors.read_request(body, length, most, names)
        else:
            asked = await run_in_threadpool(tensors.read_request, body, length, most, names)
        facts.pictures = len(asked.pictures)
        place.take(pictures=len(asked.pictures) - 1)
        if isinstance(asked.pictures, list):
            table = await probabilities_of(served, asked.pictures, service)
        else:
            table = await probabilities(served, await _fitted(served, asked.pictures), service)
        values = outputs.values_of(target, table)
        content, json_length = tensors.write_response(values, asked, served.name, served.version)
    if json_length is None:
        return Response(content, media_type=JSON)
    headers = {"Inference-Header-Content-Length": str(json_length)}
    return Response(content, 200, headers, "application/octet-stream")


async def _fitted(served: Served, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pictures of any size in the classifier's."""
    if pictures.shape[1:] == served.shape:
        return pictures
    fitted: NDArray[np.uint8] = await run_in_threadpool(served.classifier.fitted, pictures)
    return fitted


def _is_small(body: bytes, json_length: str | None) -> bool:
    """Return whether the JSON of a body is quickly parsed."""
    declared = json_length is not None and len(json_length) <= 5 and json_length.isdecimal()
    return len(body) < _SMALL or (declared and int(json_length or "") < _SMALL)


def _service(request: Request) -> Service:
    service: Service = request.scope["service"]
    return service


def _served(request: Request) -> Served:
    """Return the model of a path.

    Raises:
        RefusedRequest: there is none of that name and version.
    """
    place = request.path_params
    served = _service(request).models.find(place["name"], place.get("version"))
    facts_of(request.scope).model = served.name
    return served
