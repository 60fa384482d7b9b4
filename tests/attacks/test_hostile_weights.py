"""Files of weights made to do harm: each must give one clear error, quickly and with little memory."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import struct
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from hostile.cases import cases
from hostile.pickles import MARKER, NAMES, Calls, asks_for

from picturewise.errors import DataError
from picturewise.networks.weight_files import read_weight_file

MAGIC = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
DICT = b"ccollections\nOrderedDict\n)R"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    return b"\x8a\x08" + struct.pack("<q", value)


def storage(count: int, key: str = "0") -> bytes:
    return (
        b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + number(count) + b"tQ"
    )


def tensor(stored: bytes, shape: bytes, strides: bytes, offset: int = 0) -> bytes:
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + stored
        + number(offset)
        + shape
        + strides
        + b"\x89"
        + DICT
        + b"tR"
    )


def table(*values: bytes) -> bytes:
    return b"\x80\2}(" + b"".join(text(f"t{n}") + value for n, value in enumerate(values)) + b"u."


def zipped(pickled: bytes, *members: bytes, packed: bool = False) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", pickled)
        for key, content in enumerate(members):
            archive.writestr(f"archive/data/{key}", content)
    return buffer.getvalue()


def overlapping(count: int) -> bytes:
    """A zip whose directory names one megabyte over and over."""
    whole = zipped(table(tensor(storage(1 << 18), b"K\1\x85", b"K\1\x85")), bytes(1 << 20))
    start = whole.index(b"PK\1\2")
    entries = [b"PK\1\2" + entry for entry in whole[start : whole.index(b"PK\5\6")].split(b"PK\1\2")[1:]]
    directory = b"".join(entries[:1] + entries[1:] * count)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count + 1, count + 1, len(directory), start, 0)
    return whole[:start] + directory + end


def saved(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def safetensors(header: object, content: bytes = b"", length: int | None = None) -> bytes:
    written = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(written) if length is None else length) + written + content


def entry(shape: list[int], start: int, end: int) -> dict[str, object]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}


ONE = tensor(storage(4), number(4) + b"\x85", b"K\1\x85")
NESTED_KEY = b"\x80\2})q\0" + b"".join(b"h%c\x86q%c" % (n - 1, n) for n in range(1, 100)) + b"Ns."

ATTACKS: Mapping[str, tuple[bytes | Callable[[], bytes], str]] = {
    **{
        f"{form} that asks for {module}.{name}": (
            wrap(asks_for(module, name)),
            "refers to " + re.escape(f"{module}.{name}".replace("\x1b", r"\x1b")) + ",",
        )
        for module, name in NAMES
        for form, wrap in {"a zip": zipped, "a stream": lambda pickled: MAGIC + pickled}.items()
    },
    "a command before the magic number": (asks_for("os", "system"), "refers to os.system"),
    "a command behind the magic number": (MAGIC[:14] + asks_for("os", "system"), "refers to os.system|damaged"),
    "a command in the list of storages": (MAGIC + table(ONE) + asks_for("os", "system"), "refers to os.system"),
    "a command among tensors": (lambda: saved({"a": torch.ones(2), "b": Calls(os.system, "touch x")}), "refers to"),
    "eval in a state dict": (lambda: saved({"a": Calls(eval, "1")}), "refers to __builtin__.eval"),
    "torch.load inside": (
        zipped(b"\x80\2ctorch.storage\n_load_from_bytes\nU\1a\x85R."),
        "refers to torch.storage._load_from_bytes",
    ),
    "a storage that is made by a call": (
        zipped(table(b"ctorch\nFloatStorage\n" + number(1 << 50) + b"\x85R")),
        "calls dtype with arguments",
    ),
    "a call of what is no name": (zipped(table(b"K\1K\2\x85R")), "calls int with arguments"),
    "a storage that is a module": (
        zipped(table(b"(" + text("module") + text("os") + text("a") + text("b") + b"K\1tQ")),
        "not a tensor storage",
    ),
    "a storage of trillions": (
        zipped(table(tensor(storage(1 << 39), b"K\1\x85", b"K\1\x85"))),
        r"describes tensors of 2,199,023,255,552 bytes",
    ),
    "a stream with a storage of trillions": (
        MAGIC + table(tensor(storage(1 << 39), b"K\1\x85", b"K\1\x85")) + pickle.dumps(["0"], 2) + bytes(100),
        r"describes tensors of 2,199,023,255,552 bytes",
    ),
    "a thousand storages of a megabyte": (
        MAGIC + table(*(tensor(storage(1 << 18, str(n)), b"K\1\x85", b"K\1\x85") for n in range(1000))),
        "describes tensors of 1,048,576,000 bytes",
    ),
    "a storage beyond all numbers": (zipped(table(tensor(storage(1 << 62), b"K\1\x85", b"K\1\x85"))), "tensor storage"),
    "a storage of less than nothing": (zipped(table(tensor(storage(-1), b"K\1\x85", b"K\1\x85"))), "tensor storage"),
    "one number as a trillion by strides of 0": (
        zipped(table(tensor(storage(4), number(1 << 40) + b"\x85", b"K\0\x85")), bytes(16)),
        "describes tensors of 4,398,046,511,104 bytes",
    ),
    "a thousand axes": (
        zipped(table(tensor(storage(4), b"(" + b"K\2" * 1000 + b"t", b"(" + b"K\0" * 1000 + b"t")), bytes(16)),
        "are not all non-negative integers",
    ),
    "strides that lead beyond": (
        zipped(table(tensor(storage(4), b"K\2\x85", number(1 << 39) + b"\x85")), bytes(16)),
        "extends beyond its storage of 4 values",
    ),
    "strides that lead back": (
        zipped(table(tensor(storage(4), b"K\2\x85", number(-1) + b"\x85", 3)), bytes(16)),
        "are not all non-negative integers",
    ),
    "an offset beyond": (
        zipped(table(tensor(storage(4), b"K\1\x85", b"K\1\x85", 4)), bytes(16)),
        "extends beyond its storage of 4 values",
    ),
    "an offset before": (
        zipped(table(tensor(storage(4), b"K\1\x85", b"K\1\x85", -1)), bytes(16)),
        "are not all non-negative integers",
    ),
    "a storage in two ways": (
        zipped(table(ONE, tensor(storage(8), b"K\1\x85", b"K\1\x85")), bytes(16)),
        "two different descriptions of the same storage",
    ),
    "a storage that is not there": (zipped(table(ONE)), "declares 16 bytes of data, but the file contains nothing"),
    "a storage that is shorter": (zipped(table(ONE), bytes(12)), "declares 16 bytes of data, but the file contains 12"),
    "a stream without its numbers": (MAGIC + table(ONE) + pickle.dumps(["0"], 2), "storages differ from their desc"),
    "a stream whose numbers end": (
        MAGIC + table(ONE) + pickle.dumps(["0"], 2) + struct.pack("<q", 4) + bytes(15),
        "ends in the middle of its data",
    ),
    "a stream with other counts": (
        MAGIC + table(ONE) + pickle.dumps(["0"], 2) + struct.pack("<q", 1 << 40) + bytes(16),
        "storages differ from their desc",
    ),
    "a stream with a storage twice": (
        MAGIC + table(ONE) + pickle.dumps(["0", "0"], 2) + (struct.pack("<q", 4) + bytes(16)) * 2,
        "storages differ from their desc",
    ),
    "a stream of another version": (MAGIC[:14] + pickle.dumps(7, 2), "version of the PyTorch format|damaged"),
    "a pickle of something else": (pickle.dumps({"a": 1}, 2), "does not contain weights saved by PyTorch"),
    "a memo bomb": (
        zipped(b"\x80\2(]q\0" + b"".join(b"](h%ch%ceq%c" % (n - 1, n - 1, n) for n in range(1, 100)) + b"t."),
         "nested more than 32 levels deep|does not contain a state dict",
    ),
    "a key that takes for ever to look up": (zipped(NESTED_KEY), "has a dict key of type tuple"),
    "an OrderedDict with such a key": (
        zipped(b"\x80\2ccollections\nOrderedDict\n](]()" + b"\x85" * 50 + b"Neee\x85R."),
        "has a dict key of type|damaged",
    ),
    "two million lists": (zipped(b"\x80\2(" + b"]" * 2_000_000 + b"l."), "has more than 100,000 lists"),
    "numbers without end": (zipped(b"\x80\2(" + b"K\1" * 2_000_000 + b"l."), "more than 300,000 instructions"),
    "calls without end": (zipped(b"\x80\2(" + DICT * 200_000 + b"l."), "more than 100,000 lists"),
    "a text of gigabytes": (zipped(b"\x80\2X\xff\xff\xff\x7fabc."), "bytes are declared, but"),
    "a pickle of twenty megabytes": (lambda: zipped(b"\x80\2" + b"N" * (20 << 20)), "describes its tensors in 20,971"),
    "a packed bomb as its description": (lambda: zipped(b"\x80\2" + b"N" * (15 << 20), packed=True), "is compressed"),
    "packed numbers": (lambda: zipped(table(ONE), bytes(16), packed=True), "is compressed"),
    "a zip that names its numbers over and over": (overlapping(150), "contains 150 files with the name"),
    "a zip cut short": (zipped(table(ONE), bytes(16))[:-30], "truncated|damaged"),
    "a zip without a description": (zipped(b"N.").replace(b"data.pkl", b"data.pkI"), "not contain exactly one data"),
    "a zip with a name that leads out": (
        zipped(table(ONE), bytes(16)).replace(b"archive/data/0", b"../../../../a0"),
        "points outside the archive",
    ),
    "safetensors with a header of gigabytes": (safetensors({}, length=1 << 40), "its header declares"),
    "safetensors with a header of 17 MB": (
        lambda: safetensors(b"{" + b" " * (17 << 20) + b"}"),
        "its header declares 17,8",
    ),
    "safetensors that overlap": (
        safetensors({"a": entry([4], 0, 16), "b": entry([4], 8, 24)}, bytes(24)),
        "is damaged or is not a safetensors",
    ),
    "safetensors with a hole": (
        safetensors({"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, bytes(12)),
        "is damaged or is not a safetensors",
    ),
    "safetensors of a terabyte": (safetensors({"a": entry([1 << 38], 0, 1 << 40)}), "is not a safetensors"),
    "safetensors whose shape overflows": (
        safetensors({"a": entry([1 << 40, 1 << 40], 0, 4)}, bytes(4)),
        "is damaged or is not a safetensors",
    ),
    "safetensors nested deep": (safetensors(b'{"a":' + b"[" * 100_000), "is damaged or is not a safetensors"),
    "NaN": (lambda: saved({"a": torch.full((3,), float("nan"))}), "NaN or infinite"),
    "a name that paints the terminal": (lambda: saved({"\x1b[31m": 1, "a": torch.ones(1)}), "value of type int under"),
}  # fmt: skip


@pytest.mark.parametrize(
    "attack",
    cases(
        ATTACKS,
        *("calls without end", "numbers without end", "two million lists"),
        "a thousand storages of a megabyte",
    ),
)
def test_hostile_weights_are_refused_in_a_sentence_and_do_nothing(
    attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content, said = ATTACKS[attack]
    path = Path("weights.pth")
    path.write_bytes(content if isinstance(content, bytes) else content())
    modules, started = set(sys.modules), time.process_time()
    with pytest.raises(DataError, match=said) as caught:
        read_weight_file(path)
    assert time.process_time() - started < 2
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            read_weight_file(path)
        assert tracemalloc.get_traced_memory()[1] < 150_000_000
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert message.startswith("weights.pth ")
    assert message.endswith(".")
    assert message.isprintable()
    assert len(message) < 400
    assert [found.name for found in tmp_path.iterdir()] == ["weights.pth"]
    assert not Path(MARKER).exists()
    assert {
        name for name in set(sys.modules) - modules if not name.startswith(("encodings", "torch"))
    } == set()


def test_a_file_that_the_attacks_are_made_from_is_read(tmp_path: Path) -> None:
    """Or they might be refused for a slip in their making."""
    path = tmp_path / "weights.pth"
    for content in (
        zipped(table(ONE), struct.pack("<4f", 1, 2, 3, 4)),
        MAGIC + table(ONE) + pickle.dumps(["0"], 2) + struct.pack("<q4f", 4, 1, 2, 3, 4),
        safetensors({"t0": entry([4], 0, 16)}, struct.pack("<4f", 1, 2, 3, 4)),
    ):
        path.write_bytes(content)
        assert read_weight_file(path)["t0"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_not_a_regular_file_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    make(tmp_path / "weights.pth")
    with pytest.raises(DataError, match=r"weights\.pth is not a regular file\. Pass a .*weights"):
        read_weight_file(tmp_path / "weights.pth")


def test_pickle_and_torch_load_are_nowhere_in_the_package() -> None:
    import picturewise

    for path in Path(picturewise.__file__).parent.rglob("*.py"):
        code = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(import|from) pickle\b", code, re.MULTILINE), path
        assert not re.search(r"(?<!safetensors\.)torch\.(load|jit\.load|hub)\(|\bweights_only\b", code), path
