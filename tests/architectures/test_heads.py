"""The layer line of sequences."""

from __future__ import annotations

import pytest

from picturewise.architectures.heads import Numbers, split_head
from picturewise.architectures.lines import LayerError, parse, parse_line, with_output
from picturewise.targets import Places


@pytest.mark.parametrize(
    ("line", "places", "symbols", "short"),
    [
        ("numbers 5", 5, 10, "numbers 5"),
        ("numbers 1 of 36", 1, 36, "numbers 1 of 36"),
        ("Numbers 5 of 10", 5, 10, "numbers 5"),
        ("numbers 64 of 1000", 64, 1000, "numbers 64 of 1000"),
    ],
)
def test_a_line_has_an_output_for_each_length_and_each_symbol_at_each_place(
    line: str, places: int, symbols: int, short: str
) -> None:
    layer = parse_line(line, 1)
    assert isinstance(layer, Numbers)
    assert (layer.places, layer.symbols, layer.line, layer.activation) == (places, symbols, short, None)
    target = Places(tuple(map(chr, range(symbols))), places)
    assert layer.units == target.outputs
    assert parse_line(target.output_line, 1) == Numbers.of(places, symbols)


@pytest.mark.parametrize(
    "line",
    [
        *(
            "numbers",
            "numbers 0",
            "numbers 65",
            "numbers -1",
            "numbers five",
            "numbers 5 of",
            "numbers 5 of 0",
        ),
        *("numbers 5 of 1001", "numbers 5 relu", "numbers 5 5", "numbers 5 of 10 of 10", "numbers of 10"),
    ],
)
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(LayerError, match=r"[Ll]ayer line 3"):
        parse_line(line, 3)


def test_the_line_of_sequences_can_only_be_the_last() -> None:
    with pytest.raises(LayerError) as caught:
        parse("flatten; numbers 5; dense 3")
    assert str(caught.value) == (
        "Layer line 2, 'numbers 5', is an output layer for sequences of symbols. It can only be the last line, of a "
        "network for data with --target sequence."
    )
    layers = with_output(parse("flatten"), "numbers 5")
    assert layers[-1] == Numbers.of(5, 10)


@pytest.mark.parametrize(
    ("lines", "rest", "head"),
    [
        (("flatten", "numbers 5"), ("flatten",), "numbers 5"),
        (("flatten", "NUMBERS 5 of 36"), ("flatten",), "NUMBERS 5 of 36"),
        (("flatten",), ("flatten",), None),
        ((), (), None),
        (("numbers 5", "flatten"), ("numbers 5", "flatten"), None),
    ],
)
def test_the_last_line_is_split_off(lines: tuple[str, ...], rest: tuple[str, ...], head: str | None) -> None:
    assert split_head(lines) == (rest, head)
