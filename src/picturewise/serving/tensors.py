"""The tensors of the Open Inference Protocol: JSON, or JSON followed by raw bytes (the binary tensor data extension).

Sources: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol and
https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_binary_data.html
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.pictures.decode import MAX_PIXELS
from picturewise.serving.outputs import LABEL, Values
from picturewise.serving.refusals import RefusedRequest

IMAGES, ENCODED = "images", "encoded"
JSON_LENGTH = "inference-header-content-length"
_LENGTH = struct.Struct("<I")
_LONGEST_ID = 256


@dataclass(frozen=True)
class Asked:
    """What a request to infer asks for.

    Attributes:
        pictures: (N, H, W, C) uint8 of any size, or the contents of N picture files.
        outputs: the names of the outputs, each with whether it is returned as raw bytes.
        id: the client's name for the request; None: it has none.
    """

    pictures: NDArray[np.uint8] | list[bytes]
    outputs: dict[str, bool]
    id: str | None


def read_request(body: bytes, json_length: str | None, most: int, names: Sequence[str]) -> Asked:
    """Return what a request asks for.

    Args:
        body: of the request.
        json_length: the header `Inference-Header-Content-Length`; None: the whole body is JSON.
        most: pictures that it may have.
        names: of the model's outputs.

    Raises:
        RefusedRequest: it is not valid.
    """
    length = _json_length(json_length, len(body))
    request = _parsed(body[:length])
    rest = memoryview(body)[length:]
    name = request.get("id")
    if name is not None and not (isinstance(name, str) and len(name) <= _LONGEST_ID):
        raise _bad("id must be a string")
    inputs = request.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise _bad(f"inputs must be a list with one tensor, {IMAGES} (UINT8) or {ENCODED} (BYTES)")
    given = inputs[0]
    parameters = _table(given, "parameters")
    if any(str(key).startswith("shared_memory") for key in parameters):
        raise _bad("shared memory is not supported; send the tensor in the request")
    size = parameters.get("binary_data_size")
    if size is None and len(rest):
        raise _bad("bytes follow the JSON, but the tensor does not have a binary_data_size")
    if size is not None and (type(size) is not int or size != len(rest)):
        raise _bad(f"binary_data_size is not {len(rest):,}, the number of bytes behind the JSON")
    raw = None if size is None else rest
    kind, outputs = (given.get("name"), given.get("datatype")), _outputs(request, names)
    if kind not in ((IMAGES, "UINT8"), (ENCODED, "BYTES")):
        raise _bad(f"the input must be {IMAGES} with datatype UINT8, or {ENCODED} with datatype BYTES")
    shape = _shape(given.get("shape"), most)
    read = _images if kind[0] == IMAGES else _encoded
    return Asked(read(shape, raw, given.get("data")), outputs, name)


def write_response(
    values: Mapping[str, Values], asked: Asked, model: str, version: str
) -> tuple[bytes, int | None]:
    """Return the body of an answer, and the length of its JSON if raw bytes follow it.

    Args:
        values: of the outputs by name, see `values_of`.
        asked: by the client.
        model: its name.
        version: of the model.
    """
    outputs, raw = list[dict[str, Any]](), list[bytes]()
    for name, binary in asked.outputs.items():
        held = values[name]
        told: dict[str, Any] = {"name": name}
        if isinstance(held, list):
            told |= {"datatype": "BYTES", "shape": [len(held)]}
            content: Sequence[Any] = held
            packed = _packed(text.encode() for text in held) if binary else b""
        else:
            kind, little = ("FP32", "<f4") if held.dtype == np.float32 else ("INT64", "<i8")
            told |= {"datatype": kind, "shape": list(held.shape)}
            content = [] if binary else held.reshape(-1).tolist()
            packed = np.ascontiguousarray(held, little).tobytes() if binary else b""
        if binary:
            raw.append(packed)
            told["parameters"] = {"binary_data_size": len(packed)}
        else:
            told["data"] = content
        outputs.append(told)
    answer: dict[str, Any] = {"model_name": model, "model_version": version, "outputs": outputs}
    if asked.id is not None:
        answer["id"] = asked.id
    text = json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )
    return text + b"".join(raw), len(text) if raw else None


def _json_length(header: str | None, size: int) -> int:
    if header is None:
        return size
    if not (header.isascii() and header.isdecimal() and len(header) < 20 and int(header) <= size):
        raise _bad("Inference-Header-Content-Length is not a length within the body")
    return int(header)


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        request = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise _bad("the body is not JSON") from error
    if not isinstance(request, dict):
        raise _bad("the body is not a JSON object")
    return request


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _table(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key, {})
    if not isinstance(found, dict):
        raise _bad(f"{key} must be an object")
    return found


def _shape(value: Any, most: int) -> list[int]:
    if (
        not isinstance(value, list)
        or not 0 < len(value) <= 4
        or not all(type(side) is int and side > 0 for side in value)
    ):
        raise _bad("shape must be a list of positive integers")
    if value[0] > most:
        raise RefusedRequest("too_large", f"At most {most:,} pictures are accepted in one request.")
    return value


def _images(shape: list[int], raw: memoryview | None, data: Any) -> NDArray[np.uint8]:
    if len(shape) != 4 or shape[3] not in {1, 3}:
        raise _bad(f"the shape of {IMAGES} must be [pictures, height, width, 1 or 3]")
    if shape[1] * shape[2] > MAX_PIXELS:
        raise RefusedRequest("too_large", f"A picture may have at most {MAX_PIXELS:,} pixels.")
    count = math.prod(shape)
    if raw is not None:
        if len(raw) != count:
            raise _bad(f"{IMAGES} has {len(raw):,} bytes, but its shape needs {count:,}")
        return np.frombuffer(raw, np.uint8).reshape(shape)
    values = _numbers(data)
    if values.size != count:
        raise _bad(f"{IMAGES} has {values.size:,} values, but its shape needs {count:,}")
    return values.reshape(shape)


def _numbers(data: Any) -> NDArray[np.uint8]:
    """Return whole numbers from 0 to 255, in lists that may be nested."""
    try:
        values = np.array(data) if isinstance(data, list) else None
    except (ValueError, OverflowError):  # lists of different lengths, huge integers
        values = None
    if values is None or values.dtype.kind not in "iu" or not values.size:
        raise _bad(f"the data of {IMAGES} must be a list of whole numbers")
    if values.min() < 0 or values.max() > 255:
        raise _bad(f"the data of {IMAGES} must be from 0 to 255")
    return values.astype(np.uint8).reshape(-1)


def _encoded(shape: list[int], raw: memoryview | None, data: Any) -> list[bytes]:
    if len(shape) > 2 or shape[1:] not in ([], [1]):
        raise _bad(f"the shape of {ENCODED} must be [pictures]")
    found = _from_base64(data) if raw is None else _unpacked(raw, shape[0])
    if len(found) != shape[0]:
        raise _bad(f"{ENCODED} has {len(found):,} elements, but its shape needs {shape[0]:,}")
    return found


def _from_base64(data: Any) -> list[bytes]:
    if isinstance(data, list) and data and all(isinstance(part, list) for part in data):
        data = [element for part in data for element in part]
    if not isinstance(data, list) or not all(isinstance(element, str) for element in data):
        raise _bad(f"the data of {ENCODED} must be a list of strings, picture files in base64")
    try:
        return [base64.b64decode(element, validate=True) for element in data]
    except (binascii.Error, ValueError) as error:
        raise _bad(f"the data of {ENCODED} is not valid base64") from error


def _unpacked(raw: memoryview, most: int) -> list[bytes]:
    found, place = list[bytes](), 0
    while place < len(raw) and len(found) < most:
        if place + _LENGTH.size > len(raw):
            break
        (length,) = _LENGTH.unpack_from(raw, place)
        place += _LENGTH.size
        if place + length > len(raw):
            break
        found.append(bytes(raw[place : place + length]))
        place += length
    if place != len(raw) or len(found) < most:
        raise _bad(f"the bytes of {ENCODED} are not {most:,} elements, each after its length")
    return found


def _packed(elements: Iterable[bytes]) -> bytes:
    return b"".join(_LENGTH.pack(len(element)) + element for element in elements)


def _outputs(request: Mapping[str, Any], names: Sequence[str]) -> dict[str, bool]:
    usual = bool(_table(request, "parameters").get("binary_data_output", False))
    wanted = request.get("outputs")
    if wanted is None or wanted == []:
        return dict.fromkeys(names, usual)
    if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted):
        raise _bad("outputs must be a list of objects")
    found = dict[str, bool]()
    for one in wanted:
        name, parameters = one.get("name"), _table(one, "parameters")
        if name not in names or name in found:
            raise _bad(f"an output must be one of {', '.join(names)}, each at most once")
        if "classification" in parameters or any(str(key).startswith("shared_memory") for key in parameters):
            raise _bad(f"the parameters of an output may only be binary_data; {LABEL} has the class")
        found[name] = bool(parameters.get("binary_data", usual))
    return found


def _bad(why: str) -> RefusedRequest:
    return RefusedRequest("bad_request", f"The request is not valid: {why}.")
