from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from picturewise.architectures.lines import parse
from picturewise.architectures.named import NETWORKS, cnn, mlp, named_lines, network_notes
from picturewise.architectures.summary import Summary, summarise
from picturewise.errors import UsageError


def table(name: str, shape: tuple[int, int, int], classes: int = 10) -> Summary:
    return summarise(parse(named_lines(name, shape)), shape, f"dense {classes}")


@pytest.mark.parametrize("name", NETWORKS)
@given(height=st.integers(1, 224), width=st.integers(1, 224), channels=st.sampled_from([1, 3]))
@example(height=1, width=1, channels=1)
@example(height=224, width=224, channels=3)
@example(height=1, width=224, channels=3)
def test_every_preset_fits_every_size(name: str, height: int, width: int, channels: int) -> None:
    assert table(name, (height, width, channels)).rows[-1].output == (10,)


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 1), (32, 32, 3)])
def test_the_cnn_has_fewer_parameters_than_the_mlp(shape: tuple[int, int, int]) -> None:
    assert table("cnn", shape).trainable < table("mlp", shape).trainable


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 64, 3), (224, 224, 3)])
def test_the_small_cnn_has_about_a_fifth_of_the_work_and_fewer_parameters(
    shape: tuple[int, int, int],
) -> None:
    small, usual = table("small-cnn", shape), table("cnn", shape)
    assert usual.multiplications / 6 < small.multiplications < usual.multiplications / 4.5
    assert small.trainable < usual.trainable


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (224, 224, 3)])
def test_the_cnn_pools_at_least_twice_and_down_to_at_most_8_pixels(shape: tuple[int, int, int]) -> None:
    before_flatten = next(i for i, row in enumerate(table("cnn", shape).rows) if row.line == "flatten") - 1
    height, _, _ = table("cnn", shape).rows[before_flatten].output
    assert height <= 8
    assert cnn(shape).count("maxpool 2") >= 2


def test_hidden_sizes_can_follow_the_name_of_the_mlp() -> None:
    assert named_lines("mlp 256 128", (8, 8, 1)) == mlp((8, 8, 1), [256, 128])
    assert named_lines(" mlp ", (8, 8, 1)) == mlp((8, 8, 1))


@pytest.mark.parametrize("text", ["mlp 0", "mlp 256 x", "mlp -1", "mlp 1.5", "cnn 32", "mlp ²"])
def test_sizes_that_make_no_sense_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(
        UsageError, match=f"'{text}' is not valid: only mlp accepts layer sizes.*'mlp 256 128'"
    ):
        named_lines(text, (8, 8, 1))


def test_an_unknown_preset_gets_the_nearest_one() -> None:
    with pytest.raises(UsageError, match=r"Unknown network.* 'cnnn'.* Did you mean 'cnn'\?"):
        named_lines("cnnn", (8, 8, 1))
    with pytest.raises(UsageError, match=r"Unknown network.* ''"):
        named_lines("", (8, 8, 1))


@pytest.mark.parametrize(
    ("typed", "meant"), [("resnet-18", "resnet18"), ("vgg-16", "vgg16"), ("wide-resnet", "wide-resnet-28-10")]
)
def test_near_misses_of_the_families_are_answered_with_the_name(typed: str, meant: str) -> None:
    with pytest.raises(
        UsageError, match=rf"Choose from cnn, small-cnn, mlp, vgg11, .*Did you mean '{meant}'\?"
    ):
        named_lines(typed, (32, 32, 3))


@pytest.mark.parametrize(
    ("side", "poolings", "head"),
    [
        (8, 3, ("avgpool global",)),
        (28, 4, ("avgpool global",)),
        (32, 5, ("avgpool global",)),
        (223, 5, ("avgpool global",)),
        (224, 5, ("flatten", "dense 4096 relu", "dropout 0.5", "dense 4096 relu", "dropout 0.5")),
        (256, 5, ("avgpool global",)),
    ],
)
def test_vgg_pools_while_there_is_something_to_pool_and_has_its_head_at_its_size(
    side: int, poolings: int, head: tuple[str, ...]
) -> None:
    lines = named_lines("vgg11", (side, side, 3))
    assert lines.count("maxpool 2") == poolings
    assert lines[-len(head) :] == head


@pytest.mark.parametrize("name", ["resnet18", "resnet20", "resnet34", "resnet50", "wide-resnet-28-10"])
def test_residual_networks_pool_in_the_stem_from_64_pixels_on(name: str) -> None:
    for shape in ((63, 300, 3), (28, 28, 1)):
        assert named_lines(name, shape)[0].endswith(" 3x3 nobias")
        assert "maxpool 3 /2 same" not in named_lines(name, shape)
    for shape in ((64, 64, 3), (224, 224, 3)):
        assert named_lines(name, shape)[0].endswith(" 7x7 /2 nobias")
        assert named_lines(name, shape).count("maxpool 3 /2 same") == 1


def test_a_wide_resnet_is_written_out_in_the_form_of_its_paper() -> None:
    assert named_lines("wide-resnet-28-10", (32, 32, 3)) == (
        "conv 16 3x3 nobias", "residual 160 x4 pre", "residual 320 x4 /2 pre", "residual 640 x4 /2 pre",
        "batchnorm", "relu", "avgpool global",
    )  # fmt: skip


def test_airbench94_is_written_out_as_published() -> None:
    """Jordan (2024): three groups that leave 3x3 pixels, and 1.97 million weights in kernels."""
    group = "conv {0} 3x3 nobias; maxpool 2; batchnorm; gelu; conv {0} 3x3 nobias; batchnorm; gelu"
    lines = named_lines("airbench94", (32, 32, 3))
    assert "; ".join(lines) == "; ".join(
        ["conv 24 2x2 valid whiten gelu", *map(group.format, (64, 256, 256)), "maxpool 3", "flatten"]
    )
    rows = table("airbench94", (32, 32, 3)).rows
    shapes = [row.output for row in rows]
    assert [shapes[i] for i in (0, 2, 9, 16, 22)] == [
        (31, 31, 24), (15, 15, 64), (7, 7, 256), (3, 3, 256), (1, 1, 256),
    ]  # fmt: skip
    kernels = sum(row.count.total for row in rows if row.line.startswith("conv")) - 24
    assert kernels == 288 + 9 * (24 * 64 + 64 * 64 + 64 * 256 + 3 * 256 * 256)


@pytest.mark.parametrize(
    ("text", "side", "note"),
    [
        (
            "vgg16",
            32,
            "vgg16 was published for 224x224 pixels; for 32x32 its two dense layers of 4,096 are replaced with ",
        ),
        ("vgg16", 32, "are replaced with global pooling."),
        (
            "vgg11",
            8,
            "global pooling, and 2 of its 5 pooling layers are left out, because nothing is left to pool.",
        ),
        (
            "resnet18",
            63,
            "resnet18 was published for 224x224 pixels; for 63x63 it starts with the stem for small ",
        ),
        ("resnet18", 63, "the stem for small pictures (3x3 without stride and pooling)."),
        (
            "resnet20",
            224,
            "resnet20 was published for 32x32 pixels; for 224x224 it starts with the stem for large ",
        ),
        ("resnet20", 224, "the stem for large pictures (7x7 with stride 2 and pooling)."),
        (
            "airbench94",
            64,
            "was published for 32x32 pixels; for 64x64 it has 4 groups of convolutions instead of 3.",
        ),
        ("airbench94", 1, "for 1x1 it has 1 group of convolutions instead of 3."),
    ],
)
def test_a_preset_says_how_it_differs_from_its_published_form(text: str, side: int, note: str) -> None:
    (found,) = network_notes(text, (side, side, 3))
    assert note in found


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("cnn", 28),
        ("mlp 20", 28),
        ("vgg16", 224),
        ("resnet18", 64),
        ("resnet20", 28),
        ("wide-resnet-28-10", 32),
        ("airbench94", 28),
        ("airbench94", 32),
    ],
)
def test_a_preset_in_its_published_form_says_nothing(text: str, side: int) -> None:
    assert network_notes(text, (side, side, 3)) == ()


@pytest.mark.parametrize("name", NETWORKS)
def test_lines_of_presets_are_in_their_shortest_form(name: str) -> None:
    for side in (8, 32, 224):
        lines = named_lines(name, (side, side, 3))
        assert tuple(layer.line for layer in parse(lines)) == lines
