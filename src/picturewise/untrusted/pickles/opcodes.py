"""The instructions of a pickle that Picturewise supports, and what each makes the machine do."""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Callable, Mapping
from typing import Any

from picturewise.printable import printable
from picturewise.untrusted.array_bytes import Blob
from picturewise.untrusted.pickles.machine import MAX_INTEGER, MAX_OPCODES, NO_CODE, SHORT, PickleMachine

# What Python 2 wrote inside the quotes of a protocol-0 string; the `++` and `*+` keep the match from going back.
_ESCAPED = re.compile(rb"(?:[^\\]++|\\(?:x[0-9a-fA-F]{2}|[\\'\"nrt]))*+")

_BOOLEANS = {b"00": False, b"01": True}
_Handler = Callable[[PickleMachine], None]
_BYTE, _UINT32, _INT32, _UINT64 = map(struct.Struct, ("<B", "<I", "<i", "<Q"))


def run(machine: PickleMachine) -> Any:
    """Follow the instructions up to STOP, which must be the last byte, and return the value."""
    value, left = follow(machine), len(machine.view) - machine.at
    if left:
        raise machine.damaged(f"there are {left:,} bytes after its end")
    return value


def follow(machine: PickleMachine) -> Any:
    """Follow the instructions up to STOP, after which anything may follow, and return the value."""
    end = len(machine.view)
    while machine.at < end:
        code = machine.view[machine.at]
        machine.at += 1
        machine.steps += 1
        if code == ord("."):
            value = machine.stack.pop()
            if machine.stack or machine.below:
                raise machine.damaged("values are left on its stack")
            return value
        if machine.steps > MAX_OPCODES:
            raise machine.refused(f"has more than {MAX_OPCODES:,} instructions")
        if (handler := _HANDLERS.get(code)) is None:
            raise machine.damaged(f"0x{code:02x} at byte {machine.at - 1:,} is not a pickle instruction")
        handler(machine)
    raise machine.damaged("it ends before its STOP instruction")


def _constant(value: object) -> _Handler:
    return lambda machine: machine.stack.append(value)


def _number(form: str) -> _Handler:
    packed = struct.Struct(form)
    return lambda machine: machine.stack.append(machine.number(packed))


def _bytes(count: str) -> _Handler:
    packed = struct.Struct(count)
    return lambda machine: machine.stack.append(_shortened(machine.take(machine.number(packed))))


def _text(count: str) -> _Handler:
    packed = struct.Struct(count)
    return lambda machine: machine.stack.append(machine.text(machine.take(machine.number(packed))))


def _empty(make: Callable[[], object]) -> _Handler:
    def handler(machine: PickleMachine) -> None:
        machine.count_group()
        machine.stack.append(make())

    return handler


def _refused(name: str) -> _Handler:
    def handler(machine: PickleMachine) -> None:
        raise machine.refused(f"uses the pickle instruction {name}. {NO_CODE}")

    return handler


def _shortened(content: memoryview) -> Blob:
    return bytes(content) if len(content) <= SHORT else content


def _protocol(machine: PickleMachine) -> None:
    if (version := machine.take(1)[0]) > 5:
        raise machine.damaged(f"protocol {version} is unknown (0 to 5 are supported)")


def _frame(machine: PickleMachine) -> None:
    size, left = machine.number(_UINT64), len(machine.view) - machine.at
    if size > left:
        raise machine.damaged(f"{size:,} bytes are declared, but only {left:,} are left")


def _integer_line(machine: PickleMachine) -> None:
    line = machine.line()
    # Booleans before protocol 2 are numbers with a leading zero.
    machine.stack.append(_BOOLEANS[line] if line in _BOOLEANS else machine.decimal(line))


def _integer_bytes(machine: PickleMachine, count: struct.Struct) -> None:
    size = machine.number(count)
    if not 0 <= size <= MAX_INTEGER:
        raise machine.refused(f"has an integer of {size:,} bytes, but at most {MAX_INTEGER} are allowed")
    machine.stack.append(int.from_bytes(machine.take(size), "little", signed=True))


def _float_line(machine: PickleMachine) -> None:
    line = machine.line()
    try:
        machine.stack.append(float(line))
    except ValueError as error:
        raise machine.damaged(f"{printable(repr(line[:40]))} is not a number") from error


def _quoted(machine: PickleMachine) -> None:
    line = machine.line(len(machine.view))
    inner = line[1:-1]
    quoted = len(line) >= 2 and line[:1] in {b"'", b'"'} and line[-1:] == line[:1]
    if quoted and b"\\" not in inner:
        machine.stack.append(inner)
    elif quoted and _ESCAPED.fullmatch(inner):
        machine.stack.append(codecs.escape_decode(inner)[0])
    else:
        raise machine.damaged("a string is not quoted as in Python 2")


def _unicode_line(machine: PickleMachine) -> None:
    line = machine.line(len(machine.view))
    machine.stack.append(machine.text(memoryview(line), "raw-unicode-escape"))


def _grouped(machine: PickleMachine, build: Callable[[list[Any]], Any]) -> None:
    values = machine.group()
    machine.stack.append(build(values))


def _dict(machine: PickleMachine) -> None:
    values = machine.group()
    machine.stack.append({})
    machine.set_items(values)


def _tuple(machine: PickleMachine, count: int) -> None:
    machine.count_group()
    if len(machine.stack) < count:
        raise IndexError
    machine.stack[-count:] = [tuple(machine.stack[-count:])]


def _stack_global(machine: PickleMachine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.name(module, name)


def _set_item(machine: PickleMachine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.set_items([key, value])


_HANDLERS: Mapping[int, _Handler] = {
    0x80: _protocol,
    0x95: _frame,
    ord("N"): _constant(None),
    0x88: _constant(True),
    0x89: _constant(False),
    ord(")"): _constant(()),
    ord("J"): _number("<i"),
    ord("K"): _number("<B"),
    ord("M"): _number("<H"),
    ord("G"): _number(">d"),
    ord("U"): _bytes("<B"),
    ord("T"): _bytes("<i"),
    ord("C"): _bytes("<B"),
    ord("B"): _bytes("<I"),
    0x8E: _bytes("<Q"),
    0x96: _bytes("<Q"),
    0x8C: _text("<B"),
    ord("X"): _text("<I"),
    0x8D: _text("<Q"),
    ord("]"): _empty(list),
    ord("}"): _empty(dict),
    ord("("): PickleMachine.mark,
    ord("I"): _integer_line,
    ord("L"): lambda machine: machine.stack.append(machine.decimal(machine.line())),
    0x8A: lambda machine: _integer_bytes(machine, _BYTE),
    0x8B: lambda machine: _integer_bytes(machine, _INT32),
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
    ord("p"): lambda machine: machine.remember(machine.decimal(machine.line())),
    ord("q"): lambda machine: machine.remember(machine.number(_BYTE)),
    ord("r"): lambda machine: machine.remember(machine.number(_UINT32)),
    0x94: lambda machine: machine.remember(len(machine.memo)),
    ord("g"): lambda machine: machine.recall(machine.decimal(machine.line())),
    ord("h"): lambda machine: machine.recall(machine.number(_BYTE)),
    ord("j"): lambda machine: machine.recall(machine.number(_UINT32)),
    ord("c"): lambda machine: machine.name(*machine.lines_name()),
    0x93: _stack_global,
    ord("i"): PickleMachine.instance,
    ord("R"): lambda machine: machine.reduce(),
    ord("b"): lambda machine: machine.build(),
    ord("Q"): lambda machine: machine.persistent(),
    0x81: lambda machine: machine.new(),
    **{
        code: _refused(name)
        for name, code in {
            "PERSID": ord("P"), "OBJ": ord("o"), "EXT1": 0x82, "EXT2": 0x83,
            "EXT4": 0x84, "EMPTY_SET": 0x8F, "ADDITEMS": 0x90, "FROZENSET": 0x91, "NEWOBJ_EX": 0x92,
            "NEXT_BUFFER": 0x97, "READONLY_BUFFER": 0x98, "POP": ord("0"), "POP_MARK": ord("1"), "DUP": ord("2"),
        }.items()
    },
}  # fmt: skip
