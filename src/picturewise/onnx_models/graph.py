"""Nodes and arrays → the bytes of an ONNX model. Field numbers are those of onnx.proto (github.com/onnx/onnx)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from picturewise.architectures.layers import Shape
from picturewise.onnx_models.messages import Message

OPSET: Final = 20
"""The version of the operators, that of ONNX 1.15 (2023): the first with Gelu."""
_IR_VERSION: Final = 9  # of the file; it came with that release

_BFLOAT16: Final = 16
_TYPES: Final = {
    np.dtype(np.float32): 1,
    np.dtype(np.uint8): 2,
    np.dtype(np.int32): 6,
    np.dtype(np.int64): 7,
    np.dtype(np.bool): 9,
    np.dtype(np.float64): 11,
}
_FLOAT, _INT, _STRING, _GRAPH, _INTS = 1, 2, 3, 5, 7  # kinds of an attribute

Sides: TypeAlias = tuple[str | int, ...]
"""Sides of an input or output array; a side with a name may have any length."""
Value: TypeAlias = tuple[str, type[np.generic], Sides | None]
"""Name, type and sides of an input or output; None: any number of sides."""


def type_number(kind: type[np.generic]) -> int:
    """Return ONNX's number of a type, as the attribute `to` of Cast expects it.

    >>> type_number(np.float64)
    11
    """
    return _TYPES[np.dtype(kind)]


class Nodes:
    """Nodes, each after those whose results it takes. Results have names.

    Args:
        prefix: of the names; those of a graph within a node must not occur outside.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._nodes: list[Message] = []

    def node(self, operator: str, *inputs: str, output: str | None = None, **attributes: Attribute) -> str:
        """Add a node with one result and return the result's name.

        Args:
            operator: of ONNX, in the version OPSET.
            inputs: names of results and arrays.
            output: the result's name; None: one is made.
            attributes: of the operator.
        """
        name = output or f"{self._prefix}{operator}_{len(self._nodes)}"
        node = Message()
        for taken in inputs:
            node.text(1, taken)
        node.text(2, name)
        node.text(3, name)  # the node's own name, which programs that draw models need
        node.text(4, operator)
        for key in sorted(attributes):
            node.message(5, _attribute(key, attributes[key]))
        self._nodes.append(node)
        return name

    def graph(self, takes: Sequence[Value], gives: Sequence[Value], name: str) -> Message:
        """Return a graph without arrays of its own, such as the branch of an If; it sees all names around it."""
        graph = Message()
        for node in self._nodes:
            graph.message(1, node)
        graph.text(2, name)
        for value in takes:
            graph.message(11, _value(*value))
        for value in gives:
            graph.message(12, _value(*value))
        return graph


Attribute: TypeAlias = int | float | str | Sequence[int] | Message


class FirstFactors(NamedTuple):
    """The factors of the first convolution or dense layer, instead of its usual ones.

    Attributes:
        weight: in the usual form, or with more channels.
        values: name of the input; None: the usual one.
        offset: is added to the bias, (units,).
    """

    weight: NDArray[np.float32]
    values: str | None = None
    offset: NDArray[np.float32] | None = None


class Graph(Nodes):
    """Nodes, and the arrays that they take.

    Args:
        take: returns the network's array with a name and a shape. It must not change before `model`.
        narrow: round the factors of convolutions and dense layers to bfloat16, except for the first of these layers;
            their products are added in float32.

    Attributes:
        first: returns the factors of the first convolution or dense layer from its weight; None: the usual ones.
    """

    def __init__(self, take: Callable[[str, Shape], NDArray[Any]], *, narrow: bool = False) -> None:
        super().__init__()
        self._take = take
        self._narrow = narrow
        self._arrays: dict[str, NDArray[Any]] = {}
        self._rounded: dict[str, str] = {}  # by the name before rounding
        self._begun = False
        self._offset: NDArray[np.float32] | None = None
        self.first: Callable[[NDArray[np.float32]], FirstFactors] | None = None

    def weight(self, name: str, shape: Shape, *, seen_as: Shape | None = None) -> str:
        """Take one of the network's arrays, of `shape`, and return its name; nodes may see it in another shape."""
        array = self._take(name, shape)
        return self.constant(name, array if seen_as is None else array.reshape(seen_as))

    def factors(self, values: str, name: str, shape: Shape) -> tuple[str, str]:
        """Return the names of the factors of a convolution or a dense layer: its input, and its weight of `shape`."""
        begun, self._begun = self._begun, True
        if not begun and self.first is not None:
            found = self.first(self._take(name, shape))
            self._offset = found.offset
            return found.values or values, self.constant(name, found.weight)
        if not begun or not self._narrow:
            return values, self.weight(name, shape)
        if values not in self._rounded:
            # ONNX Runtime keeps both, because the first of them loses digits.
            narrow = self.node("Cast", values, to=_BFLOAT16)
            self._rounded[values] = self.node("Cast", narrow, to=type_number(np.float32))
        return self._rounded[values], self.constant(name, rounded(self._take(name, shape)))

    def bias(self, name: str, shape: Shape) -> str:
        """Take the bias of the layer whose `factors` were taken last, and return its name."""
        offset, self._offset = self._offset, None
        if offset is None:
            return self.weight(name, shape)
        return self.constant(name, self._take(name, shape) + offset)

    def unused(self, name: str, shape: Shape) -> None:
        """Take one of the network's arrays that no node needs."""
        self._take(name, shape)

    def constant(self, name: str, array: NDArray[Any]) -> str:
        """Add an array, which must not change before `model`; return its name."""
        self._arrays[name] = array
        return name

    def model(
        self,
        takes: Value,
        gives: Sequence[Value],
        *,
        version: str,
        metadata: Mapping[str, str],
    ) -> bytes:
        """Return the graph as an ONNX model; equal graphs give equal bytes.

        Args:
            takes: name, type and sides of the input.
            gives: the same for each output.
            version: of Picturewise.
            metadata: the model's own description.
        """
        graph = Message()
        for node in self._nodes:
            graph.message(1, node)
        graph.text(2, "picturewise")
        for name in sorted(self._arrays):
            graph.message(5, _tensor(name, self._arrays[name]))
        graph.message(11, _value(*takes))
        for value in gives:
            graph.message(12, _value(*value))

        model, operators = Message(), Message()
        model.whole(1, _IR_VERSION)
        model.text(2, "picturewise")
        model.text(3, version)
        model.message(7, graph)
        operators.text(1, "")  # ONNX's own
        operators.whole(2, OPSET)
        model.message(8, operators)
        for key in sorted(metadata):
            entry = Message()
            entry.text(1, key)
            entry.text(2, metadata[key])
            model.message(14, entry)
        return model.to_bytes()


def rounded(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return finite numbers rounded to the nearest one of bfloat16, of two equally near ones to the even one.

    bfloat16 has the first 16 bits of float32.

    >>> rounded(np.array([1.00390625, 1.01171875, 3.14159], np.float32)).tolist()
    [1.0, 1.015625, 3.140625]
    """
    bits = array.view(np.uint32)
    up = np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))
    return ((bits + up) & np.uint32(0xFFFF0000)).view(np.float32)


def _attribute(name: str, value: Attribute) -> Message:
    attribute = Message()
    attribute.text(1, name)
    if isinstance(value, float):
        attribute.decimal(2, value)
        kind = _FLOAT
    elif isinstance(value, int):
        attribute.whole(3, value)
        kind = _INT
    elif isinstance(value, str):
        attribute.text(4, value)
        kind = _STRING
    elif isinstance(value, Message):
        attribute.message(6, value)
        kind = _GRAPH
    else:
        for number in value:
            attribute.whole(8, number)
        kind = _INTS
    attribute.whole(20, kind)
    return attribute


def _tensor(name: str, array: NDArray[Any]) -> Message:
    tensor = Message()
    for side in array.shape:
        tensor.whole(1, side)
    tensor.whole(2, _TYPES[array.dtype])
    tensor.text(8, name)
    # Numbers in the file have their lowest byte first, on every processor.
    rows = array if sys.byteorder == "little" else array.astype(array.dtype.newbyteorder("<"))
    tensor.data(9, np.ascontiguousarray(rows).data)
    return tensor


def _value(name: str, type_: type[np.generic], sides: Sides | None) -> Message:
    value, kind, tensor, shape = Message(), Message(), Message(), Message()
    for side in sides or ():
        dimension = Message()
        if isinstance(side, int):
            dimension.whole(1, side)
        else:
            dimension.text(2, side)
        shape.message(1, dimension)
    tensor.whole(1, _TYPES[np.dtype(type_)])
    if sides is not None:
        tensor.message(2, shape)
    kind.message(1, tensor)
    value.text(1, name)
    value.message(2, kind)
    return value
