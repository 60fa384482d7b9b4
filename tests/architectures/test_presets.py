from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sightline.architectures.lines import parse
from sightline.architectures.presets import PRESETS, cnn, mlp, preset
from sightline.architectures.summary import Summary, summarise
from sightline.errors import UsageError


def table(name: str, shape: tuple[int, int, int], classes: int = 10) -> Summary:
    return summarise(parse(preset(name, shape)), shape, classes)


@pytest.mark.parametrize("name", PRESETS)
@given(height=st.integers(1, 224), width=st.integers(1, 224), channels=st.sampled_from([1, 3]))
@example(height=1, width=1, channels=1)
@example(height=224, width=224, channels=3)
@example(height=1, width=224, channels=3)
def test_every_preset_fits_every_size(name: str, height: int, width: int, channels: int) -> None:
    assert table(name, (height, width, channels)).rows[-1].output == (10,)


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 1), (32, 32, 3)])
def test_the_cnn_has_fewer_parameters_than_the_mlp(shape: tuple[int, int, int]) -> None:
    assert table("cnn", shape).trainable < table("mlp", shape).trainable


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (224, 224, 3)])
def test_the_cnn_pools_at_least_twice_and_down_to_at_most_8_pixels(shape: tuple[int, int, int]) -> None:
    before_flatten = next(i for i, row in enumerate(table("cnn", shape).rows) if row.line == "flatten") - 1
    height, _, _ = table("cnn", shape).rows[before_flatten].output
    assert height <= 8
    assert cnn(shape).count("maxpool 2") >= 2


def test_hidden_sizes_can_follow_the_name_of_the_mlp() -> None:
    assert preset("mlp 256 128", (8, 8, 1)) == mlp((8, 8, 1), [256, 128])
    assert preset(" mlp ", (8, 8, 1)) == mlp((8, 8, 1))


@pytest.mark.parametrize("text", ["mlp 0", "mlp 256 x", "mlp -1", "mlp 1.5", "cnn 32", "mlp ²"])
def test_sizes_that_make_no_sense_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=f"'{text}' is not understood: only mlp takes sizes.*'mlp 256 128'"):
        preset(text, (8, 8, 1))


def test_an_unknown_preset_gets_the_nearest_one() -> None:
    with pytest.raises(UsageError, match=r"'cnnn' is no preset .* Did you mean 'cnn'\?"):
        preset("cnnn", (8, 8, 1))
    with pytest.raises(UsageError, match="'' is no preset"):
        preset("", (8, 8, 1))
