"""A softmax at the end is left out with a note; anywhere else it is an error."""

from __future__ import annotations

import pytest

from picturewise.architectures.lines import parse
from picturewise.architectures.softmax import without_softmax
from picturewise.errors import LayerError

NOTE = "the softmax is left out: it is part of the loss and of every prediction."
OUTPUT = "is the output layer, which is added anyway; "


@pytest.mark.parametrize(
    ("text", "left", "note"),
    [
        ("flatten; dense 10; softmax", ("flatten",), f"'dense 10; softmax' {OUTPUT}{NOTE}"),
        (["flatten", "dense 10", "softmax"], ("flatten",), f"'dense 10; softmax' {OUTPUT}{NOTE}"),
        ("flatten\nDense 10 Softmax  # as in Keras", ("flatten",), f"'Dense 10 Softmax' {OUTPUT}{NOTE}"),
        ("flatten; dense 9 relu; SoftMax", ("flatten", "dense 9 relu"), f"Layer line 3: {NOTE}"),
        ("flatten; dense 9 relu; log-softmax", ("flatten", "dense 9 relu"), f"Layer line 3: {NOTE}"),
        ("flatten; dense 10; LogSoftmax", ("flatten",), f"'dense 10; LogSoftmax' {OUTPUT}{NOTE}"),
        ("flatten; softmax", ("flatten",), f"Layer line 2: {NOTE}"),
        ("softmax", (), f"Layer line 1: {NOTE}"),
        ("flatten; dense 10", ("flatten", "dense 10"), None),
        ("", (), None),
    ],
)
def test_at_the_end_it_is_left_out_with_a_note(
    text: str | list[str], left: tuple[str, ...], note: str | None
) -> None:
    assert without_softmax(text, 10) == (left, () if note is None else (note,))


def test_layers_with_weights_of_their_own_are_kept() -> None:
    assert without_softmax("flatten; dense 10; softmax", 10, kept=2)[0] == ("flatten", "dense 10")


def test_a_dense_layer_of_another_width_before_it_is_an_error() -> None:
    with pytest.raises(
        LayerError, match=r"^Layer line 2, 'dense 12', is followed by a softmax, .* there are 10 "
    ):
        without_softmax("flatten; dense 12; softmax", 10)
    with pytest.raises(LayerError, match=r"^Layer line 2, 'dense 0', cannot be read: the number of units"):
        without_softmax("flatten; dense 0; softmax", 10)


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ("softmax; dense 9", "1, 'softmax',"),
        ("flatten; dense 9 softmax; dense 10", "2, 'dense 9 softmax',"),
        ("conv 8 3x3 softmax; flatten", "1, 'conv 8 3x3 softmax',"),
        ("flatten; Log_Softmax; dense 4", "2, 'Log_Softmax',"),
    ],
)
def test_anywhere_else_it_is_an_error_that_says_so(lines: str, named: str) -> None:
    with pytest.raises(LayerError, match="a softmax can only follow the last dense layer") as found:
        parse(without_softmax(lines, 10)[0])
    assert str(found.value).startswith(f"Layer line {named} cannot be read: ")
