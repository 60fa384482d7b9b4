from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picturewise.architectures.inverted import Inverted
from picturewise.architectures.layers import (
    ACTIVATIONS,
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GroupNorm,
    Layer,
    Pool,
)
from picturewise.architectures.lines import parse
from picturewise.architectures.residual import Residual
from picturewise.architectures.squeeze_excite import SqueezeExcite
from picturewise.errors import LayerError

ACTIVATION = st.sampled_from([None, *ACTIVATIONS])
SIDE = st.integers(1, 64)
LAYERS: st.SearchStrategy[Layer] = st.one_of(
    st.builds(
        Conv,
        st.integers(1, 65_536),
        st.tuples(SIDE, SIDE),
        SIDE,
        st.sampled_from(["same", "valid"]),
        ACTIVATION,
        st.booleans(),
    ),
    st.builds(Pool, st.sampled_from(["maxpool", "avgpool"]), SIDE, st.none() | SIDE),
    st.builds(Pool, st.just("maxpool"), SIDE, st.none() | SIDE, st.just("same")),
    st.builds(
        Residual,
        st.just("residual"),
        st.integers(1, 65_536),
        st.integers(1, 256),
        SIDE,
        st.booleans(),
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(ACTIVATIONS),
    ),
    st.builds(
        Residual,
        st.just("bottleneck"),
        st.integers(1, 65_536),
        st.integers(1, 256),
        SIDE,
        st.booleans(),
        activation=st.sampled_from(ACTIVATIONS),
    ),
    st.builds(GroupNorm, st.integers(1, 65_536)),
    st.just(Pool("avgpool", None)),
    st.builds(Dense, st.integers(1, 65_536), ACTIVATION),
    st.builds(Dropout, st.floats(0, 1, exclude_max=True)),
    st.builds(Activation, st.sampled_from(ACTIVATIONS)),
    st.sampled_from([BatchNorm(), Flatten()]),
)


@pytest.mark.parametrize(
    ("line", "layer"),
    [
        ("conv 32", Conv(32)),
        ("conv 32 3x3", Conv(32)),
        ("conv 32 same", Conv(32)),
        ("conv 8 5x3 valid /2 tanh", Conv(8, (5, 3), 2, "valid", "tanh")),
        ("conv relu /2 valid 5x3 8", Conv(8, (5, 3), 2, "valid", "relu")),
        ("maxpool 2", Pool("maxpool", 2)),
        ("maxpool /1 3", Pool("maxpool", 3, 1)),
        ("avgpool 3 /2", Pool("avgpool", 3, 2)),
        ("maxpool 3 /2 same", Pool("maxpool", 3, 2, "same")),
        ("maxpool same 3", Pool("maxpool", 3, None, "same")),
        ("avgpool global", Pool("avgpool", None)),
        ("conv 64 7x7 /2 nobias", Conv(64, (7, 7), 2, bias=False)),
        ("conv nobias 64 relu", Conv(64, activation="relu", bias=False)),
        ("residual 64", Residual("residual", 64)),
        ("residual 64 x1 /1 relu", Residual("residual", 64)),
        ("residual 64 /2", Residual("residual", 64, stride=2)),
        ("residual 64 x2 /2", Residual("residual", 64, 2, 2)),
        ("residual 64 gelu", Residual("residual", 64, activation="gelu")),
        ("residual 160 x4 /2 pre", Residual("residual", 160, 4, 2, preactivation=True)),
        ("residual dropout 0.3 pre x4 160", Residual("residual", 160, 4, 1, preactivation=True, dropout=0.3)),
        ("residual 16 dropout .3", Residual("residual", 16, dropout=0.3)),
        ("bottleneck 64 x3 /2", Residual("bottleneck", 64, 3, 2)),
        ("bottleneck 64 silu pre", Residual("bottleneck", 64, preactivation=True, activation="silu")),
        ("conv 32 groups 4", Conv(32, groups=4)),
        ("conv groups 4 32 5x5", Conv(32, (5, 5), groups=4)),
        ("conv 32 depthwise relu6 /2", Conv(32, stride=2, depthwise=True, activation="relu6")),
        ("conv 32 same-upper /2", Conv(32, stride=2, padding="same-upper")),
        ("mbconv 24", Inverted(24)),
        ("mbconv 24 x2 /2 expand 6", Inverted(24, 2, 2)),
        ("mbconv expand 1 16 squeeze 4 silu 5x5", Inverted(16, 1, 1, 1, (5, 5), 4, activation="silu")),
        ("mbconv 40 same-upper x2", Inverted(40, 2, padding="same-upper")),
        ("squeeze-excite 4", SqueezeExcite(4)),
        ("squeeze-excite silu 16", SqueezeExcite(16, "silu")),
        ("groupnorm 32", GroupNorm(32)),
        ("dense 128", Dense(128)),
        ("dense gelu 128", Dense(128, "gelu")),
        ("batchnorm", BatchNorm()),
        ("flatten", Flatten()),
        ("dropout 0", Dropout(0)),
        ("dropout .5", Dropout(0.5)),
        ("dropout 0.25", Dropout(0.25)),
        *((name, Activation(name)) for name in ACTIVATIONS),
    ],
)
def test_each_form_of_a_line_is_read(line: str, layer: Layer) -> None:
    assert parse(line) == (layer,)
    assert parse(f"  {line.upper()}\t") == (layer,)


def test_whitening_is_computed_from_the_pictures_so_it_comes_first() -> None:
    assert parse("conv 24 2x2 valid whiten gelu") == (Conv(24, (2, 2), 1, "valid", "gelu", whiten=True),)
    assert parse("conv whiten nobias 8")[0].line == "conv 8 3x3 nobias whiten"
    with pytest.raises(LayerError, match=r"line 2, .* must be in the first line\."):
        parse("batchnorm; conv 24 2x2 whiten")
    with pytest.raises(LayerError, match=r"so the number of filters must be even\."):
        parse("conv 23 2x2 whiten")


def test_lines_end_at_semicolons_and_new_lines_and_comments_count_for_nothing() -> None:
    text = "# a network; of two layers\nflatten # all; pixels\r\n\n;; dense 10 relu;\n#"
    assert parse(text) == (Flatten(), Dense(10, "relu"))
    assert parse(["flatten; batchnorm", "", "dense 10 relu\n"]) == (Flatten(), BatchNorm(), Dense(10, "relu"))
    assert parse("") == parse([]) == ()


@given(LAYERS)
def test_a_layer_survives_being_written_and_read(layer: Layer) -> None:
    (found,) = parse(layer.line)
    assert found.line == layer.line
    if isinstance(layer, Pool):  # a stride of the window's own size is not written
        assert isinstance(found, Pool)
        assert (found.kind, found.size, found.step) == (layer.kind, layer.size, layer.step)
        assert found.padding == layer.padding
    else:
        assert found == layer


@given(LAYERS, st.randoms(use_true_random=False))
def test_words_may_be_in_any_order(layer: Layer, shuffle: random.Random) -> None:
    kind, *words = layer.line.split()
    shuffle.shuffle(words)
    assert [found.line for found in parse(" ".join([kind, *words]))] == [layer.line]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (
            "cnv 32 3x3",
            "'cnv' is not a layer. Choose from conv, batchnorm, groupnorm, maxpool, avgpool, residual, ",
        ),
        ("cnv 32 3x3", "silu, timm. Did you mean 'conv'?"),
        ("conv", "it needs the number of filters (an integer)."),
        ("conv 3x3", "it needs the number of filters (an integer), not '3x3'."),
        ("conv -3", "it needs the number of filters (an integer), not '-3'."),
        ("conv 0", "the number of filters must be in 1..65,536, not 0."),
        ("conv 65537", "the number of filters must be in 1..65,536, not 65537."),
        ("conv " + "9" * 400, "the number of filters must be in 1..65,536, not 99"),
        ("conv 32 0x3", "a side of the kernel must be in 1..64, not 0."),
        ("conv 32 3x65", "a side of the kernel must be in 1..64, not 65."),
        ("conv 32 /0", "the stride must be in 1..64, not 0."),
        ("conv 32 3x3x3", "'3x3x3' is not allowed here."),
        ("conv 32 rleu", "'rleu' is not allowed here. Did you mean 'relu'?"),
        ("conv 32 valdi", "'valdi' is not allowed here. Did you mean 'valid'?"),
        ("conv 32 relu tanh", "'tanh' is not allowed here."),
        ("conv 32 same valid", "'valid' is not allowed here."),
        ("conv 32 64", "'64' is not allowed here."),
        ("maxpool", "it needs the size of its window (an integer)."),
        ("maxpool global", "it needs the size of its window (an integer), not 'global'."),
        ("maxpool 2x2", "it needs the size of its window (an integer), not '2x2'."),
        ("avgpool globl", "it needs the size of its window (an integer), not 'globl'."),
        ("avgpool global 2", "'2' is not allowed here."),
        ("maxpool 65", "the size of its window must be in 1..64, not 65."),
        ("maxpool 3 smae", "'smae' is not allowed here. Did you mean 'same'?"),
        ("maxpool 3 valid", "'valid' is not allowed here."),
        ("avgpool 3 same", "only maxpool supports 'same', because averages need complete windows."),
        ("conv 64 whitn", "'whitn' is not allowed here. Did you mean 'whiten'?"),
        ("conv 64 nobais", "'nobais' is not allowed here. Did you mean 'nobias'?"),
        ("dense 64 nobias", "'nobias' is not allowed here."),
        ("residaul 64", "Did you mean 'residual'?"),
        ("botleneck 64", "Did you mean 'bottleneck'?"),
        ("residual", "it needs the width of its blocks (an integer)."),
        ("residual x2", "it needs the width of its blocks (an integer), not 'x2'."),
        ("residual 0", "the width of its blocks must be in 1..65,536, not 0."),
        ("residual 64 x0", "the number of blocks must be in 1..256, not 0."),
        ("residual 64 x257", "the number of blocks must be in 1..256, not 257."),
        ("residual 64 2", "'2' is not allowed here."),
        ("residual 64 3x3", "'3x3' is not allowed here."),
        ("residual 64 /65", "the stride must be in 1..64, not 65."),
        ("residual 64 valid", "'valid' is not allowed here."),
        ("residual 64 x2 per", "'per' is not allowed here. Did you mean 'pre'?"),
        ("residual 64 dropout", "the rate must be at least 0 and less than 1, such as 0.25."),
        ("residual 64 dropout 1", "the rate must be at least 0 and less than 1, such as 0.25."),
        ("residual 64 dropout 1.0", "the rate must be at least 0 and less than 1, such as 0.25, not 1.0."),
        ("residual 64 0.3", "'0.3' is not allowed here."),
        (
            "bottleneck 64 dropout 0.3",
            "dropout inside a bottleneck is not supported; add a line such as 'dropout 0.3' after it.",
        ),
        ("conv 32 groups", "'groups' must be followed by an integer, such as 'groups 4'."),
        ("conv 32 groups relu", "'groups' must be followed by an integer, such as 'groups 4'."),
        ("conv 32 groups 0", "the number of groups must be in 1..65,536, not 0."),
        ("conv 32 groups 2 depthwise", "'depthwise' always uses one group per channel, so omit 'groups'"),
        ("conv 32 2x2 whiten depthwise", "patches of all channels, so it cannot have groups"),
        ("mbconv", "it needs the number of channels (an integer)."),
        ("mbconv 24 valid", "so it needs padding; omit 'valid'"),
        ("mbconv 24 expand 65", "the factor of 'expand' must be in 1..64, not 65."),
        ("mbconv 24 pre", "'pre' is not allowed here."),
        ("squeeze-excite", "it needs the reduction of the channels (an integer)."),
        ("groupnorm", "it needs the number of groups (an integer)."),
        ("groupnorm 0", "the number of groups must be in 1..65,536, not 0."),
        ("groupnorm 8 8", "'8' is not allowed here."),
        ("dense relu", "it needs the number of units (an integer), not 'relu'."),
        ("dense 1.5", "it needs the number of units (an integer), not '1.5'."),
        ("dense 128 3x3", "'3x3' is not allowed here."),
        ("dropout", "the rate must be at least 0 and less than 1, such as 0.25."),
        ("dropout 1", "the rate must be at least 0 and less than 1, such as 0.25, not 1."),
        ("dropout 25%", "the rate must be at least 0 and less than 1, such as 0.25."),
        ("flatten 2", "'2' is not allowed here."),
        ("batchnorm relu", "'relu' is not allowed here."),
        ("relu 0.1", "'0.1' is not allowed here."),
    ],
)
def test_a_line_that_cannot_be_read_is_named_with_its_number_and_the_way_out(
    line: str, complaint: str
) -> None:
    with pytest.raises(LayerError) as caught:
        parse(f"flatten\n\n   {line.replace(' ', '   ')}  # comment\ndense 3")
    message = str(caught.value)
    shown = line if len(line) < 200 else f"{line[:147]} […] {line[-48:]}"  # at most 200 characters
    assert message.startswith(f"Layer line 2, '{shown}', cannot be read: ")
    assert complaint in message
    assert message.endswith((".", "?"))
    assert "\n" not in message


WORDS = [
    "conv",
    "dense",
    "maxpool",
    "avgpool",
    "dropout",
    "residual",
    "bottleneck",
    "groupnorm",
    "mbconv",
    "squeeze-excite",
    "expand",
    "squeeze",
    "groups",
    "depthwise",
    "same-upper",
    "x2",
    "pre",
    "same",
    "nobias",
    "whiten",
    "relu",
    "3",
    "0.5",
    "3x3",
    "/2",
    "valid",
    "global",
    "#",
    ";",
]


@pytest.mark.slow
@settings(max_examples=300)
@given(st.lists(st.sampled_from([*WORDS, "\n"]) | st.text(max_size=4), max_size=6))
def test_any_text_is_layers_or_an_error_of_ours(words: list[str]) -> None:
    try:
        layers = parse(" ".join(words))
    except LayerError as error:
        assert "cannot be read: " in str(error)  # noqa: PT017 (both outcomes are right)
    else:
        lines = [layer.line for layer in layers]
        assert [layer.line for layer in parse(lines)] == lines
