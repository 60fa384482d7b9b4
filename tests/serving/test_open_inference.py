"""The Open Inference Protocol, in JSON and with raw bytes, as its specification and its best-known client have it."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import numpy as np
import pytest
from running_service import Answer, Running, picture, rows_of

INFER = "/v2/models/colour/infer"


def infer(running: Running, request: dict[str, Any], raw: bytes | None = None, path: str = INFER) -> Answer:
    text = json.dumps(request).encode()
    headers = {} if raw is None else {"Inference-Header-Content-Length": str(len(text))}
    return running.ask("POST", path, body=text + (raw or b""), headers=headers)


def images(pixels: np.ndarray[Any, Any]) -> dict[str, Any]:
    return {"name": "images", "datatype": "UINT8", "shape": list(pixels.shape), "data": pixels.tolist()}


@pytest.fixture
def pixels() -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).integers(0, 256, (3, 8, 10, 3), dtype=np.uint8)


def test_health_and_metadata(running: Running) -> None:
    version = running.classifier().weights_sha256[:12]
    assert running.ask("GET", "/v2/health/live").status == 200
    assert running.ask("GET", "/v2/health/ready").json == {"ready": True}
    assert running.ask("GET", "/v2").json["extensions"] == ["binary_tensor_data"]
    assert running.ask("GET", "/v2/models").json == {"models": ["colour", "grey"]}
    for path in ("/v2/models/colour", f"/v2/models/colour/versions/{version}"):
        told = running.ask("GET", path).json
        assert told["versions"] == [version]
        assert told["inputs"][0] == {"name": "images", "datatype": "UINT8", "shape": [-1, -1, -1, -1]}
        assert told["outputs"][0]["shape"] == [-1, 3]
        assert told["parameters"] == {
            "classes": ["cat", "dog", "ünï 猫"],
            "shape": [8, 10, 3],
            "background": "white",
            "drawing": None,
        }
        assert running.ask("GET", path + "/ready").status == 200
    for path in ("/v2/models/bird", "/v2/models/colour/versions/1", "/v2/models/bird/ready"):
        missing = running.ask("GET", path)
        assert missing.status == 404
        assert isinstance(missing.json["error"], str)


def test_pixels_in_json(running: Running, pixels: np.ndarray[Any, Any]) -> None:
    found = infer(running, {"id": "mine", "inputs": [images(pixels)]})
    expected = running.classifier().probabilities(pixels)
    told = found.json
    assert (told["id"], told["model_name"]) == ("mine", "colour")
    shares, labels = told["outputs"]
    assert (shares["name"], shares["datatype"], shares["shape"]) == ("probabilities", "FP32", [3, 3])
    np.testing.assert_allclose(np.reshape(shares["data"], (3, 3)), expected, atol=1e-6)
    assert labels["data"] == [running.classifier().classes[place] for place in expected.argmax(axis=1)]


def test_pixels_of_another_size_are_resized_as_the_classifier_does(running: Running) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (2, 30, 20, 1), dtype=np.uint8)
    wanted = [{"name": "probabilities"}]
    told = infer(running, {"inputs": [images(pixels)], "outputs": wanted}).json["outputs"]
    np.testing.assert_allclose(
        np.reshape(told[0]["data"], (2, 3)), running.classifier().probabilities(pixels), atol=1e-6
    )
    assert len(told) == 1


def test_raw_bytes_both_ways(running: Running, pixels: np.ndarray[Any, Any]) -> None:
    tensor = images(pixels)
    del tensor["data"]
    tensor["parameters"] = {"binary_data_size": pixels.nbytes}
    request = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    found = infer(running, request, pixels.tobytes())
    assert found.headers["content-type"] == "application/octet-stream"
    length = int(found.headers["inference-header-content-length"])
    shares, labels = json.loads(found.body[:length])["outputs"]
    raw = found.body[length:]
    size = shares["parameters"]["binary_data_size"]
    expected = running.classifier().probabilities(pixels)
    np.testing.assert_allclose(np.frombuffer(raw[:size], "<f4").reshape(3, 3), expected, atol=1e-6)
    names = [running.classifier().classes[place].encode() for place in expected.argmax(axis=1)]
    assert raw[size:] == b"".join(struct.pack("<I", len(name)) + name for name in names)
    assert labels["parameters"]["binary_data_size"] == len(raw) - size


def test_picture_files_as_bytes_and_as_base64(running: Running) -> None:
    contents = [picture(5), picture(6, kind="JPEG")]
    expected = rows_of(running.classifier(), *contents)
    raw = b"".join(struct.pack("<I", len(content)) + content for content in contents)
    tensor: dict[str, Any] = {"name": "encoded", "datatype": "BYTES", "shape": [2]}
    as_bytes = tensor | {"parameters": {"binary_data_size": len(raw)}}
    as_text = tensor | {"shape": [2, 1], "data": [base64.b64encode(content).decode() for content in contents]}
    for found in (infer(running, {"inputs": [as_bytes]}, raw), infer(running, {"inputs": [as_text]})):
        np.testing.assert_allclose(np.reshape(found.json["outputs"][0]["data"], (2, 3)), expected, atol=1e-6)


ONE = {"name": "images", "datatype": "UINT8", "shape": [1, 1, 1, 1], "data": [7]}
BYTES = {"name": "encoded", "datatype": "BYTES", "shape": [1]}


@pytest.mark.parametrize(
    ("request_", "raw", "status"),
    [
        ([], None, 400),
        ({}, None, 400),
        ({"inputs": []}, None, 400),
        ({"inputs": [ONE, ONE]}, None, 400),
        ({"inputs": [ONE], "id": 5}, None, 400),
        ({"inputs": [ONE], "parameters": []}, None, 400),
        ({"inputs": [ONE | {"name": "pictures"}]}, None, 400),
        ({"inputs": [ONE | {"datatype": "FP32"}]}, None, 400),
        ({"inputs": [ONE | {"name": []}]}, None, 400),
        ({"inputs": [ONE], "outputs": [{"name": {}}]}, None, 400),
        ({"inputs": [ONE | {"shape": [1, 1, 1, 4]}]}, None, 400),
        ({"inputs": [ONE | {"shape": [1, 1, True, 1]}]}, None, 400),
        ({"inputs": [ONE | {"shape": [1, 0, 1, 1]}]}, None, 400),
        ({"inputs": [ONE | {"shape": [5, 1, 1, 1]}]}, None, 413),
        ({"inputs": [ONE | {"shape": [1, 10**6, 10**6, 3]}]}, None, 413),
        ({"inputs": [ONE | {"data": [256]}]}, None, 400),
        ({"inputs": [ONE | {"data": [-1]}]}, None, 400),
        ({"inputs": [ONE | {"data": [0.5]}]}, None, 400),
        ({"inputs": [ONE | {"data": [10**30]}]}, None, 400),
        ({"inputs": [ONE | {"data": [[1], [1, 2]]}]}, None, 400),
        ({"inputs": [ONE | {"data": "/etc/passwd"}]}, None, 400),
        ({"inputs": [ONE | {"parameters": {"shared_memory_region": "x"}}]}, None, 400),
        ({"inputs": [ONE | {"parameters": {"binary_data_size": 2}}]}, b"x", 400),
        ({"inputs": [ONE]}, b"x", 400),
        ({"inputs": [ONE], "outputs": [{"name": "logits"}]}, None, 400),
        ({"inputs": [ONE], "outputs": [{"name": "label"}, {"name": "label"}]}, None, 400),
        ({"inputs": [ONE], "outputs": [{"name": "label", "parameters": {"classification": 3}}]}, None, 400),
        ({"inputs": [BYTES | {"data": ["/etc/hostname"]}]}, None, 400),
        ({"inputs": [BYTES | {"data": [5]}]}, None, 400),
        ({"inputs": [BYTES | {"data": ["AAAA", "AAAA"]}]}, None, 400),
        ({"inputs": [BYTES | {"data": [base64.b64encode(b"no picture").decode()]}]}, None, 415),
        ({"inputs": [BYTES | {"parameters": {"binary_data_size": 6}}]}, b"\xff\0\0\0ab", 400),
        ({"inputs": [BYTES | {"parameters": {"binary_data_size": 2}}]}, b"ab", 400),
    ],
)
def test_what_is_not_valid_is_refused_in_a_sentence(
    running: Running, request_: Any, raw: bytes | None, status: int
) -> None:
    found = infer(running, request_, raw)
    assert found.status == status, found.body
    assert found.json["error"].endswith(".")
    assert running.service.admission.pictures == 0


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"inputs": NaN}', b"\xff\xfe"])
def test_a_body_that_is_not_json_is_refused(running: Running, body: bytes) -> None:
    assert running.ask("POST", INFER, body=body).status == 400


@pytest.mark.parametrize("length", ["-1", "999999", "x", "1" * 30])
def test_a_length_outside_the_body_is_refused(running: Running, length: str) -> None:
    found = running.ask("POST", INFER, body=b"{}", headers={"Inference-Header-Content-Length": length})
    assert found.status == 400
