"""The grammar of layer lines: text in, layers out.

    conv 32 3x3 relu        filters, kernel (3x3 if omitted), then in any order: activation, /stride, nobias, valid
                            or same-upper (TensorFlow's padding), 'groups 4' or depthwise
    conv 24 2x2 whiten      kernels that decorrelate patches of the training pictures and stay fixed; first line only
    maxpool 3 /2 same       window, /stride if it is not the window; same: windows may hang over the edge
    avgpool global          or a window, as for maxpool
    residual 64 x2 /2       width, blocks, /stride of the first; then pre, an activation, 'dropout 0.3' inside
    bottleneck 64 x3 /2     the same for blocks of 1x1, 3x3 and 1x1, without dropout
    mbconv 24 x2 /2         channels, inverted residual blocks, /stride of the first; then 'expand 6', a kernel for the
                            depthwise convolution, 'squeeze 4', same-upper, an activation (relu6 if omitted)
    squeeze-excite 4        scales each channel; its inner layer has a quarter of the channels
    batchnorm
    groupnorm 32            groups of channels
    dropout 0.25
    flatten
    dense 128 relu
    relu                    an activation alone: relu, relu6, tanh, sigmoid, gelu, silu
    timm resnet18           a timm network without its output layer; first line only

Lines are separated by new lines or semicolons; what follows a # is a comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, get_args

from picturewise.architectures.heads import HEADS, USUAL_SYMBOLS, Columns, Numbers
from picturewise.architectures.inverted import Inverted
from picturewise.architectures.layers import (
    ACTIVATIONS,
    Activation,
    ActivationName,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GroupNorm,
    Layer,
    Padding,
    Pool,
)
from picturewise.architectures.residual import Residual
from picturewise.architectures.squeeze_excite import SqueezeExcite
from picturewise.architectures.timm_line import NAME, Timm, timm_line
from picturewise.errors import LayerError, nearest
from picturewise.printable import shortened

MOST_UNITS = 65_536
MOST_PIXELS = 64
MOST_BLOCKS = 256
MOST_EXPANSION = 64
MOST_LINES = 1_000
_WORDS = (
    "same",
    "same-upper",
    "valid",
    "nobias",
    "whiten",
    "global",
    "pre",
    "dropout",
    "groups",
    "depthwise",
    "expand",
)
SOFTMAX = frozenset({"softmax", "log-softmax", "log_softmax", "logsoftmax"})
"""What is understood only at the end, see `softmax.py`."""

MOST_PLACES, MOST_SYMBOLS, MOST_BEAM = 64, 1_000, 100
LONGEST_LINE = 500
"""Characters; the longest valid line has a tiny dropout rate, written out."""


def parse(text: str | Sequence[str]) -> tuple[Layer, ...]:
    """Return the layers that `text` (or each of several texts) describes.

    Raises:
        LayerError: a line cannot be read (the message names it), or there are too many.

    >>> [layer.line for layer in parse("conv 32 /2 relu 3x3; flatten  # a comment")]
    ['conv 32 3x3 /2 relu', 'flatten']
    """
    lines = split_lines(text)
    if len(lines) > MOST_LINES:
        raise LayerError(
            f"There are {len(lines):,} layer lines, but at most {MOST_LINES:,} are allowed. Use fewer lines."
        )
    layers = tuple(parse_line(line, number) for number, line in enumerate(lines, start=1))
    for number, layer in enumerate(layers, start=1):
        if isinstance(layer, HEADS):
            raise LayerError(
                f"Layer line {number}, '{layer.line}', is an output layer for sequences of symbols. It can only be the "
                "last line, of a network for data with --target sequence."
            )
    return layers


def with_output(layers: Sequence[Layer], output: str) -> tuple[Layer, ...]:
    """Return the layers with the output layer, from the line `output`, at the end.

    >>> [layer.line for layer in with_output(parse("flatten"), "dense 10")]
    ['flatten', 'dense 10']
    """
    return (*layers, parse_line(output, len(layers) + 1))


def split_lines(text: str | Sequence[str]) -> list[str]:
    """Return the lines of `text` (or of several texts) without comments and empty ones.

    >>> split_lines("flatten; dense 9  # the last")
    ['flatten', 'dense 9']
    """
    texts = [text] if isinstance(text, str) else text
    lines = (line.strip() for part in texts for line in re.split(r"[;\n]", re.sub(r"#[^\n]*", "", part)))
    return [line for line in lines if line]


def parse_line(line: str, number: int) -> Layer:
    """Return the layer of one line; `number` is its place, counted from 1, for messages."""
    shown = " ".join(line.split())
    if len(shown) > LONGEST_LINE:
        raise LayerError(
            f"Layer line {number}, '{shown[:40]}…', cannot be read: it has {len(shown):,} characters, but at most "
            f"{LONGEST_LINE} are allowed."
        )
    shown = shortened(shown, 200)
    kind, *arguments = line.lower().split()
    words = _Words(f"Layer line {number}, '{shown}', cannot be read: ", arguments, number)
    if SOFTMAX & {kind, *arguments}:
        raise words.error(
            "a softmax can only follow the last dense layer, and can be omitted there: it is part of the loss and of "
            "every prediction."
        )
    if kind not in _KINDS:
        raise words.error(f"'{kind}' is not a layer. Choose from {', '.join(_KINDS)}.{nearest(kind, _KINDS)}")
    layer = _KINDS[kind](words)
    words.expect_end()
    return layer


class _Words:
    """The words after a layer's name, taken out one kind at a time, in any order."""

    def __init__(self, prefix: str, words: list[str], line: int) -> None:
        self._prefix = prefix
        self._left = words
        self.line = line

    @property
    def found(self) -> str:
        """The next word, for a message, if there is one."""
        return f", not '{self._left[0]}'" if self._left else ""

    def error(self, sentence: str) -> LayerError:
        return LayerError(self._prefix + sentence)

    def take(self, pattern: str) -> str | None:
        """Return the first word that fully matches `pattern`, and remove it."""
        for index, word in enumerate(self._left):
            if re.fullmatch(pattern, word):
                return self._left.pop(index)
        return None

    def number(self, what: str, most: int) -> int:
        """Return a whole number in 1..most."""
        word = self.take(r"\d+")
        if word is None:
            raise self.error(f"it needs {what} (an integer){self.found}.")
        return self.within(word, what, most)

    def optional_number(self, what: str, most: int) -> int | None:
        """Return a whole number in 1..most; None: there is none."""
        word = self.take(r"\d+")
        return None if word is None else self.within(word, f"the number of {what}", most)

    def after(self, word: str, what: str, most: int) -> int | None:
        """Return the whole number in 1..most that follows a word, and remove both; None: the word is not there."""
        if word not in self._left:
            return None
        index = self._left.index(word)
        if not re.fullmatch(r"\d+", "".join(self._left[index + 1 : index + 2])):
            raise self.error(f"'{word}' must be followed by an integer, such as '{word} 4'.")
        number = self.within(self._left[index + 1], what, most)
        del self._left[index : index + 2]
        return number

    def kernel(self) -> tuple[int, int]:
        """Return the sides of a kernel such as 5x5; 3x3 if there is none."""
        word = self.take(r"\d+x\d+") or "3x3"
        height, width = (self.within(side, "a side of the kernel", MOST_PIXELS) for side in word.split("x"))
        return height, width

    def padding(self) -> Padding:
        word = self.take("same|same-upper|valid")
        return next((padding for padding in get_args(Padding) if padding == word), "same")

    def within(self, word: str, what: str, most: int) -> int:
        if not 1 <= len(word) <= 9 or not 1 <= int(word) <= most:
            raise self.error(f"{what} must be in 1..{most:,}, not {word}.")
        return int(word)

    def stride(self) -> int | None:
        word = self.take(r"/\d+")
        return None if word is None else self.within(word[1:], "the stride", MOST_PIXELS)

    def rate(self, pattern: str) -> float:
        word = self.take(pattern)
        if word is None or not 0 <= float(word) < 1:
            raise self.error(
                f"the rate must be at least 0 and less than 1, such as 0.25{f', not {word}' if word else ''}."
            )
        return float(word)

    def activation(self) -> ActivationName | None:
        word = self.take("|".join(ACTIVATIONS))
        return next((name for name in ACTIVATIONS if name == word), None)

    def expect_end(self) -> None:
        if self._left:
            word, known = self._left[0], [*ACTIVATIONS, *_WORDS]
            raise self.error(f"'{word}' is not allowed here.{'' if word in known else nearest(word, known)}")


def _conv(words: _Words) -> Conv:
    groups = words.after("groups", "the number of groups", MOST_UNITS) or 1
    filters, kernel, padding = (
        words.number("the number of filters", MOST_UNITS),
        words.kernel(),
        words.padding(),
    )
    depthwise = words.take("depthwise") is not None
    if depthwise and groups > 1:
        raise words.error("'depthwise' always uses one group per channel, so omit 'groups'.")
    bias, whiten = words.take("nobias") is None, words.take("whiten") is not None
    if whiten and filters % 2:
        raise words.error(
            "whiten uses each direction with both signs, so the number of filters must be even."
        )
    if whiten and (depthwise or groups > 1):
        raise words.error("whiten uses patches of all channels, so it cannot have groups.")
    if whiten and words.line > 1:
        raise words.error(
            "whiten is computed from patches of the pictures themselves, so it must be in the first line."
        )
    stride, activation = words.stride() or 1, words.activation()
    return Conv(filters, kernel, stride, padding, activation, bias, whiten, groups, depthwise)


def _pool(kind: Literal["maxpool", "avgpool"]) -> Callable[[_Words], Pool]:
    def pool(words: _Words) -> Pool:
        if kind == "avgpool" and words.take("global"):
            return Pool(kind, None)
        size, stride = words.number("the size of its window", MOST_PIXELS), words.stride()
        if words.take("same") is None:
            return Pool(kind, size, stride)
        if kind == "avgpool":
            raise words.error("only maxpool supports 'same', because averages need complete windows.")
        return Pool(kind, size, stride, "same")

    return pool


def _residual(kind: Literal["residual", "bottleneck"]) -> Callable[[_Words], Residual]:
    def residual(words: _Words) -> Residual:
        width = words.number("the width of its blocks", MOST_UNITS)
        times = words.take(r"x\d+")
        blocks = 1 if times is None else words.within(times[1:], "the number of blocks", MOST_BLOCKS)
        stride, preactivation = words.stride() or 1, words.take("pre") is not None
        rate = 0.0
        if words.take("dropout"):
            rate = words.rate(r"\d*\.\d+")
            if kind == "bottleneck":
                raise words.error(
                    "dropout inside a bottleneck is not supported; add a line such as 'dropout 0.3' after it."
                )
        return Residual(kind, width, blocks, stride, preactivation, rate, words.activation() or "relu")

    return residual


def _mbconv(words: _Words) -> Inverted:
    expand = words.after("expand", "the factor of 'expand'", MOST_EXPANSION)
    squeeze = words.after("squeeze", "the reduction of 'squeeze'", MOST_UNITS)
    channels = words.number("the number of channels", MOST_UNITS)
    times = words.take(r"x\d+")
    blocks = 1 if times is None else words.within(times[1:], "the number of blocks", MOST_BLOCKS)
    padding = words.padding()
    if padding == "valid":
        raise words.error("mbconv adds its input to its output, so it needs padding; omit 'valid'.")
    return Inverted(
        channels,
        blocks,
        words.stride() or 1,
        6 if expand is None else expand,
        words.kernel(),
        squeeze or 0,
        padding,
        words.activation() or "relu6",
    )


def _squeeze_excite(words: _Words) -> SqueezeExcite:
    reduction = words.number("the reduction of the channels", MOST_UNITS)
    return SqueezeExcite(reduction, words.activation() or "relu")


def _dense(words: _Words) -> Dense:
    return Dense(words.number("the number of units", MOST_UNITS), words.activation())


def _numbers(words: _Words) -> Numbers:
    symbols = words.after("of", "the number of symbols", MOST_SYMBOLS)
    places = words.number("the largest number of symbols of a sequence", MOST_PLACES)
    return Numbers.of(places, symbols or USUAL_SYMBOLS)


def _ctc(words: _Words) -> Columns:
    symbols = words.after("of", "the number of symbols", MOST_SYMBOLS)
    beam = words.after("beam", "the width of the beam", MOST_BEAM)
    places, columns = (
        words.optional_number("places", MOST_PLACES),
        words.optional_number("columns", MOST_PIXELS),
    )
    return Columns(places, columns, symbols or USUAL_SYMBOLS, beam or 1)


def _dropout(words: _Words) -> Dropout:
    return Dropout(words.rate(r"\d*\.?\d+"))


def _groupnorm(words: _Words) -> GroupNorm:
    return GroupNorm(words.number("the number of groups", MOST_UNITS))


def _timm(words: _Words) -> Timm:
    name = words.take(NAME)
    if name is None:
        raise words.error(
            f"it needs a name from timm's registry, such as resnet18 or resnet18.a1_in1k{words.found}. Folders and "
            "repositories are not supported."
        )
    if words.line > 1:
        raise words.error("a timm network takes the pictures as its input, so it must be the first line.")
    try:
        return timm_line(name)
    except ValueError as error:
        raise words.error(str(error)) from error


def _activation(name: ActivationName) -> Callable[[_Words], Activation]:
    return lambda _: Activation(name)


_KINDS: dict[str, Callable[[_Words], Layer]] = {
    "conv": _conv,
    "batchnorm": lambda _: BatchNorm(),
    "groupnorm": _groupnorm,
    "maxpool": _pool("maxpool"),
    "avgpool": _pool("avgpool"),
    "residual": _residual("residual"),
    "bottleneck": _residual("bottleneck"),
    "mbconv": _mbconv,
    "squeeze-excite": _squeeze_excite,
    "dropout": _dropout,
    "flatten": lambda _: Flatten(),
    "dense": _dense,
    "numbers": _numbers,
    "ctc": _ctc,
    **{name: _activation(name) for name in ACTIVATIONS},
    "timm": _timm,
}
