"""The descriptions of tensors in PyTorch's own files, read by the closed grammar for pickles.

A `.pth` file is a pickle and raw numbers. The pickle is a program, and Python's own module, and PyTorch's restricted
one, run it; here, the machine of `untrusted/pickles/machine.py` follows it, with a table of the few names that saved
weights use, and returns descriptions, not tensors: nothing is imported, called or allocated.

The forms are those of torch/_utils.py and torch/nn/parameter.py, from the first versions on.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeGuard

import torch

from picturewise.printable import printable
from picturewise.untrusted.pickles import opcodes
from picturewise.untrusted.pickles.machine import NO_CODE, PickleMachine
from picturewise.untrusted.scratch import Content

MOST_AXES = 8
_MOST = 1 << 40


@dataclass(frozen=True)
class Storage:
    """A sequence of `count` numbers outside the pickle, with the name `key`."""

    key: str
    dtype: torch.dtype
    count: int

    @property
    def bytes(self) -> int:
        """Its size in bytes."""
        return self.count * self.dtype.itemsize


@dataclass(frozen=True)
class SavedTensor:
    """A tensor as a view of a storage: where it begins, and its shape and strides, in numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Name(Enum):
    ORDERED_DICT = "collections.OrderedDict"
    TENSOR = "torch._utils._rebuild_tensor"
    TENSOR_2 = "torch._utils._rebuild_tensor_v2"
    PARAMETER_OF = "torch._utils._rebuild_parameter"
    PARAMETER = "torch.nn.parameter.Parameter"
    SIZE = "torch.Size"


class _Waiting:
    """A parameter that was created empty, as the first versions of PyTorch did, until its state is set."""

    tensor: SavedTensor | None = None


_STORAGES: Mapping[str, torch.dtype] = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
}


class SavedMachine(PickleMachine):
    """The machine with the names of saved weights; see `PickleMachine`."""

    takes = "saved tensors"
    most_key = 1 << 63  # optimizers of the first versions had addresses as keys

    def __init__(self, content: Content, where: str) -> None:
        super().__init__(content, where)
        self.storages: dict[str, Storage] = {}  # all that have been described so far, by key

    def value(self) -> Any:
        """Return the next value: plain ones, dicts, lists, tuples, and `SavedTensor`, nested.

        Raises:
            DataError: the pickle asks for anything else, is damaged, or breaks a limit.
        """
        self.memo.clear()  # each pickle of a stream has its own
        try:
            return opcodes.follow(self)
        except (IndexError, struct.error) as error:  # a missing value or mark
            raise self.damaged("the operands of an instruction are missing") from error

    def find(self, module: str, name: str) -> object | None:
        """Return the meaning of a name of saved weights."""
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        return next((found for found in _Name if found.value == f"{module}.{name}"), None)

    def recall(self, place: int) -> None:
        """Put a value from the memo on the stack."""
        super().recall(place)
        top = self.stack[-1]
        if type(top) is _Waiting and top.tensor is not None:
            self.stack[-1] = top.tensor

    def persistent(self) -> None:
        """Replace a reference to a storage by its description."""
        match self.stack.pop():
            case (kind, torch.dtype() as dtype, key, _, int(count), *view) if (
                _text(kind) == "storage"
                and _text(key) is not None
                and view in ([], [None])
                and 0 <= count <= _MOST
            ):
                storage = Storage(_text(key) or "", dtype, count)
                if self.storages.setdefault(storage.key, storage) != storage:
                    raise self.refused("has two different descriptions of the same storage")
                self.stack.append(storage)
            case _:
                raise self.refused(f"refers to external data that is not a tensor storage. {NO_CODE}")

    def reduce(self) -> None:
        """Replace a name and its arguments by a description of their result."""
        arguments, name = self.stack.pop(), self.stack.pop()
        self.count_group()
        self.stack.append(self._made(name, arguments))

    def new(self) -> None:
        """Replace a name and its arguments by a parameter, which may be empty until its state is set."""
        arguments, name = self.stack.pop(), self.stack.pop()
        self.count_group()
        self.stack.append(
            _Waiting() if (name, arguments) == (_Name.PARAMETER, ()) else self._made(name, arguments)
        )

    def build(self) -> None:
        """Set the state of the top value: notes of a dict and flags of a parameter are dropped, numbers are kept."""
        state, top = self.stack.pop(), self.stack[-1]
        if type(top) is _Waiting and type(state) is tuple and state and type(state[0]) is SavedTensor:
            top.tensor = self.stack[-1] = state[0]
        elif not (type(top) is dict and type(state) is dict) and not (
            type(top) is SavedTensor
            and type(state) is tuple
            and not any(type(s) is SavedTensor for s in state)
        ):
            raise self.refused(f"sets the state of an object that cannot have one. {NO_CODE}")

    def _made(self, name: object, arguments: object) -> object:
        match name, arguments:
            case _Name.ORDERED_DICT, ():
                return {}
            case _Name.ORDERED_DICT, ([*items],):  # in Python 2's form
                return self._from_items(items)
            case _Name.TENSOR, (Storage() as storage, offset, shape, strides):
                return self._tensor(storage, offset, shape, strides)
            case _Name.TENSOR_2, (Storage() as storage, offset, shape, strides, _, _, *others) if not any(
                others
            ):
                return self._tensor(storage, offset, shape, strides)
            case ((_Name.PARAMETER_OF | _Name.PARAMETER), (SavedTensor() as tensor, *_)):
                return tensor
            case _Name.SIZE, (tuple() as shape,):
                return shape
        said = name.value if isinstance(name, _Name) else type(name).__name__
        raise self.refused(f"calls {said} with arguments that saved weights never have. {NO_CODE}")

    def _from_items(self, items: list[Any]) -> dict[Any, Any]:
        table: dict[Any, Any] = {}
        self.stack.append(table)
        for item in items:
            if type(item) not in {list, tuple} or len(item) != 2:
                raise self.refused("has a dict whose items are not pairs of a name and a value")
            self.set_items(list(item))
        self.stack.pop()
        return table

    def _tensor(self, storage: Storage, offset: object, shape: object, strides: object) -> SavedTensor:
        if not (type(offset) is int and offset >= 0 and _sizes(shape) and _sizes(strides)):
            raise self.refused(
                "has a tensor whose offset, shape and strides are not all non-negative integers"
            )
        if len(shape) != len(strides):
            raise self.refused("has a tensor whose shape and strides differ in length")
        last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        if 0 not in shape and last >= storage.count:
            raise self.refused(
                f"has a tensor of {'x'.join(map(str, shape))} that extends beyond its storage of {storage.count:,} "
                "values"
            )
        return SavedTensor(storage, offset, shape, strides)


def text_of(value: object) -> str | None:
    """Return a string, even from Python 2, safe to print; None: it is not a string."""
    found = _text(value)
    return None if found is None else printable(found)


def _text(value: object) -> str | None:
    if type(value) is bytes:
        return value.decode("latin-1")
    return value if type(value) is str else None


def _sizes(values: object) -> TypeGuard[tuple[int, ...]]:
    """Return whether values form a shape; their products stay small enough for Python to be fast."""
    return (
        type(values) is tuple
        and len(values) <= MOST_AXES
        and all(type(value) is int and 0 <= value <= _MOST for value in values)
    )
