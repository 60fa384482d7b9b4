"""The reading of columns inside an ONNX graph, as `targets.Ctc` decodes it without a beam, and its probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import UsageError
from picturewise.exporting.readings import CONFIDENCE, LENGTH, SYMBOLS
from picturewise.onnx_models.graph import Graph, Value, type_number
from picturewise.targets.ctc import Ctc
from picturewise.targets.sequences import NOTHING


def add_column_reading(graph: Graph, logits: str, target: Ctc) -> list[Value]:
    """Add the name of logits (N, outputs) → the outputs, and return what they are; see `readings.add_reading`.

    Raises:
        UsageError: the target follows a beam, which a graph cannot.
    """
    if target.beam > 1:
        raise UsageError(
            f"The classifier reads with the beam of '{target.output_line}', which ONNX cannot express. Train it "
            "without 'beam', or use 'picturewise serve'."
        )
    return _Columns(graph, target).add(logits)


class _Columns:
    def __init__(self, graph: Graph, target: Ctc) -> None:
        self._graph, self._target = graph, target
        self._blank, self._places = len(target.classes), target.places
        self._states = 2 * target.places + 1  # blank, first symbol, blank, second symbol, …, blank

    def add(self, logits: str) -> list[Value]:
        node, places = self._graph.node, self._places
        form = self._numbers("form", -1, self._target.columns, self._blank + 1)
        shares = node("Softmax", node("Reshape", logits, form), axis=2)  # (N, T, K + 1)
        read = self._greedy(shares)  # (N, L), -1 behind the last symbol
        node("Identity", read, output=SYMBOLS)
        there = node(
            "Cast", node("Greater", read, self._numbers("none", NOTHING)), to=type_number(np.float32)
        )
        length = node("ReduceSum", there, self._numbers("across", 1), keepdims=1)
        length = node("Cast", length, to=type_number(np.int64))  # (N, 1)
        node("Squeeze", length, self._numbers("across", 1), output=LENGTH)
        node("Identity", self._share(shares, read, length), output=CONFIDENCE)
        return [
            (LENGTH, np.int64, ("N",)),
            (SYMBOLS, np.int64, ("N", places)),
            (CONFIDENCE, np.float32, ("N",)),
        ]

    def _greedy(self, shares: str) -> str:
        """Add the symbols (N, L) of the most likely symbol of each column; equal ones side by side are one."""
        node, one = self._graph.node, self._numbers("across", 1)
        blank = self._numbers("blank", self._blank)
        best = node("ArgMax", shares, axis=2, keepdims=0)  # (N, T)
        # The column before the first shows a blank.
        zero = self._numbers("start", 0)
        before = node("Add", node("Mul", node("Slice", best, zero, one, one), zero), blank)  # (N, 1)
        if self._target.columns > 1:
            but_last = self._numbers("but last", self._target.columns - 1)
            before = node("Concat", before, node("Slice", best, zero, but_last, one), axis=1)
        begins = node(
            "And", node("Not", node("Equal", best, before)), node("Not", node("Equal", best, blank))
        )
        begins = node("Cast", begins, to=type_number(np.int64))
        place = node(
            "Mul", begins, node("CumSum", begins, self._scalar("along", 1))
        )  # (N, T): from 1; 0: none
        at = node(
            "Equal", node("Unsqueeze", place, self._numbers("last", 2)), self._numbers("all", *self._each())
        )
        # As floats: OpenVINO 2026.4 returns wrong numbers for a sum of integers that is changed by another node.
        at = node("Cast", at, to=type_number(np.float32))  # (N, T, L)
        named = node("Cast", node("Add", best, one), to=type_number(np.float32))  # 0 remains for nothing
        named = node("Unsqueeze", named, self._numbers("last", 2))
        read = node(
            "Cast", node("ReduceSum", node("Mul", at, named), one, keepdims=0), to=type_number(np.int64)
        )
        read = node("Sub", read, one)  # (N, L)
        # Without a symbol: the one that is the most likely in any column.
        symbols = node("Slice", shares, zero, blank, self._numbers("last", 2))
        single = node("ArgMax", node("ReduceMax", symbols, one, keepdims=0), axis=1, keepdims=1)  # (N, 1)
        first = node("Slice", read, zero, one, one)  # (N, 1)
        empty = node("And", node("Less", first, zero), self._flags("first", 0))
        return node("Where", empty, single, read)

    def _share(self, shares: str, read: str, length: str) -> str:
        """Add the probability (N,) of readings: the forward recursion over the columns."""
        node, across = self._graph.node, self._numbers("across", 1)
        blank, zero = self._numbers("blank", self._blank), self._numbers("start", 0)
        symbols = node("Where", node("Less", read, zero), blank, read)
        # (N, L) → (N, 2L + 1): symbols in odd places, blanks in even ones
        spread = self._matrix(
            "spread", {(place, 2 * place + 1): 1.0 for place in range(self._places)}, self._places
        )
        less = node("Cast", node("Sub", symbols, blank), to=type_number(np.float32))
        states = node("Cast", node("MatMul", less, spread), to=type_number(np.int64))
        states = node("Add", states, blank)
        columns = self._graph.constant("reading_columns", np.zeros((1, self._target.columns, 1), np.int64))
        states = node("Add", node("Unsqueeze", states, across), columns)  # (N, T, S)
        shown = node("GatherElements", shares, states, axis=2)  # (N, T, S)
        stays = {(state, state): 1.0 for state in range(self._states)}
        goes = {(state, state + 1): 1.0 for state in range(self._states - 1)}
        one = self._matrix("one", stays | goes, self._states)
        two = self._skips(symbols)
        forward = node("Mul", self._column(shown, 0), self._begins())
        for column in range(1, self._target.columns):
            moved = node("MatMul", forward, one)
            if two is not None:
                skipping, by = two
                moved = node("Add", moved, node("Mul", skipping, node("MatMul", forward, by)))
            forward = node("Mul", moved, self._column(shown, column))
        last = node("Mul", length, self._numbers("two", 2))  # (N, 1)
        every = self._numbers("states", *range(self._states))
        ends = node("Or", node("Equal", every, last), node("Equal", every, node("Sub", last, across)))
        ends = node("Cast", ends, to=type_number(np.float32))
        return node("ReduceSum", node("Mul", forward, ends), across, keepdims=0)

    def _skips(self, symbols: str) -> tuple[str, str] | None:
        """Add which states (N, S) can follow two states after another one: symbols after other symbols."""
        node, across = self._graph.node, self._numbers("across", 1)
        if self._places == 1:
            return None
        later = node("Slice", symbols, across, self._numbers("places", self._places), across)
        sooner = node(
            "Slice", symbols, self._numbers("start", 0), self._numbers("but one", self._places - 1), across
        )
        differ = node(
            "Cast", node("Not", node("Equal", later, sooner)), to=type_number(np.float32)
        )  # (N, L - 1)
        odd = {(place, 2 * place + 3): 1.0 for place in range(self._places - 1)}
        skipping = node("MatMul", differ, self._matrix("odd", odd, self._places - 1))
        by = {(state, state + 2): 1.0 for state in range(self._states - 2)}
        return skipping, self._matrix("by two", by, self._states)

    def _column(self, shown: str, column: int) -> str:
        """Add (N, S): what a column shows of each state."""
        return self._graph.node("Gather", shown, self._scalar(f"column {column}", column), axis=1)

    def _begins(self) -> str:
        """Return the states with which a way can begin, as (1, S) floats."""
        found = np.zeros((1, self._states), np.float32)
        found[0, :2] = 1
        return self._graph.constant("reading_begins", found)

    def _each(self) -> range:
        return range(1, self._places + 1)

    def _flags(self, name: str, at: int) -> str:
        return self._graph.constant(f"reading_{name}", (np.arange(self._places) == at)[np.newaxis])

    def _matrix(self, name: str, cells: dict[tuple[int, int], float], rows: int) -> str:
        found: NDArray[np.float32] = np.zeros((rows, self._states), np.float32)
        for cell, value in cells.items():
            found[cell] = value
        return self._graph.constant(f"reading_{name}", found)

    def _numbers(self, name: str, *values: int) -> str:
        return self._graph.constant(f"reading_{name}", np.array(values, np.int64))

    def _scalar(self, name: str, value: int) -> str:
        return self._graph.constant(f"reading_{name}", np.array(value, np.int64))
