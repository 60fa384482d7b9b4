import pytest
from matplotlib.patches import FancyArrowPatch, Rectangle

from picturewise.architectures.lines import parse
from picturewise.architectures.named import named_lines
from picturewise.architectures.summary import summarise
from picturewise.reporting.figures import draw_architecture

SMALL = "conv 8 3x3; relu; maxpool 2; residual 8 x3; flatten; dense 16 relu"


def draw(layers=SMALL, shape=(8, 8, 3)):
    return draw_architecture(summarise(parse(layers), shape, "dense 10")).axes[0]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_every_layer_stands_with_the_shape_that_leaves_it_and_its_parameters():
    said = texts(draw())
    lines = [
        "input",
        "conv 8 3x3",
        "relu",
        "maxpool 2",
        "residual 8 x3",
        "flatten",
        "dense 16 relu",
        "dense 10",
    ]
    assert [text for text in said if text in lines] == lines
    shapes = ["8x8x3", "8x8x8", "4x4x8", "128", "16", "10"]
    assert [text for text in said if text in shapes] == [
        "8x8x3", "8x8x8", "8x8x8", "4x4x8", "4x4x8", "128", "16", "10",
    ]  # fmt: skip
    assert {"224", "3,552", "2,064", "170"} <= set(said)


def test_each_layer_leads_to_the_next_and_residual_ones_lead_around_themselves():
    axes = draw()
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == 7 + 1
    assert "x3" in texts(axes)


def test_where_more_numbers_leave_the_box_is_wider():
    boxes = [p for p in draw("dense 4096; dense 8", (1, 1, 64)[2:]).patches if isinstance(p, Rectangle)]
    widths = sorted({round(box.get_width(), 3) for box in boxes if box.get_height() == pytest.approx(0.22)})
    assert len(widths) >= 3
    assert widths[-1] == pytest.approx(3.4)


def test_long_networks_stand_in_columns():
    assert texts(draw(named_lines("vgg16", (32, 32, 3)), (32, 32, 3))).count("layer") == 2


@pytest.mark.parametrize("name", ["cnn", "vgg11", "resnet50", "wide-resnet-28-10"])
def test_nothing_lies_on_anything(name, overlapping):
    figure = draw_architecture(summarise(parse(named_lines(name, (64, 64, 3))), (64, 64, 3), "dense 1000"))
    assert not overlapping(figure)
