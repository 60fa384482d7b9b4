from __future__ import annotations

import hashlib
import json
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from picturewise.errors import RunError
from picturewise.networks import arrays, weights

WEIGHTS = {
    "b": torch.arange(24, dtype=torch.float32).reshape(2, 3, 2, 2),
    "a": torch.tensor(7),
    "c": torch.tensor([1.5, -2.5], dtype=torch.bfloat16),
}


def test_the_fingerprint_is_the_hash_of_names_types_shapes_and_numbers() -> None:
    content = b"a torch.int64 ()\n" + struct.pack("<q", 7)
    content += b"b torch.float32 (2, 3, 2, 2)\n" + np.arange(24, dtype="<f4").tobytes()
    content += b"c torch.bfloat16 (2,)\n" + bytes.fromhex("c03f20c0")
    assert weights.fingerprint(WEIGHTS) == hashlib.sha256(content).hexdigest()


def test_the_fingerprint_does_not_depend_on_order_or_memory() -> None:
    moved = {name: WEIGHTS[name].clone() for name in sorted(WEIGHTS)}
    moved["b"] = moved["b"].to(memory_format=torch.channels_last)
    assert moved["b"].stride() != WEIGHTS["b"].stride()
    assert weights.fingerprint(moved) == weights.fingerprint(WEIGHTS)
    parameters = {
        name: nn.Parameter(tensor, requires_grad=tensor.is_floating_point()) for name, tensor in moved.items()
    }
    assert weights.fingerprint(parameters) == weights.fingerprint(WEIGHTS)


@pytest.mark.parametrize(
    "change",
    [
        {"b": WEIGHTS["b"] + torch.eye(2)},
        {"b": -WEIGHTS["b"]},  # only the sign of a zero, among others
        {"b": WEIGHTS["b"].reshape(3, 2, 2, 2)},
        {"b": WEIGHTS["b"].double()},
        {"b": WEIGHTS["b"].view(torch.int32)},
        {"d": torch.zeros(0)},
    ],
)
def test_the_fingerprint_changes_with_every_part(change: dict[str, torch.Tensor]) -> None:
    assert weights.fingerprint({**WEIGHTS, **change}) != weights.fingerprint(WEIGHTS)


def parsed(content: bytes) -> dict[str, tuple[str, list[int], bytes]]:
    """Read a safetensors file by hand, as its specification says."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    data = content[8 + length :]
    return {name: (e["dtype"], e["shape"], data[slice(*e["data_offsets"])]) for name, e in header.items()}


def test_the_bytes_are_a_safetensors_file_with_rows_in_order() -> None:
    channels_last = {**WEIGHTS, "b": WEIGHTS["b"].to(memory_format=torch.channels_last)}
    assert parsed(weights.to_bytes(channels_last)) == {
        "a": ("I64", [], struct.pack("<q", 7)),
        "b": ("F32", [2, 3, 2, 2], np.arange(24, dtype="<f4").tobytes()),
        "c": ("BF16", [2], bytes.fromhex("c03f20c0")),
    }


def test_bytes_come_back_as_the_same_tensors(tmp_path: Path) -> None:
    content = weights.to_bytes(WEIGHTS, {"key": "wörd"})
    (tmp_path / "w").write_bytes(content)
    from_file, metadata = weights.read(tmp_path / "w")
    for found in (weights.from_bytes(content), from_file):
        assert weights.fingerprint(found) == weights.fingerprint(WEIGHTS)
    assert metadata == arrays.read_metadata(tmp_path / "w") == {"key": "wörd"}
    (tmp_path / "bare").write_bytes(weights.to_bytes(WEIGHTS))
    assert arrays.read_metadata(tmp_path / "bare") == {}


SCRIPT = """
import hashlib, torch
from picturewise.networks import arrays, weights
tensors = {f"layer.{i}": torch.arange(i + 1.0) for i in range(20)}
print(hashlib.sha256(weights.to_bytes(tensors, {"key": "value"})).hexdigest())
"""


@pytest.mark.slow
def test_the_bytes_are_the_same_in_every_process() -> None:
    tensors = {f"layer.{i}": torch.arange(i + 1.0) for i in reversed(range(20))}
    other = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True)
    assert other.stdout.strip() == hashlib.sha256(weights.to_bytes(tensors, {"key": "value"})).hexdigest()


def test_weights_that_two_layers_share_are_written_for_each() -> None:
    shared = nn.Linear(3, 3)
    state = nn.Sequential(shared, nn.ReLU(), shared).state_dict()
    found = weights.from_bytes(weights.to_bytes(state))
    assert weights.fingerprint(found) == weights.fingerprint(state)


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    content = weights.to_bytes(WEIGHTS, {"key": "value"})
    path = tmp_path / "w.safetensors"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(RunError, match=r"w\.safetensors is damaged or is not a safetensors file: "):
            weights.read(path)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        pickle.dumps({"weights": [1, 2, 3]}),
        b"\xff" * 200,
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 100)
        + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,4]}}'.ljust(100)
        + bytes(4),
    ],
)
def test_foreign_files_are_refused_by_all_readers(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    for read in (weights.read, arrays.read_metadata):
        with pytest.raises(RunError, match=r"w\.safetensors is damaged or is not a safetensors file: "):
            read(path)


def test_what_a_file_says_of_itself_is_printable_in_the_refusal(tmp_path: Path) -> None:
    header = '{"a":{"dtype":"\u202eF32\ufeff","shape":[1],"data_offsets":[0,4]}}'.encode()
    path = tmp_path / "weights.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    with pytest.raises(RunError) as refused:
        weights.read(path)
    assert "F32" in str(refused.value)
    assert str(refused.value).isprintable()


def test_what_is_missing_or_not_a_file_is_reported_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"nothing cannot be read: .*\."):
        weights.read(tmp_path / "nothing")
    with pytest.raises(RunError, match=r"is not a regular file\. Pass a weights file\."):
        weights.read(tmp_path)


@pytest.mark.parametrize(
    "header", [b"{", b"[]", b'{"a": {"dtype": "F9", "shape": [0], "data_offsets": [0, 0]}}']
)
def test_invalid_content_is_a_value_error(header: bytes) -> None:
    with pytest.raises(ValueError, match="it is not a safetensors file"):
        weights.from_bytes(struct.pack("<Q", len(header)) + header)
