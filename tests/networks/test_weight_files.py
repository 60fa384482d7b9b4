"""Files of weights as their writers make them, held against what PyTorch itself reads from them."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from picturewise.errors import DataError
from picturewise.networks.weight_files import MOST_BYTES, read_weight_file

NEW, OLD = True, False
STORED = [NEW, OLD]


def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2).half(), nn.Linear(2, 2).bfloat16()
    )


def saved(path: Path, content: object, *, new: bool) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=new)
    return path


def same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert found[name].is_contiguous()
        torch.testing.assert_close(found[name], tensor.detach(), rtol=0, atol=0)


@pytest.mark.parametrize("new", STORED)
def test_a_state_dict_comes_out_as_pytorch_reads_it(tmp_path: Path, new: bool) -> None:
    path = saved(tmp_path / "weights.pth", module().state_dict(), new=new)
    same(read_weight_file(path), torch.load(path, weights_only=True))
    assert not any(tensor.requires_grad for tensor in read_weight_file(path).values())


@pytest.mark.parametrize("new", STORED)
def test_parameters_and_every_type_of_numbers_come_out(tmp_path: Path, new: bool) -> None:
    types = (
        torch.float64,
        torch.float32,
        torch.float16,
        torch.bfloat16,
        torch.int64,
        torch.int32,
        torch.int16,
    )
    content = {
        str(dtype): torch.arange(6).reshape(2, 3).to(dtype) for dtype in (*types, torch.int8, torch.uint8)
    }
    content |= {
        "parameter": nn.Parameter(torch.ones(3)),
        "empty": torch.zeros(0, 2),
        "one": torch.tensor(5.0),
    }
    path = saved(tmp_path / "weights.pth", content, new=new)
    same(read_weight_file(path), torch.load(path, weights_only=True))


@pytest.mark.parametrize("new", STORED)
def test_views_of_larger_tensors_and_shared_ones_come_out(tmp_path: Path, new: bool) -> None:
    whole = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    content = {
        "whole": whole,
        "part": whole[1:3, 2:5],
        "turned": whole.t(),
        "again": whole,
        "last": whole.view(-1)[7:],
    }
    content["channels_last"] = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    content["unrelated"] = torch.randn(1000)  # or the shared ones would be more than the file
    path = saved(tmp_path / "weights.pth", content, new=new)
    same(read_weight_file(path), content)


@pytest.mark.parametrize("new", STORED)
@pytest.mark.parametrize("key", ["state_dict", "model"])
def test_a_checkpoint_is_unwrapped_and_its_prefix_taken_away(tmp_path: Path, key: str, new: bool) -> None:
    state = {f"module.{name}": tensor for name, tensor in module().state_dict().items()}
    content = {
        "epoch": 3,
        "best": 0.5,
        "optimizer": {"state": {0: {"m": torch.ones(3)}, 140_234_567_890_123: {}}, "groups": [{"lr": 0.1}]},
    }
    path = saved(tmp_path / "checkpoint.tar", content | {key: state}, new=new)
    same(read_weight_file(path), module().state_dict())
    assert set(state) == {f"module.{name}" for name in read_weight_file(path)}


def test_a_safetensors_file_is_recognised_by_its_content(tmp_path: Path) -> None:
    state = module().state_dict()
    save_file(state, tmp_path / "weights.pth")
    found = read_weight_file(tmp_path / "weights.pth")
    same(dict(sorted(found.items())), dict(sorted(state.items())))
    zipped = saved(tmp_path / "weights.safetensors", state, new=NEW)
    same(read_weight_file(zipped), state)


# --- streams as the first versions of PyTorch and Python 2 wrote them, laid down by hand


def stream(pickled: bytes, keys: list[str], numbers: list[bytes]) -> bytes:
    """The older form: three small pickles, the tensors', the keys of the storages, and each with its count."""
    system = {
        "protocol_version": 1001,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    parts = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, system)]
    parts += [pickled, pickle.dumps(keys, 2)]
    return b"".join(parts) + b"".join(struct.pack("<q", len(content) // 4) + content for content in numbers)


def text(value: str) -> bytes:
    return b"U" + bytes([len(value)]) + value.encode()  # as Python 2 wrote its str


def storage(key: str, count: int) -> bytes:
    return (
        b"("
        + text("storage")
        + b"ctorch\nFloatStorage\n"
        + text(key)
        + text("cuda:0")
        + b"K"
        + bytes([count])
        + b"NtQ"
    )


def tensor(key: str, count: int, rows: int) -> bytes:
    shape = b"K%cK%c\x86" % (rows, count // rows)
    strides = b"K%cK\1\x86" % (count // rows)
    return b"ctorch._utils\n_rebuild_tensor\n(" + storage(key, count) + b"K\0" + shape + strides + b"tR"


NUMBERS = [struct.pack("<6f", *range(6)), struct.pack("<4f", *range(10, 14))]
EXPECTED = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.arange(10.0, 14.0).reshape(2, 2)}


@pytest.mark.parametrize(
    "second",
    [
        tensor("7", 4, 2),
        # version 0.4: whether it wants a gradient, and hooks, which are None for want of any
        tensor("7", 4, 2).replace(b"_rebuild_tensor\n", b"_rebuild_tensor_v2\n")[:-2] + b"\x89NtR",
        # Parameter(tensor, True), with the state (requires_grad, volatile, hooks) set behind it
        b"ctorch.nn.parameter\nParameter\n" + tensor("7", 4, 2) + b"\x88\x86R",
        b"ctorch.nn.parameter\nParameter\n" + tensor("7", 4, 2) + b"\x85\x81",
        b"ctorch._utils\n_rebuild_parameter\n"
        + tensor("7", 4, 2)
        + b"\x88ccollections\nOrderedDict\n)R\x87R",
        b"ctorch.nn.parameter\nParameter\n" + tensor("7", 4, 2) + b"\x88\x86R" + b"\x88\x89N\x87b",
        b"ctorch.nn.parameter\nParameter\n)\x81(" + tensor("7", 4, 2) + b"NN\x88\x89tb",
    ],
    ids=[
        "tensor",
        "second version",
        "parameter",
        "new parameter",
        "rebuilt parameter",
        "with flags",
        "empty with a state",
    ],
)
def test_forms_of_the_first_versions_are_read_as_pytorch_reads_them(tmp_path: Path, second: bytes) -> None:
    entries = text("a") + tensor("5", 6, 2) + text("b") + second
    path = tmp_path / "weights.pth"
    for pickled in (
        b"\x80\2ccollections\nOrderedDict\n)R(" + entries + b"u.",
        b"\x80\2}(" + entries + b"u.",
    ):
        path.write_bytes(stream(pickled, ["5", "7"], NUMBERS))
        if b"NN\x88\x89tb" not in second:  # PyTorch's restricted reader has forgotten that one
            theirs = torch.load(path, weights_only=True, map_location="cpu")
            same({name: part.detach() for name, part in theirs.items()}, EXPECTED)
        same(read_weight_file(path), EXPECTED)


def test_an_ordered_dict_of_python_2_and_notes_of_a_state_dict_are_read(tmp_path: Path) -> None:
    pairs = b"](](" + text("a") + tensor("5", 6, 2) + b"e](" + text("b") + tensor("7", 4, 2) + b"ee\x85R"
    notes = b"}" + text("_metadata") + b"}sb"
    path = tmp_path / "weights.pth"
    path.write_bytes(stream(b"\x80\2ccollections\nOrderedDict\n" + pairs + notes + b".", ["5", "7"], NUMBERS))
    same(read_weight_file(path), EXPECTED)
    same(torch.load(path, weights_only=True, map_location="cpu"), EXPECTED)


def test_storages_may_be_in_any_order(tmp_path: Path) -> None:
    pickled = b"\x80\2}(" + text("a") + tensor("5", 6, 2) + text("b") + tensor("7", 4, 2) + b"u."
    path = tmp_path / "weights.pth"
    path.write_bytes(stream(pickled, ["7", "5"], NUMBERS[::-1]))
    same(read_weight_file(path), EXPECTED)


@pytest.mark.parametrize("new", STORED)
def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path, new: bool) -> None:
    content = saved(tmp_path / "whole", {"a": torch.ones(3)}, new=new).read_bytes()
    path = tmp_path / "weights.pth"
    for length in range(0, len(content), 1 if new is OLD else 3):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"weights\.pth .*\.$"):
            read_weight_file(path)


@pytest.mark.parametrize("new", STORED)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([torch.ones(3)], "does not contain a state dict"),
        (torch.ones(3), "does not contain a state dict"),
        ({}, "contains 0 tensors"),
        ({"state_dict": {}}, "contains 0 tensors"),
        ({"a": torch.ones(3), "epoch": 3}, "contains a value of type int under 'epoch'"),
        (
            {"state_dict": {"a": torch.ones(3), "b": {"c": torch.ones(3)}}},
            "contains a value of type dict under 'b'",
        ),
        ({3: torch.ones(3)}, "has the key 3. Expected only strings as keys"),
        ({"a": torch.tensor([1.0, float("nan")])}, r"not finite \(NaN or infinite\) in 'a'"),
        ({"a": torch.tensor([float("inf")])}, r"not finite \(NaN or infinite\) in 'a'"),
        ({"a": torch.ones(3, dtype=torch.complex64)}, "refers to torch.ComplexFloatStorage"),
        (nn.Linear(2, 2), "refers to torch.nn.modules.linear.Linear"),
    ],
)
def test_what_is_not_a_flat_table_of_tensors_is_refused(
    tmp_path: Path, content: object, said: str, new: bool
) -> None:
    path = saved(tmp_path / "weights.pth", content, new=new)
    with pytest.raises(DataError, match=said):
        read_weight_file(path)


def test_what_is_not_a_file_of_weights_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    for content in (b"", b"\x89PNG\r\n\x1a\n" + bytes(100), b"text"):
        path.write_bytes(content)
        with pytest.raises(
            DataError, match=r"is not a weights file that Picturewise reads\. Pass a \.safetensors"
        ):
            read_weight_file(path)
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_weight_file(tmp_path / "nothing")
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(DataError, match=r"has 4,294,967,297 bytes, but at most 4,294,967,296"):
        read_weight_file(path)


def test_numbers_in_another_order_are_refused(tmp_path: Path) -> None:
    import zipfile

    whole = saved(tmp_path / "whole", {"a": torch.ones(3)}, new=NEW)
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"big" if name.endswith("byteorder") else old.read(name))
    with pytest.raises(DataError, match="is not little-endian"):
        read_weight_file(path)
