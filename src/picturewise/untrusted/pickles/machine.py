"""The stack machine that runs a pickle's program: its stack, its memo, and what it may do with them."""

from __future__ import annotations

import re
import struct
from typing import Any

from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.pickles.allowed_names import CALLS, Name, Shell, Text
from picturewise.untrusted.pickles.outline import Outline
from picturewise.untrusted.scratch import Content

# One for each number or text of a list: CIFAR-100 has 200,000, a part of ImageNet in 32x32 has 130,000. Each takes
# Python up to a microsecond and a hundred bytes.
MAX_OPCODES = 300_000
MAX_GROUPS = 100_000  # lists, dicts, tuples and names; a list of NumPy numbers has a tuple for each
MAX_DEPTH = 32  # of nested lists, dicts, tuples …
MAX_KEYS = 10_000  # of one dict
MAX_LINE = 256  # characters of a number or a name written as text
MAX_INTEGER = 16  # bytes
SHORT = 4096  # byte strings up to this length are copied, longer ones are views
# Bytes of a text. A longer one can only mean bytes that Python 3 wrote for Python 2.
MAX_TEXT = 1 << 16


NO_CODE = "Picturewise never runs code from files"
_DECIMAL = re.compile(rb"-?[0-9]{1,38}L?")


class PickleMachine:
    """The stack, the marks in it, and the memo of values that are used again."""

    takes = "NumPy arrays"
    """What the names that the machine knows belong to."""
    most_key = 1 << 31
    """Integers used as keys of a dict must be smaller than this."""

    def __init__(self, content: Content | Outline, where: str) -> None:
        self.content = content
        self.view = content if isinstance(content, Outline) else memoryview(content)
        self.where = where
        self.at = 0
        self.steps = 0
        self.groups = 0
        self.copied = 0
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stacks below the marks
        self.memo: dict[int, Any] = {}

    # -- reading ------------------------------------------------------------------------------------------

    def take(self, count: int) -> memoryview:
        """Return the next `count` bytes."""
        left = len(self.view) - self.at
        if not 0 <= count <= left:
            raise self.damaged(f"{count:,} bytes are declared, but only {left:,} are left")
        self.at += count
        return self.view[self.at - count : self.at]

    def number(self, form: struct.Struct) -> Any:
        """Return the next bytes as one number."""
        place = self.at
        self.at += form.size
        if isinstance(self.view, Outline):
            return form.unpack(self.view[place : self.at])[0]
        return form.unpack_from(self.view, place)[0]

    def line(self, most: int = MAX_LINE) -> bytes:
        """Return the bytes before the next line break, and go beyond it."""
        end = self.content.find(b"\n", self.at, min(self.at + most + 1, len(self.view)))
        if end < 0:
            raise self.damaged("a line does not end")
        line = bytes(self.view[self.at : end])
        self.at = end + 1
        return line

    def decimal(self, line: bytes) -> int:
        """Return the integer in a line."""
        if not _DECIMAL.fullmatch(line):
            raise self.damaged(f"{printable(repr(line[:40]))} is not a number")
        return int(line.rstrip(b"L"))

    def text(self, content: memoryview, encoding: str = "utf-8") -> str | Text:
        """Return a string, or for a long one its place: it is needed only if it means bytes."""
        if len(content) > MAX_TEXT:
            if isinstance(self.content, Outline):
                raise self.content.not_enough()
            return Text(content, encoding)
        try:
            return str(content, encoding, "surrogatepass" if encoding == "utf-8" else "strict")
        except UnicodeDecodeError as error:
            raise self.damaged("a string is not valid in its encoding") from error

    # -- the stack ----------------------------------------------------------------------------------------

    def count_group(self) -> None:
        """Count one more list, dict, tuple or name; a file with too many is refused."""
        self.groups += 1
        if self.groups > MAX_GROUPS:
            raise self.refused(f"has more than {MAX_GROUPS:,} lists, dicts, tuples and names")

    def mark(self) -> None:
        """Begin a group of values."""
        if len(self.below) == MAX_DEPTH:
            raise self.refused(f"is nested more than {MAX_DEPTH} levels deep")
        self.below.append(self.stack)
        self.stack = []

    def group(self) -> list[Any]:
        """Return the values since the last mark, taken off the stack with it."""
        self.count_group()
        values, self.stack = self.stack, self.below.pop()
        return values

    def extend(self, values: list[Any]) -> None:
        """Append values to the list on top."""
        top = self.stack[-1]
        if type(top) is not list:
            raise self.refused(f"appends to an object of type {kind_of(top)}. {NO_CODE}")
        top.extend(values)

    def set_items(self, values: list[Any]) -> None:
        """Put keys and values, in turn, into the dict on top."""
        top = self.stack[-1]
        if type(top) is not dict or len(values) % 2:
            raise self.refused(f"sets items of an object of type {kind_of(top)}. {NO_CODE}")
        for key, value in zip(values[::2], values[1::2], strict=True):
            # Looking up other keys, such as nested tuples or huge numbers, can be made to take forever.
            if type(key) not in {str, bytes} and not (type(key) is int and abs(key) < self.most_key):
                raise self.refused(f"has a dict key of type {kind_of(key)}. Expected strings")
            if key in top:
                raise self.refused(f"has the duplicate key {printable(repr(key)[:60])} in a dict")
            top[key] = value
        if len(top) > MAX_KEYS:
            raise self.refused(f"has a dict with more than {MAX_KEYS:,} keys")

    def remember(self, place: int) -> None:
        """Keep the top value in the memo."""
        self.memo[place] = self.stack[-1]

    def recall(self, place: int) -> None:
        """Put a value from the memo on the stack."""
        if place not in self.memo:
            raise self.damaged("it uses a value that was never set")
        value = self.memo[place]
        self.stack.append(value.filled if type(value) is Shell and value.filled is not None else value)

    # -- names and what they build ------------------------------------------------------------------------

    def name(self, module: object, name: object) -> None:
        """Put a name from the table on the stack; the same for every protocol."""
        self.count_group()
        if type(module) is not str or type(name) is not str:
            raise self.refused(f"refers to a name that is not a string. {NO_CODE}")
        if (found := self.find(module, name)) is None:
            asked = printable(f"{module}.{name}"[:100])
            raise self.refused(f"refers to {asked}, but only names for {self.takes} are allowed. {NO_CODE}")
        self.stack.append(found)

    def find(self, module: str, name: str) -> object | None:
        """Return the meaning of a name from our table; None: it is not in it."""
        return Name.find(module, name)

    def lines_name(self) -> tuple[str, str]:
        """Return module and name from the next two lines."""
        module, name = self.line(), self.line()
        return module.decode("utf-8", "replace"), name.decode("utf-8", "replace")

    def instance(self) -> None:
        """Refuse INST, an object by name, with an error that contains the name."""
        self.name(*self.lines_name())
        raise self.refused(f"uses the pickle instruction INST. {NO_CODE}")

    def reduce(self) -> None:
        """Replace a name and its arguments by what the table builds from them."""
        arguments, name = self.stack.pop(), self.stack.pop()
        if type(name) is not Name or name not in CALLS or type(arguments) is not tuple:
            raise self.refused(f"calls an object of type {kind_of(name)}. {NO_CODE}")
        value = CALLS[name](arguments, self.where)
        if type(value) is bytes:
            # A text can be turned into bytes again and again; a normal file does it once.
            self.copied += len(value)
            if self.copied > 2 * len(self.view):
                raise self.refused("expands to more than a file of its size can contain")
        self.stack.append(value)

    def build(self) -> None:
        """Set the state of a fresh array or type of values."""
        state, shell = self.stack.pop(), self.stack[-1]
        if type(shell) is not Shell or shell.filled is not None or type(state) is not tuple:
            raise self.refused(f"sets the state of an object of type {kind_of(shell)}. {NO_CODE}")
        self.stack[-1] = shell.fill(state, self.where)

    def persistent(self) -> None:
        """Refuse data outside the pickle; here there is none."""
        raise self.refused(f"uses the pickle instruction BINPERSID. {NO_CODE}")

    def new(self) -> None:
        """Refuse a fresh object from a name and its arguments; here there is none."""
        raise self.refused(f"uses the pickle instruction NEWOBJ. {NO_CODE}")

    # -- errors -------------------------------------------------------------------------------------------

    def refused(self, why: str) -> DataError:
        """Return the error for a file that Picturewise refuses to read."""
        return DataError(f"{self.where} {why}.")

    def damaged(self, why: str) -> DataError:
        """Return the error for a file that is not a complete pickle."""
        return DataError(f"{self.where} is truncated or damaged: {why}. Download it again.")


def kind_of(value: object) -> str:
    """Return the name of a value's type."""
    return value.said if isinstance(value, Name) else type(value).__name__.lower()
