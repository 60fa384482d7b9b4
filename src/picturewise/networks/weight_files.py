"""The only reader of weights files that Picturewise did not write: safetensors, and PyTorch's own `.pth` and `.pt`.

The content of a file decides what it is, not its name. PyTorch's files in both forms (a zip of stored files since
version 1.6, a stream before) are read by our own grammar: `torch.load` is never used, and no code in a file runs.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from picturewise.errors import DataError
from picturewise.networks import weights
from picturewise.networks.saved_tensors import SavedMachine, SavedTensor, Storage, text_of
from picturewise.printable import printable
from picturewise.untrusted.archives import archive
from picturewise.untrusted.regular_file import check_regular

MOST_BYTES = 4 << 30
MOST_PICKLE = 16 << 20
MOST_TENSORS = 10_000

_MAGIC = 0x1950A86A20F9469CFC6C
"""The first value of PyTorch's older files, see torch/serialization.py."""
_VERSION = 1001
_INSIDE = ("state_dict", "model")
_PREFIX = "module."


def read_weight_file(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, in the order of the file, on the processor.

    If a checkpoint contains the tensors under `state_dict` or `model`, these are taken, and `module.`, which
    `DataParallel` puts before every name, is removed.

    Raises:
        DataError: the file is missing, damaged, larger than 4 GB, has another form, asks for anything but tensors,
            describes tensors that are not in it, or contains values that are not numbers.
    """
    where = printable(path)
    try:
        size = check_regular(path, "a weights file")
        if size > MOST_BYTES:
            raise DataError(
                f"{where} has {size:,} bytes, but at most {MOST_BYTES:,} are allowed. Use a smaller file."
            )
        with path.open("rb") as file:
            start = file.read(9)
        found = _read(path, start, size, where)
    except OSError as error:
        raise DataError(f"{where} cannot be read: {error.strerror or error}.") from error
    for name, tensor in found.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise DataError(
                f"{where} contains values that are not finite (NaN or infinite) in '{printable(name)}'. "
                "Download it again."
            )
    return found


def _read(path: Path, start: bytes, size: int, where: str) -> dict[str, Tensor]:
    if start[:2] == b"PK":
        return _from_zip(path, size, where)
    if start[:1] == b"\x80":
        return _from_stream(path, size, where)
    if start[8:] == b"{":
        (header,) = struct.unpack("<Q", start[:8])
        if header > min(MOST_PICKLE, size - 8):
            raise DataError(
                f"{where} is damaged or malicious: its header declares {header:,} bytes, but at most "
                f"{min(MOST_PICKLE, size - 8):,} are possible. Download it again."
            )
        return _named(weights.read(path)[0], where)
    raise DataError(
        f"{where} is not a weights file that Picturewise reads. Pass a .safetensors, .pth or .pt file."
    )


def _from_zip(path: Path, size: int, where: str) -> dict[str, Tensor]:
    archive.check_stored(path)
    names = archive.zip_names(path)
    pickles = [name for name in names if name.rpartition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        raise DataError(
            f"{where} is a zip archive, but does not contain exactly one data.pkl. Pass a file saved by PyTorch."
        )
    folder = pickles[0].removesuffix("data.pkl")
    small = dict(_wanted(path, {pickles[0], f"{folder}byteorder"}, where))
    if small.get(f"{folder}byteorder", b"little") != b"little":
        raise DataError(f"{where} is not little-endian. Save it again on a little-endian machine.")
    machine = SavedMachine(bytes(small[pickles[0]]), where)
    found = _tensors(machine.value(), size, where)
    wanted = {f"{folder}data/{storage.key}": storage.key for storage in _storages(found)}
    contents = {wanted[name]: content for name, content in archive.members(path, wanted.__contains__)}
    return _filled(found, contents, where)


def _wanted(path: Path, names: set[str], where: str) -> Iterator[tuple[str, bytearray]]:
    for name, content in archive.members(path, names.__contains__):
        if len(content) > MOST_PICKLE:
            raise DataError(
                f"{where} is damaged or malicious: it describes its tensors in {len(content):,} bytes, but at most "
                f"{MOST_PICKLE:,} are allowed. Download it again."
            )
        yield name, content


def _from_stream(path: Path, size: int, where: str) -> dict[str, Tensor]:
    with path.open("rb") as file:
        machine = SavedMachine(file.read(MOST_PICKLE), where)
        if (magic := machine.value()) != _MAGIC or type(magic) is not int:
            raise DataError(
                f"{where} is a pickle, but does not contain weights saved by PyTorch. Pass a .safetensors, .pth or .pt "
                "file."
            )
        if machine.value() != _VERSION:
            raise DataError(
                f"{where} has an unknown version of the PyTorch format (not {_VERSION}). Save it again with a current "
                "version of PyTorch."
            )
        system = machine.value()
        if type(system) is not dict or True not in (
            system.get("little_endian"),
            system.get(b"little_endian"),
        ):
            raise DataError(f"{where} is not little-endian. Save it again on a little-endian machine.")
        found = _tensors(machine.value(), size, where)
        keys = machine.value()
        wanted = set(_storages(found))
        if type(keys) is not list or any(text_of(key) is None for key in keys) or len(keys) > MOST_TENSORS:
            raise machine.damaged("the list of its storages is missing")
        file.seek(machine.at)
        contents: dict[str, bytearray] = {}
        for key in keys:
            (count,) = struct.unpack("<q", file.read(8).ljust(8, b"\xff"))
            storage = machine.storages.get(text_of(key) or "")
            if storage is None or storage.count != count or storage.key in contents:
                raise machine.damaged("its storages differ from their descriptions")
            if storage not in wanted:  # for example, an optimizer's
                file.seek(storage.bytes, os.SEEK_CUR)
                continue
            content = bytearray(storage.bytes)
            if file.readinto(content) != len(content):
                raise machine.damaged("it ends in the middle of its data")
            contents[storage.key] = content
        return _filled(found, contents, where)


def _tensors(value: Any, size: int, where: str) -> dict[str, SavedTensor]:
    """Return the descriptions in a pickle's value, none larger than the file can hold."""
    if type(value) is not dict:
        raise DataError(f"{where} does not contain a state dict. Save the result of state_dict().")
    found = {name: tensor for name, tensor in _named(value, where).items() if isinstance(tensor, SavedTensor)}
    numbers = sum(math.prod(one.shape) * one.storage.dtype.itemsize for one in found.values())
    kept = sum(storage.bytes for storage in set(_storages(found)))
    if max(numbers, kept) > size:
        raise DataError(
            f"{where} is damaged or malicious: it describes tensors of {max(numbers, kept):,} bytes, but has only "
            f"{size:,} bytes. Download it again."
        )
    return found


def _storages(found: Mapping[str, SavedTensor]) -> Iterator[Storage]:
    return (one.storage for one in found.values())


def _named(table: Mapping[Any, Any], where: str) -> dict[str, Any]:
    """Return the tensors by name, extracted from a checkpoint, without the prefix of `DataParallel`."""
    plain = {_key(key, where): value for key, value in table.items()}
    inside = next((plain[key] for key in _INSIDE if type(plain.get(key)) is dict), None)
    if inside is not None:
        plain = {_key(key, where): value for key, value in inside.items()}
    for name, value in plain.items():
        if not isinstance(value, SavedTensor | Tensor):
            raise DataError(
                f"{where} contains a value of type {type(value).__name__} under '{name}'. Pass a file that contains "
                "only tensors, or a checkpoint with tensors under 'state_dict' or 'model'."
            )
    if not 0 < len(plain) <= MOST_TENSORS:
        raise DataError(f"{where} contains {len(plain):,} tensors. Expected 1 to {MOST_TENSORS:,}.")
    if all(name.startswith(_PREFIX) for name in plain):
        return {name.removeprefix(_PREFIX): value for name, value in plain.items()}
    return plain


def _key(key: object, where: str) -> str:
    if (text := text_of(key)) is None:
        raise DataError(f"{where} has the key {key}. Expected only strings as keys.")
    return text


def _filled(
    found: Mapping[str, SavedTensor], contents: Mapping[str, bytearray], where: str
) -> dict[str, Tensor]:
    """Return the tensors with their numbers; two that share a storage share its memory."""
    flat: dict[Storage, Tensor] = {}
    for storage in _storages(found):
        content = contents.get(storage.key)
        if content is None or len(content) != storage.bytes:
            there = "nothing" if content is None else f"{len(content):,} bytes"
            raise DataError(
                f"{where} is damaged: its index declares {storage.bytes:,} bytes of data, but the file contains "
                f"{there}. Download it again."
            )
        if storage not in flat:
            empty = torch.empty(0, dtype=storage.dtype)
            flat[storage] = torch.frombuffer(content, dtype=storage.dtype) if content else empty
    return {
        name: flat[one.storage].as_strided(one.shape, one.strides, one.offset).contiguous()
        for name, one in found.items()
    }
