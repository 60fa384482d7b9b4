"""A softmax at the end of layer lines, as other libraries write it: understood, and left out with a note.

The loss is computed from logits, and every prediction ends with a softmax, so a network must not have one of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from picturewise.architectures.lines import SOFTMAX, parse_line, split_lines
from picturewise.errors import LayerError

_LEFT_OUT = "the softmax is left out: it is part of the loss and of every prediction."


def without_softmax(
    text: str | Sequence[str], outputs: int, *, kept: int = 0
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return layer lines without the output layer and softmax that they end with, and a note about that if they do.

    Args:
        text: layer lines, as `parse` takes them.
        outputs: the width of the output layer, which is added to the lines.
        kept: this many of the first lines are not changed, because they have weights.

    Raises:
        LayerError: the dense layer before the softmax has another width than the output layer.

    >>> without_softmax("flatten; dense 9 relu; dense 10; softmax", 10)[0]
    ('flatten', 'dense 9 relu')
    """
    lines = split_lines(text)
    words = lines[-1].lower().split() if len(lines) > kept else []
    alone = len(words) == 1 and words[0] in SOFTMAX
    inside = len(words) > 1 and words[0] == "dense" and bool(SOFTMAX & {*words})
    if not (alone or inside):
        return tuple(lines), ()
    number = len(lines) - alone  # of the dense layer, if there is one
    written = "; ".join(lines[number - 1 :])
    if inside:
        lines[-1] = " ".join(word for word in words if word not in SOFTMAX)
    else:
        del lines[-1]
    before = lines[-1].lower().split() if len(lines) > kept else []
    if before[:1] != ["dense"] or len(before) != 2:
        return tuple(lines), (f"Layer line {number + alone}: {_LEFT_OUT}",)
    parse_line(lines[-1], number)  # whatever is wrong with it is reported as usual
    if before[1] != str(outputs):
        raise LayerError(
            f"Layer line {number}, '{lines[-1]}', is followed by a softmax, so it would be the output layer, but there "
            f"are {outputs} classes. Use 'dense {outputs}', or omit both: the output layer is added anyway."
        )
    return tuple(lines[:-1]), (f"'{written}' is the output layer, which is added anyway; {_LEFT_OUT}",)
