"""Hostile classifier files. Most have correct hashes, because an attacker would make sure of that."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from grammars import layer_lines
from grammars.case import Around, Case
from grammars.safetensors_files import Stored, as_dtype, stored, with_header, with_tricks, written
from grammars.values import NUMBERS, TEXTS, changed, value
from picturewise.architectures.lines import parse
from picturewise.errors import PicturewiseError
from picturewise.onnx_models.model import is_portable, weight_shapes

CLASSES = ("cat", "dog", "ünïcode")
LAYERS = ("conv 4 3x3 relu", "batchnorm", "avgpool global")
_SPARSE = "four gigabytes of nothing"
_MOST_NUMBERS = 500_000  # of weights that are made right, 2 MB
_SPECIAL = (math.nan, math.inf, -math.inf, 3.4e38, -3.4e38, 1e30, 1e20, 1e-45, 1e-38, -0.0, -1.0, 0.0)


def make(number: int, folder: Path, around: Around) -> Case:
    """Write the hostile file of that number into a folder, and return it with the commands that open it.

    The file of number -1 is right.
    """
    random = Random(f"classifier {number}")
    kind, content = hostile(random) if number >= 0 else ("none", file_of(description(), weights(random)))
    path = folder / "classifier.safetensors"
    if number >= 0 and number % 25 == 24:
        kind = _no_file(path, random)
    else:
        path.write_bytes(content)
    file, picture = str(path), str(around.picture)
    commands = [
        ("predict", file, picture),
        ("predict", file, picture, "--engine", random.choice(("numpy", "torch")), "--json"),
        ("evaluate", file, "--data", str(around.pictures)),
        ("begin with", file),
        ("read weights", file),
    ]
    if kind == _SPARSE:
        commands.pop()  # as a file of weights it is one: of four gigabytes that are zero
    return Case(kind, path, commands)


def hostile(random: Random) -> tuple[str, bytes]:
    """Return what is hostile about a file, and its content."""
    return random.choice(_KINDS)(random)


def _no_file(path: Path, random: Random) -> str:
    """Put something else into the place of a file."""
    match random.randrange(5):
        case 0:
            os.mkfifo(path)
            return "a pipe"
        case 1:
            path.symlink_to("/dev/zero")
            return "a link to a device"
        case 2:
            path.mkdir()
            return "a folder"
        case 3:
            path.symlink_to(path)
            return "a link to itself"
        case _:
            sides = (1 << 10, 1 << 20)
            header = {"0.weight": {"dtype": "F32", "shape": sides, "data_offsets": [0, 1 << 32]}}
            right = file_of(description(), weights(random))
            length = int.from_bytes(right[:8], "little")
            header["__metadata__"] = json.loads(right[8 : 8 + length])["__metadata__"]
            start = with_header(json.dumps(header).encode(), b"")
            path.write_bytes(start)
            os.truncate(path, len(start) + (1 << 32))
            return _SPARSE


def _description(random: Random) -> tuple[str, bytes]:
    table = description()
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        table = changed(table, random)
    return "a field of the description", file_of(table, weights(random))


def _one_number(random: Random) -> tuple[str, bytes]:
    table, number = description(), random.choice(NUMBERS)
    match random.randrange(4):
        case 0:
            table["temperature"] = number
        case 1:
            table["preparation"]["mean"][random.randrange(3)] = number
        case 2:
            table["preparation"]["std"][random.randrange(3)] = number
        case _:
            table["shape"][random.randrange(3)] = number
    return "a number of the description", file_of(table, weights(random))


def _classes(random: Random) -> tuple[str, bytes]:
    names = random.choice(
        (
            ["cat", "dog", "dog"],
            ["cat", "e\u0301", "é"],
            ["cat", "dog", "a\n", "a\\n"],
            [random.choice(TEXTS) for _ in range(3)],
            ["cat"],
            [],
            [str(n) for n in range(70_000)],
            [str(n) for n in range(3000)],
            ["x" * 1_000_000, "y", "z"],
        )
    )
    table = description() | {"classes": names}
    return "names of classes", file_of(table, _made(LAYERS, (16, 16, 3), max(1, len(names)), random))


def _sequences(random: Random) -> tuple[str, bytes]:
    """A description of sequences, with strange places, symbols and thresholds; the weights fit if they can."""
    places = random.choice((1, 2, 5, 64))
    answer = random.choice(
        (
            *(f"numbers {places}", f"numbers {places}", f"ctc {places} 16 1", "numbers 0", "numbers 65"),
            *("ctc 5 4 1", "numbers 5 5", "numbers 9999", "numbers " + "9" * 100_000, "ctc 64 1024 100"),
            *("numbers", "one class 5", ""),
        )
    )
    symbols = random.choice(
        (
            *(list("0123456789"), list("01"), ["\u202e", "\n"], ["0", "0"], ["10", "1"], ["", "1"], []),
            [chr(0x4E00 + number) for number in range(3000)],
        )
    )
    thresholds = random.choice(
        ({}, {"0.98": 0.5, "0.99": 0.9}, {"0.98": random.choice(NUMBERS)}, {random.choice(TEXTS): 0.5}, {"0.98": {}},
         {f"0.{number}": 0.5 for number in range(100_000)}, [0.5], None, value(random))
    )  # fmt: skip
    hostile_in = random.randrange(4)  # of four: the places, the symbols, the thresholds, or all of them
    table = description() | {
        "answer": answer if hostile_in in {0, 3} else f"numbers {places}",
        "classes": symbols if hostile_in in {1, 3} else list("0123456789"),
        "thresholds": thresholds if hostile_in in {2, 3} else {"0.98": 0.5},
    }
    outputs = places + 2 + places * len(table["classes"])
    found = _made(LAYERS, (16, 16, 3), max(1, outputs), random)
    return "sequences", file_of(changed(table, random) if random.random() < 0.1 else table, found)


def _layers(random: Random) -> tuple[str, bytes]:
    lines = layer_lines.lines(random)
    shape = random.choice(
        ((16, 16, 3), (16, 16, 3), (1, 1, 1), (64, 48, 3), (224, 224, 3), (1024, 1024, 3), (1024, 1, 1))
    )
    table = description() | {"layers": lines, "shape": list(shape)}
    table["preparation"] = {"grey": False, "mean": [100.0] * shape[2], "std": [50.0] * shape[2], "views": []}
    if random.random() < 0.2:
        table["preparation"]["views"] = ["mirror always", "shift 64"]
    return "layer lines", file_of(table, _made(lines, shape, len(CLASSES), random))


def _weights(random: Random) -> tuple[str, bytes]:
    found, special = weights(random), random.choice(_SPECIAL)
    for name in random.sample(sorted(found), k=random.choice((1, 1, 2, len(found)))):
        array = found[name]
        if array.dtype == np.float32 and array.size:
            array.reshape(-1)[:: random.choice((1, 2, array.size))] = special
    kept = {name: stored(array) for name, array in found.items()}
    if random.random() < 0.3:
        name = random.choice(sorted(kept))
        kept[name] = as_dtype(
            found[name], random.choice(("F64", "F16", "BF16", "I8", "I64", "I32", "BOOL", "U8"))
        )
    if random.random() < 0.1:
        kept["0.weight"] = Stored("F64", (4, 3, 3, 3), np.full(108, 1e308).tobytes())
    return "special numbers", _file(description(), kept)


def _metadata(random: Random) -> tuple[str, bytes]:
    found = weights(random)
    table = json.dumps(description(), ensure_ascii=False)
    digest = hashlib.sha256(table.encode()).hexdigest()
    inner: Any = {"sha256": _fingerprint(found), "classifier_sha256": digest, "classifier": table}
    match random.randrange(5):
        case 0:
            text = json.dumps(changed(inner, random))
        case 1:
            text = random.choice(
                ("", "null", "[]", "[" * 100_000, '{"a":' * 50_000, "NaN", "1e400", "\ud800", "x" * 9_000_000)
            )
        case 2:
            text = json.dumps(value(random))
        case 3:
            nest = random.choice(("[" * 60_000 + "]" * 60_000, '{"layers":' * 20_000, "null", "3", '"x"'))
            inner |= {"classifier": nest, "classifier_sha256": hashlib.sha256(nest.encode()).hexdigest()}
            text = json.dumps(inner)
        case _:
            text = json.dumps(inner | {random.choice(TEXTS): value(random)})
    key = random.choice(("picturewise", "picturewise", "sightline", "other"))
    kept = {name: stored(array) for name, array in found.items()}
    return "the metadata", written(kept, {key: text.encode("utf-8", "replace").decode()})


def _header(random: Random) -> tuple[str, bytes]:
    return "the header of the file", with_tricks(file_of(description(), weights(random)), random)


_KINDS: tuple[Callable[[Random], tuple[str, bytes]], ...] = (
    *(_description, _description, _one_number, _classes, _sequences),
    *(_layers, _layers, _layers, _weights, _weights, _metadata, _header, _header),
)


def description() -> dict[str, Any]:
    """Return a description that is right."""
    return {
        "format": 2,
        "layers": [*LAYERS],
        "module": None,
        "shape": [16, 16, 3],
        "resize": "crop",
        "classes": [*CLASSES],
        "preparation": {"grey": False, "mean": [100.0, 110.0, 120.0], "std": [50.0, 51.0, 52.0], "views": []},
        "temperature": 1.25,
        "provenance": {"dataset": "pets", "epoch": "3"},
    }


def weights(random: Random) -> dict[str, np.ndarray[Any, Any]]:
    """Return the weights of the network of a right description."""
    return _made(LAYERS, (16, 16, 3), len(CLASSES), random)


def file_of(table: Mapping[str, Any], arrays: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """Return the file of a description and weights, its hashes right."""
    return _file(table, {name: stored(array) for name, array in arrays.items()}, _fingerprint(arrays))


def _file(table: Mapping[str, Any], kept: Mapping[str, Stored], sha256: str | None = None) -> bytes:
    text = json.dumps(table)
    inner = {
        "sha256": _fingerprint_of(kept) if sha256 is None else sha256,
        "classifier_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "classifier": text,
    }
    return written(kept, {"picturewise": json.dumps(inner)})


def _made(
    lines: Any, shape: tuple[int, ...], classes: int, random: Random
) -> dict[str, np.ndarray[Any, Any]]:
    """Return weights of the shapes that a network has, if it can be had and is not large; else a few numbers."""
    chance = np.random.default_rng(random.randrange(2**32))
    try:
        layers, output = parse(list(lines)), f"dense {classes}"
        shapes = weight_shapes(layers, shape, output) if is_portable(layers, shape, output) else {}
    except (PicturewiseError, TypeError, AttributeError):
        shapes = {}
    if not shapes or sum(map(math.prod, shapes.values())) > _MOST_NUMBERS:
        shapes = {"0.weight": (3, 3), "0.bias": (3,)}
    found = {}
    for name, sides in shapes.items():
        if name.endswith("num_batches_tracked"):
            found[name] = np.array(7, np.int64)
        elif name.endswith("running_var"):
            found[name] = chance.uniform(0.5, 2, sides).astype(np.float32)
        else:
            found[name] = chance.normal(0, 0.3, sides).astype(np.float32)
    return found


def _fingerprint(arrays: Mapping[str, np.ndarray[Any, Any]]) -> str:
    return _fingerprint_of({name: stored(array) for name, array in arrays.items()})


_TORCH = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
}
_TORCH |= {"I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool"}


def _fingerprint_of(kept: Mapping[str, Stored]) -> str:
    """Return the SHA-256 that a classifier's file holds, written down once more and not asked for."""
    digest = hashlib.sha256()
    for name, tensor in sorted(kept.items()):
        digest.update(
            f"{name} torch.{_TORCH[tensor.dtype]} {tuple(tensor.shape)}\n".encode() + tensor.content
        )
    return digest.hexdigest()
