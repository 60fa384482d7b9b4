from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from picturewise.errors import RunError
from picturewise.networks import arrays, weights

ARRAYS = {
    "b": np.arange(24, dtype=np.float32).reshape(2, 2, 2, 3).transpose(0, 3, 1, 2),
    "a": np.array(7),
    "nothing": np.zeros((0, 3), np.float32),
}
TENSORS = {name: torch.from_numpy(array) for name, array in ARRAYS.items()}


def test_fingerprint_and_bytes_are_those_of_the_same_weights_as_tensors() -> None:
    assert arrays.fingerprint(ARRAYS) == weights.fingerprint(TENSORS)
    metadata = {"key": "wörd"}
    assert arrays.to_bytes(ARRAYS, metadata) == weights.to_bytes(TENSORS, metadata)


def test_what_tensors_were_written_to_is_read_as_arrays(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(weights.to_bytes(TENSORS, {"key": "wörd"}))
    read = arrays.read(tmp_path / "w")
    assert read is not None
    found, metadata = read
    assert metadata == {"key": "wörd"}
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


@pytest.mark.parametrize(
    "kind", [torch.bfloat16, torch.float16, torch.float64, torch.float8_e4m3fn, torch.bool]
)
def test_other_types_of_numbers_are_left_to_pytorch(tmp_path: Path, kind: torch.dtype) -> None:
    (tmp_path / "w").write_bytes(weights.to_bytes({**TENSORS, "other": torch.zeros(2).to(kind)}))
    assert arrays.read(tmp_path / "w") is None


def test_damaged_files_are_refused_in_the_words_of_weights(tmp_path: Path) -> None:
    content = weights.to_bytes(TENSORS)
    for length in range(0, len(content), 5):
        (tmp_path / "w").write_bytes(content[:length])
        said = []
        for read in (arrays.read, weights.read):
            with pytest.raises(RunError) as refused:
                read(tmp_path / "w")
            said.append(str(refused.value))
        assert said[0] == said[1]
    with pytest.raises(RunError, match=r"nothing cannot be read: "):
        arrays.read(tmp_path / "nothing")


def test_the_shapes_are_known_without_a_number_being_read(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(weights.to_bytes(TENSORS, {"key": "wörd"}))
    shapes, metadata = arrays.read_header(tmp_path / "w")
    assert shapes == {name: array.shape for name, array in ARRAYS.items()}
    assert metadata == {"key": "wörd"}


def of_header(header: dict[str, object], *, padding: int = 0) -> bytes:
    text = json.dumps(header).encode() + b" " * padding
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


EMPTY = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}


def test_headers_that_describe_far_too_much_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w"
    path.write_bytes(of_header({f"t{number}": EMPTY for number in range(arrays.MOST_TENSORS + 1)}))
    with pytest.raises(RunError, match=r"w contains 10,001 tensors, but at most 10,000 are allowed\."):
        arrays.read_header(path)
    path.write_bytes(of_header({"t": EMPTY}, padding=arrays.MOST_HEADER))
    for read in (arrays.read_header, arrays.read, arrays.read_metadata, weights.read):
        with pytest.raises(
            RunError, match=r"w is damaged .*: its header has 16,777,\d+ bytes, but at most 16,777,216 are"
        ):
            read(path)


@pytest.mark.parametrize("shape", [[0, 1 << 63], [1] * 70])
def test_shapes_that_no_array_has_are_refused(tmp_path: Path, shape: list[int]) -> None:
    size = 0 if 0 in shape else 4
    header = {"t": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}
    (tmp_path / "w").write_bytes(of_header(header) + bytes(size))
    with pytest.raises(RunError, match="w is damaged or is not a safetensors file"):
        arrays.read(tmp_path / "w")


def test_the_first_name_that_differs_is_named() -> None:
    arrays.check_shapes({"a": (1,), "b": ()}, {"b": (), "a": (1,)}, "here")
    with pytest.raises(
        RunError,
        match=r"here contains the weights of another network: 'b' is \(2, 3\), but missing in this network\.",
    ):
        arrays.check_shapes({"c": (9,), "a": (1,), "b": (2, 3)}, {"a": (1,)}, "here")
