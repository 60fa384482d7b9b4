"""Hostile pickles: calls of every kind, bombs of memo and tuples, arrays that are none."""

from __future__ import annotations

import os
import pickle
import re
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from hostile.file import Hostile, holding

MARKER = "picturewise-was-here"


class Calls:
    """Pickled, it asks for a call."""

    def __init__(self, *call: object) -> None:
        self.call = call

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        function, *arguments = self.call
        return function, tuple(arguments)  # type: ignore[return-value]


class Restores:
    """Pickled, it asks to have its state set."""

    def __setstate__(self, state: object) -> None:
        Path(MARKER).touch()

    def __getstate__(self) -> dict[str, int]:
        return {"a": 1}


def asks_for(module: str, name: str, protocol: int = 2) -> bytes:
    """Return a pickle that calls a function by its name with one text."""
    if protocol >= 4:
        named = b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name)) + b"\x93"
    else:
        named = f"c{module}\n{name}\n".encode()
    return b"\x80" + bytes([protocol]) + named + b"X\x12\0\0\0" + MARKER.encode() + b"\x85R."


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntC\x01btR"
BYTES = b"cnumpy\ndtype\n(X\x02\0\0\0u1I0\nI1\ntR(I3\nX\x01\0\0\0|NNNI-1\nI-1\nI0\ntb"


def array(shape: bytes, content: bytes, dtype: bytes = BYTES) -> bytes:
    return b"\x80\x03" + ARRAY + b"(K\x01(" + shape + b"t" + dtype + b"\x89" + content + b"tb."


def lists(depth: int) -> bytes:
    return b"\x80\2" + b"]" * depth + b"a" * (depth - 1) + b"."


NAMES = [
    ("os", "system"), ("posix", "system"), ("nt", "system"), ("subprocess", "Popen"), ("subprocess", "check_output"),
    ("builtins", "eval"), ("builtins", "exec"), ("__builtin__", "eval"), ("__builtin__", "execfile"),
    ("builtins", "getattr"), ("builtins", "__import__"), ("builtins", "open"), ("builtins", "compile"),
    ("importlib", "import_module"), ("runpy", "run_path"), ("pty", "spawn"), ("shutil", "rmtree"), ("socket", "socket"),
    ("webbrowser", "open"), ("pickle", "loads"), ("_pickle", "loads"), ("torch", "load"), ("code", "interact"),
    ("timeit", "main"), ("pip", "main"), ("operator", "attrgetter"), ("functools", "partial"),
    ("types", "FunctionType"), ("copyreg", "_reconstructor"), ("numpy", "load"),
    ("numpy.testing._private.utils", "runstring"),
    ("numpy", "ndarray.__reduce__"), ("numpy.core.multiarray", "fromfile"), ("numpy", "memmap"), ("_codecs", "decode"),
    ("picturewise.files", "write_bytes"), ("__main__", "anything"), ("", ""), ("os\x1b[2J", "system"),
]  # fmt: skip

# By what their refusal says; the names come on top.
_REFUSED: Mapping[str, Mapping[str, bytes]] = {
    r"refers to (posix|nt)\.": {
        "reduce os.system": pickle.dumps(Calls(os.system, f"touch {MARKER}")),
        "reduce in a batch": pickle.dumps({b"data": Calls(os.system, f"touch {MARKER}"), b"labels": [1]}, 2),
        "reduce as a key": pickle.dumps({Calls(os.getcwd): 1}),
    },
    r"refers to subprocess\.Popen": {
        "popen in a list": pickle.dumps([1, [2, Calls(subprocess.Popen, ["touch", MARKER])]], 4),
    },
    r"refers to __builtin__\.eval": {
        "eval in a tuple": pickle.dumps((1, Calls(eval, f"open({MARKER!r}, 'w')")), 0),
    },
    r"refers to os\.system": {
        "INST": b"(S'touch x'\nios\nsystem\n.",
    },
    r"refers to .*\.Restores": {
        "setstate": pickle.dumps(Restores(), 2),
    },
    r"uses the pickle instruction [A-Z]+": {
        "EXT1": b"\x80\2\x82\x01.",
        "EXT2": b"\x80\2\x83\x01\0.",
        "EXT4": b"\x80\2\x84\x01\0\0\0.",
        "INST of an array": b"(inumpy\nndarray\n.",
        "OBJ": b"(cnumpy\nndarray\nK\1o.",
        "NEWOBJ": b"\x80\2cnumpy\nndarray\n)\x81.",
        "NEWOBJ_EX": b"\x80\4cnumpy\nndarray\n)}\x92.",
        "PERSID": b"Pfile:///etc/passwd\n.",
        "BINPERSID": b"\x80\2X\1\0\0\0aQ.",
        "a buffer from outside": b"\x80\5\x97.",
        "a set": b"\x80\4\x8f(K\1\x90.",
        "a frozenset": b"\x80\4(K\1\x91.",
        "a million marks and pops": b"(1" * 1_000_000 + b"N.",
    },
    r"refers to a name that is not a string": {
        "STACK_GLOBAL of numbers": b"\x80\4K\1K\2\x93.",
        "STACK_GLOBAL of bytes": b"\x80\4C\2osC\6system\x93.",
    },
    r"sets the state of an object of type": {
        "BUILD of a dict": b"\x80\2}}X\1\0\0\0aK\1sb.",
        "BUILD of a name": b"\x80\2cnumpy\ndtype\n}b.",
        "BUILD twice": array(b"K\x04", b"C\4abcd")[:-1] + b"(K\1(K\4t" + BYTES + b"\x89C\4abcdtb.",
    },
    r"calls an object of type (str|numpy)": {
        "a call of a text": b"\x80\2X\1\0\0\0a)R.",
        "a call of ndarray": b"\x80\2cnumpy\nndarray\nM\xff\xff\x85\x85R.",
        "a call without a tuple": b"\x80\2cnumpy\ndtype\n]R.",
    },
    r"contains an object of type [\w.]+, but only plain values and arrays are allowed": {
        "a name on its own": b"\x80\2cnumpy\nndarray\n.",
        "an unfinished array": b"\x80\3" + ARRAY + b".",
        "a long text that is none": b"\x80\2X\0\0\x80\0" + b"a" * 8388608 + b".",
    },
    r"array of (Python objects\.|records, )": {
        "an array of objects": array(b"K\1", b"](K\1e", BYTES.replace(b"u1", b"O8").replace(b"I1\n", b"I1\n")),
        "objects from bytes": array(b"K\1", b"C\10" + bytes(8), BYTES.replace(b"u1", b"O8")),
        "an array of fields": array(b"K\1", b"C\1a", BYTES.replace(b"NNN", b"NX\1\0\0\0a\x85}")),
    },
    r"is not in NumPy.s own pickle format": {
        "dtype of a dict": b"\x80\2cnumpy\ndtype\n}\x85R.",
        "dtype of a long text": b"\x80\2cnumpy\ndtype\n(X\x64\0\0\0" + b"f" * 100 + b"I0\nI1\ntR.",
        "encode by another codec": b"\x80\2c_codecs\nencode\nX\1\0\0\0aX\4\0\0\0zlib\x86R.",
    },
    r"declares the array shape": {
        "a negative side": array(b"I-1\n", b"C\4abcd"),
        "sides that overflow": array(b"L4294967296L\nL4294967296L\nK\0", b"C\0"),
        "sides that multiply to zero": array(b"L140737488355328L\nL140737488355328L\nL140737488355328L\nK\0", b"C\0"),
        "too many sides": array(b"K\1" * 64, b"C\1a"),
        "a side that is a list": array(b"]", b"C\1a"),
        "a side that is true": array(b"\x88", b"C\1a"),
    },
    r"an array of \d+ uint8 needs": {
        "a shape of gigabytes": array(b"L10000000000L\n", b"C\4abcd"),
        "too few bytes": array(b"K\5", b"C\4abcd"),
    },
    r"bytes are declared, but only \d are left": {
        "bytes of a terabyte": b"\x80\4\x8e" + struct.pack("<Q", 1 << 40) + b"abc.",
        "bytes of 2**64": b"\x80\4\x8e" + b"\xff" * 8 + b"abc.",
        "a negative string": b"\x80\2T\xff\xff\xff\xffabc.",
        "a text of gigabytes": b"\x80\2X\xff\xff\xff\x7fabc.",
        "a bytearray of a terabyte": b"\x80\5\x96" + struct.pack("<Q", 1 << 40) + b"abc.",
        "a frame of a terabyte": b"\x80\4\x95" + struct.pack("<Q", 1 << 40) + b"N.",
    },
    r"has an integer of -?[\d,]+ bytes": {
        "LONG4 of a megabyte": b"\x80\2\x8b" + struct.pack("<i", 1 << 20) + b"\x7f" * (1 << 20) + b".",
        "LONG4 negative": b"\x80\2\x8b" + struct.pack("<i", -1) + b".",
        "LONG1 of 255 bytes": b"\x80\2\x8a\xff" + b"\x7f" * 255 + b".",
    },
    r"a line does not end": {
        "LONG of a million digits": b"L" + b"9" * 1_000_000 + b"L\n.",
        "INT of a million digits": b"I" + b"9" * 1_000_000 + b"\n.",
        "a float of a million digits": b"F" + b"9" * 1_000_000 + b"\n.",
        "a line without end": b"I" + b"1" * 100,
        "a name without end": b"c" + b"o" * 1_000_000,
    },
    r"is nested more than 32 levels deep": {
        "a list 100,000 deep": lists(100_000),
        "a tuple 100,000 deep": b"\x80\2)" + b"\x85" * 100_000 + b".",
        "a dict 10,000 deep": b"\x80\2" + b"}K\1" * 10_000 + b"N" + b"s" * 10_000 + b".",
        "100,000 marks": b"(" * 100_000 + b".",
        "a list in itself": b"\x80\2]q\0h\0a.",
        "a dict in itself": b"\x80\2}q\0K\1h\0s.",
        "lists that double": b"\x80\2(]q\0"
        + b"".join(b"](h%ch%ceq%c" % (n - 1, n - 1, n) for n in range(1, 100)) + b"t.",
        "tuples that double": b"\x80\2)q\0" + b"".join(b"h%c\x86q%c" % (n - 1, n) for n in range(1, 100)) + b".",
    },
    r"has more than 100,000 lists, dicts, tuples and names": {
        "600,000 tuples": b"\x80\2(" + b"N\x85" * 600_000 + b"t.",
        "200,000 names": b"\x80\2(" + b"cnumpy\nndarray\n" * 200_000 + b"l.",
        "two million lists": b"\x80\2(" + b"]" * 2_000_000 + b"l.",
        "two million dicts": b"\x80\2(" + b"}" * 2_000_000 + b"l.",
        "a million memos": b"\x80\4(" + b"}\x94" * 1_000_000 + b"l.",
    },
    r"has more than 300,000 instructions": {
        "numbers without end": b"\x80\2(" + b"K\1" * 2_000_000 + b"l.",
        "numbers as text without end": b"(" + b"I12\n" * 500_000 + b"l.",
        "texts without end": b"\x80\2(" + b"X\4\0\0\0abcd" * 500_000 + b"l.",
        "quoted strings without end": b"(" + b"S'abcd'\n" * 500_000 + b"l.",
        "memos without end": b"\x80\2N" + b"q\1" * 500_000 + b".",
    },
    r"repeats its own values so often": {
        "lists that hold the one before twice": b"\x80\2(]q\0"
        + b"".join(b"](h%ch%ceq%c" % (n - 1, n - 1, n) for n in range(1, 30)) + b"t.",
        "tuples that hold the one before a hundred times": b"\x80\2()q\0"
        + b"".join(b"(" + b"h%c" % (n - 1) * 100 + b"tq%c" % n for n in range(1, 20)) + b"t.",
        "dicts that hold the one before under fifty keys": b"\x80\2(}q\0"
        + b"".join(b"}(" + b"".join(b"K%ch%c" % (key, n - 1) for key in range(50)) + b"uq%c" % n for n in range(1, 20))
        + b"t.",
    },
    r"has a dict key of type \w+\. Expected strings": {
        "tuples as a key": b"\x80\2})q\0" + b"".join(b"h%c\x86q%c" % (n - 1, n) for n in range(1, 100)) + b"Ns.",
        "numbers that collide": b"\x80\2}("
        + b"".join(b"\x8a\x0c" + (n * (2**61 - 1)).to_bytes(12, "little") + b"N" for n in range(1, 50_000))
        + b"u.",
        "a key that is a list": b"\x80\2}]Ns.",
        "a key that is an array": b"\x80\2}" + array(b"K\4", b"C\4abcd")[2:-1] + b"Ns.",
    },
    r"has a dict with more than 10,000 keys|has the duplicate key 'a'": {
        "a hundred thousand keys": b"\x80\2}("
        + b"".join(b"J" + struct.pack("<i", n) + b"N" for n in range(100_000)) + b"u.",
        "a key twice": b"\x80\2}(X\1\0\0\0aNX\1\0\0\0aNu.",
    },
    r"(sets items of|appends to) an object of type": {
        "a key without a value": b"\x80\2}(X\1\0\0\0au.",
        "APPEND to a text": b"\x80\2X\1\0\0\0aK\1a.",
        "APPENDS to a name": b"\x80\2cnumpy\nndarray\n(K\1e.",
        "SETITEM on a name": b"\x80\2cnumpy\nndarray\nX\1\0\0\0aK\1s.",
    },
    r"expands to more than a file of its size can contain": {
        "one text encoded over and over": b"\x80\2c_codecs\nencode\nq\0X\0\0\1\0" + b"a" * 65536
        + b"q\1X\6\0\0\0latin1q\2"
        + b"h\0h\1h\2\x86R" * 20_000 + b"N.",
        "one long text encoded over and over": b"\x80\2c_codecs\nencode\nq\0X\0\0\x80\0" + b"a" * 8388608
        + b"q\1X\6\0\0\0latin1q\2" + b"h\0h\1h\2\x86R" * 20_000 + b"N.",
    },
    r"truncated or damaged: (an instruction lacks|it uses a value|it ends before|values are left)": {
        "STACK_GLOBAL of nothing": b"\x80\4\x93.",
        "memo of what is not there": b"\x80\2h\1.",
        "nothing": b".",
        "no STOP": b"\x80\2N",
    },
    r"truncated or damaged: (there are 14 bytes after|protocol 6|a string is not (quoted|valid))": {
        "a second pickle behind": b"\x80\2N.\x80\2cos\nsystem\n.",
        "protocol 6": b"\x80\6N.",
        "an escape that is none": b"S'\\q'\n.",
        "quotes that differ": b"S'a\"\n.",
        "text that is no UTF-8": b"\x80\2X\2\0\0\0\xff\xff.",
    },
}  # fmt: skip


def _said(module: str, name: str) -> str:
    return "refers to " + re.escape(f"{module}.{name}".replace("\x1b", r"\x1b")) + ","


ATTACKS: Mapping[str, tuple[bytes, str]] = {
    **{f"{module}.{name}": (asks_for(module, name), _said(module, name)) for module, name in NAMES},
    **{
        f"{module}.{name} by STACK_GLOBAL": (asks_for(module, name, 4), _said(module, name))
        for module, name in NAMES[:8]
    },
    **{name: (content, said) for said, files in _REFUSED.items() for name, content in files.items()},
}


def _hostile(name: str, content: bytes, said: str) -> Hostile:
    return holding(name, "set.pickle", lambda: content, said)


FILES = [_hostile(name, *attack) for name, attack in ATTACKS.items()]
