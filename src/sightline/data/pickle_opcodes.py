"""The instructions of a pickle that Sightline follows, and what each makes the machine do."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from typing import Any

from sightline.data.names import printable
from sightline.data.pickle_machine import MAX_INTEGER, MAX_OPCODES, NO_CODE, SHORT, Machine
from sightline.data.plain_arrays import Blob

_COUNTED: Mapping[int, tuple[str, str]] = {  # the type of the count, and of what follows
    ord("U"): ("<B", "bytes"),
    ord("T"): ("<i", "bytes"),
    ord("C"): ("<B", "bytes"),
    ord("B"): ("<I", "bytes"),
    0x8E: ("<Q", "bytes"),
    0x96: ("<Q", "bytes"),
    0x8C: ("<B", "text"),
    ord("X"): ("<I", "text"),
    0x8D: ("<Q", "text"),
}
_NUMBERS: Mapping[int, str] = {ord("J"): "<i", ord("K"): "<B", ord("M"): "<H", ord("G"): ">d"}
_CONSTANTS: Mapping[int, object] = {ord("N"): None, 0x88: True, 0x89: False, ord(")"): ()}
_EMPTY: Mapping[int, Callable[[], object]] = {ord("]"): list, ord("}"): dict}
_REFUSED: Mapping[int, str] = {
    ord("P"): "PERSID", ord("Q"): "BINPERSID", ord("o"): "OBJ", 0x81: "NEWOBJ", 0x82: "EXT1", 0x83: "EXT2",
    0x84: "EXT4", 0x8F: "EMPTY_SET", 0x90: "ADDITEMS", 0x91: "FROZENSET", 0x92: "NEWOBJ_EX", 0x97: "NEXT_BUFFER",
    0x98: "READONLY_BUFFER", ord("0"): "POP", ord("1"): "POP_MARK", ord("2"): "DUP",
}  # fmt: skip
# What Python 2 wrote inside the quotes of a protocol-0 string; the `++` and `*+` keep the match from going back.
_ESCAPED = re.compile(rb"(?:[^\\]++|\\(?:x[0-9a-fA-F]{2}|[\\'\"nrt]))*+")


def run(machine: Machine) -> Any:
    """Follow the instructions up to STOP, which must be the last byte."""
    end = len(machine.view)
    while machine.at < end:
        code = machine.view[machine.at]
        machine.at += 1
        machine.steps += 1
        if code == ord("."):
            if machine.at != end:
                raise machine.damaged(f"{end - machine.at:,} bytes follow its end")
            value = machine.stack.pop()
            if machine.stack or machine.below:
                raise machine.damaged("values are left over")
            return value
        if machine.steps > MAX_OPCODES:
            raise machine.refused(f"has more than {MAX_OPCODES:,} instructions")
        _step(machine, code)
    raise machine.damaged("it ends before its STOP")


def _step(machine: Machine, code: int) -> None:
    """Follow one instruction."""
    if code in _COUNTED:
        form, kind = _COUNTED[code]
        content = machine.take(machine.number(form))
        machine.stack.append(machine.text(content) if kind == "text" else _shortened(content))
    elif code in _NUMBERS:
        machine.stack.append(machine.number(_NUMBERS[code]))
    elif code in _CONSTANTS:
        machine.stack.append(_CONSTANTS[code])
    elif code in _EMPTY:
        machine.count_group()
        machine.stack.append(_EMPTY[code]())
    elif code in _HANDLERS:
        _HANDLERS[code](machine)
    elif code in _REFUSED:
        raise machine.refused(f"asks for an object through {_REFUSED[code]}; {NO_CODE}")
    else:
        raise machine.damaged(f"0x{code:02x} at byte {machine.at - 1:,} is no instruction of a pickle")


def _shortened(content: memoryview) -> Blob:
    return bytes(content) if len(content) <= SHORT else content


def _protocol(machine: Machine) -> None:
    if (version := machine.take(1)[0]) > 5:
        raise machine.damaged(f"protocol {version} is not known, expected 0 to 5")


def _frame(machine: Machine) -> None:
    size, left = machine.number("<Q"), len(machine.view) - machine.at
    if size > left:
        raise machine.damaged(f"{size:,} bytes are promised where {left:,} are left")


def _integer_line(machine: Machine) -> None:
    if bytes(machine.view[machine.at : machine.at + 3]) in {b"00\n", b"01\n"}:  # booleans before protocol 2
        machine.stack.append(machine.line() == b"01")
    else:
        machine.stack.append(machine.decimal())


def _integer_bytes(machine: Machine, form: str) -> None:
    size = machine.number(form)
    if not 0 <= size <= MAX_INTEGER:
        raise machine.refused(f"has a whole number of {size:,} bytes, expected {MAX_INTEGER} at most")
    machine.stack.append(int.from_bytes(machine.take(size), "little", signed=True))


def _float_line(machine: Machine) -> None:
    line = machine.line()
    try:
        machine.stack.append(float(line))
    except ValueError as error:
        raise machine.damaged(f"{printable(repr(line[:40]))} stands for a number") from error


def _quoted(machine: Machine) -> None:
    line = machine.line(len(machine.view))
    inner = line[1:-1]
    if (
        len(line) < 2
        or line[:1] not in {b"'", b'"'}
        or line[-1:] != line[:1]
        or not _ESCAPED.fullmatch(inner)
    ):
        raise machine.damaged("a string is not quoted as Python 2 does it")
    machine.stack.append(codecs.escape_decode(inner)[0])


def _unicode_line(machine: Machine) -> None:
    line = machine.line(len(machine.view))
    machine.stack.append(machine.text(memoryview(line), "raw-unicode-escape"))


def _grouped(machine: Machine, build: Callable[[list[Any]], Any]) -> None:
    values = machine.group()
    machine.stack.append(build(values))


def _dict(machine: Machine) -> None:
    values = machine.group()
    machine.stack.append({})
    machine.set_items(values)


def _tuple(machine: Machine, count: int) -> None:
    if len(machine.stack) < count:
        raise IndexError
    machine.stack[-count:] = [tuple(machine.stack[-count:])]


def _stack_global(machine: Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.name(module, name)


def _set_item(machine: Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.set_items([key, value])


_HANDLERS: Mapping[int, Callable[[Machine], None]] = {
    0x80: _protocol,
    0x95: _frame,
    ord("("): Machine.mark,
    ord("I"): _integer_line,
    ord("L"): lambda machine: machine.stack.append(machine.decimal()),
    0x8A: lambda machine: _integer_bytes(machine, "<B"),
    0x8B: lambda machine: _integer_bytes(machine, "<i"),
    ord("F"): _float_line,
    ord("S"): _quoted,
    ord("V"): _unicode_line,
    ord("l"): lambda machine: _grouped(machine, list),
    ord("t"): lambda machine: _grouped(machine, tuple),
    ord("d"): _dict,
    ord("a"): lambda machine: machine.extend([machine.stack.pop()]),
    ord("e"): lambda machine: machine.extend(machine.group()),
    ord("s"): _set_item,
    ord("u"): lambda machine: machine.set_items(machine.group()),
    0x85: lambda machine: _tuple(machine, 1),
    0x86: lambda machine: _tuple(machine, 2),
    0x87: lambda machine: _tuple(machine, 3),
    ord("p"): lambda machine: machine.remember(machine.decimal()),
    ord("q"): lambda machine: machine.remember(machine.number("<B")),
    ord("r"): lambda machine: machine.remember(machine.number("<I")),
    0x94: lambda machine: machine.remember(len(machine.memo)),
    ord("g"): lambda machine: machine.recall(machine.decimal()),
    ord("h"): lambda machine: machine.recall(machine.number("<B")),
    ord("j"): lambda machine: machine.recall(machine.number("<I")),
    ord("c"): lambda machine: machine.name(*machine.lines_name()),
    0x93: _stack_global,
    ord("i"): Machine.instance,
    ord("R"): Machine.reduce,
    ord("b"): Machine.build,
}
