"""The description of the service for programs (OpenAPI 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from picturewise.serving.outputs import OUTPUTS
from picturewise.serving.predicting import PICTURES
from picturewise.serving.refusals import CODES
from picturewise.serving.settings import Settings

_BYTES: dict[str, Any] = {"type": "string", "format": "binary"}
_EVERYWHERE = ("bad_request", "host_not_allowed", "internal_error", "timeout")
_WITH_BODY = (
    "empty_body", "request_timeout", "too_large", "unsupported_media_type", "picture_unusable", "busy",
)  # fmt: skip


def description(settings: Settings, models: Sequence[str]) -> dict[str, Any]:
    """Return the description as values that JSON has.

    Args:
        settings: of the service.
        models: their names.
    """
    secured = settings.token is not None
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Picturewise",
            "version": settings.version,
            "description": "Pictures in, probabilities out.",
        },
        "paths": _paths(settings, list(models), secured=secured),
        "components": {"schemas": _schemas()},
    }
    if secured:
        described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{"token": []}]
    return described


def _paths(settings: Settings, models: list[str], *, secured: bool) -> dict[str, Any]:
    name = {
        "name": "name", "in": "path", "required": True, "description": "The model.",
        "schema": {"type": "string", "enum": models},
    }  # fmt: skip
    version = {
        "name": "version", "in": "path", "required": True, "description": "The version in the model's metadata.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{12}$"},
    }  # fmt: skip

    def get(
        what: str,
        ok: dict[str, Any],
        *codes: str,
        places: Sequence[dict[str, Any]] = (),
        secured: bool = secured,
    ) -> dict[str, Any]:
        codes += ("invalid_token", "origin_not_allowed") if secured else ("origin_not_allowed",)
        found: dict[str, Any] = {
            "summary": what,
            "responses": {"200": ok, **_errors(*_EVERYWHERE, *codes, v2=v2)},
        }
        if places:
            found["parameters"] = list(places)
        if not secured:
            found["security"] = []
        return {"get": found}

    v2 = False
    paths: dict[str, Any] = {
        "/predict": {"post": _predict(settings, models, secured=secured)},
        "/metrics": get("The service's numbers for Prometheus.", _content("text/plain", {"type": "string"})),
        "/openapi.json": get("This description.", _json({"type": "object"})),
    }
    if settings.page is not None:
        paths["/"] = get(
            "A page that sends pictures to this service.",
            _content("text/html", {"type": "string"}),
            secured=False,
        )
    v2 = True
    flag = {"type": "object", "additionalProperties": {"type": ["boolean", "string"]}}
    paths["/v2/health/live"] = get("Whether the service runs.", _json(flag), secured=False)
    paths["/v2/health/ready"] = get("Whether all models are ready.", _json(flag), "busy", secured=False)
    paths["/v2"] = get("What the service is.", _json(_ref("ServerMetadata")))
    paths["/v2/models"] = get("Which models there are.", _json(_ref("Models")))
    of_models: tuple[tuple[str, list[dict[str, Any]]], ...] = (
        ("/v2/models/{name}", [name]),
        ("/v2/models/{name}/versions/{version}", [name, version]),
    )
    for path, places in of_models:
        missing = "model_not_found"
        paths[path] = get(
            "What a model takes and gives.", _json(_ref("ModelMetadata")), missing, places=places
        )
        paths[path + "/ready"] = get("Whether a model is ready.", _json(flag), missing, "busy", places=places)
        paths[path + "/infer"] = {"post": _infer(settings, places, secured=secured)}
    return paths


def _predict(settings: Settings, models: list[str], *, secured: bool) -> dict[str, Any]:
    codes = (*_EVERYWHERE, *_WITH_BODY, "origin_not_allowed", "model_not_found")
    return {
        "summary": "Predict the classes or the readings of one or several pictures.",
        "parameters": [
            {
                "name": "model", "in": "query", "required": len(models) > 1,
                "description": "The model; it may be left out if there is one.",
                "schema": {"type": "string", "enum": models},
            },
            {
                "name": "top", "in": "query",
                "description": "How many classes or readings to return, most probable first.",
                "schema": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
            },
        ],
        "requestBody": {
            "required": True,
            "description": f"At most {settings.max_bytes:,} bytes and {settings.max_pictures:,} pictures. "
            f"{_deep(settings)}",
            "content": {
                **{kind: {"schema": _BYTES} for kind in (*PICTURES, "application/octet-stream")},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {"file": {"type": "array", "items": _BYTES, "minItems": 1}},
                        "required": ["file"],
                    }
                },
            },
        },
        "responses": {
            "200": _json(_ref("Predictions")),
            **_errors(*codes, *(["invalid_token"] if secured else [])),
        },
    }  # fmt: skip


def _deep(settings: Settings) -> str:
    """Return what happens to pictures of more than 8 bits."""
    if settings.value_range is None:
        return (
            "Pictures of more than 8 bits are accepted by models that were trained on such pictures, whose values of "
            "black and white they use."
        )
    low, high = settings.value_range
    return f"In pictures of more than 8 bits, {low:g} is black and {high:g} is white."


def _infer(settings: Settings, places: Sequence[dict[str, Any]], *, secured: bool) -> dict[str, Any]:
    codes = (*_EVERYWHERE, *_WITH_BODY, "origin_not_allowed", "model_not_found")
    length = {
        "name": "Inference-Header-Content-Length", "in": "header",
        "description": "The length of the JSON, if raw bytes follow it.",
        "schema": {"type": "integer", "minimum": 0},
    }  # fmt: skip
    ok = _json(_ref("InferResponse"))
    ok["content"]["application/octet-stream"] = {"schema": _BYTES}
    return {
        "summary": "Predict the classes of pictures (Open Inference Protocol).",
        "parameters": [*places, length],
        "requestBody": {
            "required": True,
            "description": _deep(settings),
            "content": {
                "application/json": {"schema": _ref("InferRequest")},
                "application/octet-stream": {"schema": _BYTES},
            },
        },
        "responses": {"200": ok, **_errors(*codes, *(["invalid_token"] if secured else []), v2=True)},
    }


def _errors(*codes: str, v2: bool = False) -> dict[str, Any]:
    """Return the responses with errors, by status."""
    found: dict[str, Any] = {}
    for status in sorted({CODES[code] for code in codes}):
        named = ", ".join(code for code in dict.fromkeys(codes) if CODES[code] == status)
        found[str(status)] = _json(_ref("ProtocolError" if v2 else "Error")) | {"description": named}
        if status == CODES["busy"]:
            found[str(status)]["headers"] = {
                "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}
            }
    return found


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return _content("application/json", schema)


def _content(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": "The answer.", "content": {kind: {"schema": schema}}}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*required]}


def _schemas() -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string"}
    chance: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 1.00001}
    sides = {"type": "array", "items": {"type": "integer"}}
    error = _object(
        ["code", "message", "request_id"],
        code={"type": "string", "enum": [*CODES]},
        message=text,
        request_id=text,
    )
    prediction = _object(
        ["label", "probability", "probabilities"],
        label=text, probability=chance, probabilities={"type": "object", "additionalProperties": chance},
        parts={
            "type": "array", "items": _object(["part", "probability"], part=text, probability=chance),
            "description": "The length and the symbols of a reading; a model of classes leaves it out.",
        },
    )  # fmt: skip
    tensor = _object(["name", "datatype", "shape"], name=text, datatype=text, shape=sides)
    anything = {"type": "object"}
    given = _object(
        ["name", "datatype", "shape"],
        name={"type": "string", "enum": ["images", "encoded"]},
        datatype={"type": "string", "enum": ["UINT8", "BYTES"]},
        shape={"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1, "maxItems": 4},
        parameters=anything,
        data={"type": "array"},
    )
    wanted = _object(["name"], name={"type": "string", "enum": [*OUTPUTS]}, parameters=anything)
    output = _object(
        ["name", "datatype", "shape"],
        name=text, datatype=text, shape=sides, parameters=anything, data={"type": "array"},
    )  # fmt: skip
    return {
        "Error": _object(["error"], error=error),
        "ProtocolError": _object(["error"], error=text),
        "Predictions": _object(
            ["model", "version", "predictions"],
            model=text, version=text, predictions={"type": "array", "items": prediction},
        ),
        "ServerMetadata": _object(
            ["name", "version", "extensions"],
            name=text, version=text, extensions={"type": "array", "items": text},
        ),
        "Models": _object(["models"], models={"type": "array", "items": text}),
        "ModelMetadata": _object(
            ["name", "versions", "platform", "inputs", "outputs"],
            name=text, platform=text, versions={"type": "array", "items": text},
            inputs={"type": "array", "items": tensor}, outputs={"type": "array", "items": tensor},
            parameters=anything,
        ),
        "InferRequest": _object(
            ["inputs"],
            id=text, parameters=anything, inputs={"type": "array", "items": given, "minItems": 1, "maxItems": 1},
            outputs={"type": "array", "items": wanted},
        ),
        "InferResponse": _object(
            ["model_name", "model_version", "outputs"],
            model_name=text, model_version=text, id=text, outputs={"type": "array", "items": output},
        ),
    }  # fmt: skip
