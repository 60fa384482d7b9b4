import pytest
from matplotlib.colors import to_hex

from picturewise.reporting.figures import draw_learning_rates, look

RATES = [10.0**power for power in range(-6, 1)]
LOSSES = [2.4, 2.3, 2.2, 1.0, 0.6, 0.4, 5.0]
SMOOTHED = [2.4, 2.35, 2.3, 1.5, 0.9, 0.5, 2.1]


def draw(**changes):
    marks = {"suggested": 0.01, "steepest": 0.001, "lowest": 0.1, "burst": 1.0} | changes
    return draw_learning_rates(RATES, LOSSES, SMOOTHED, **marks)


def test_losses_are_dots_and_their_mean_a_line_against_the_log_of_the_rate():
    axes = draw().axes[0]
    dots, line = axes.lines[:2]
    assert (list(dots.get_xdata()), list(dots.get_ydata())) == (RATES, LOSSES)
    assert (list(line.get_xdata()), list(line.get_ydata())) == (RATES, SMOOTHED)
    assert (dots.get_linestyle(), dots.get_marker(), line.get_linestyle()) == ("None", "o", "-")
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")


def test_the_suggested_rate_is_a_line_from_top_to_bottom():
    line = draw().axes[0].lines[2]
    assert list(line.get_xdata()) == [0.01, 0.01]
    assert list(line.get_ydata()) == [0, 1]  # shares of the panel


def test_the_steepest_and_the_lowest_place_are_marked_on_the_mean_by_colour_and_shape():
    steepest, lowest = draw().axes[0].lines[3:]
    assert (list(steepest.get_xdata()), list(steepest.get_ydata())) == ([0.001], [1.5])
    assert (list(lowest.get_xdata()), list(lowest.get_ydata())) == ([0.1], [0.5])
    assert steepest.get_marker() != lowest.get_marker()
    assert to_hex(steepest.get_color()) != to_hex(lowest.get_color())


def test_where_the_loss_burst_the_panel_is_coloured_and_elsewhere_not():
    (band,) = draw().axes[0].patches
    assert band.get_x() == 1.0
    assert to_hex(band.get_facecolor()).upper() == look.VERMILION
    assert not draw(burst=None).axes[0].patches


def test_a_loss_that_bursts_does_not_flatten_what_came_before():
    assert 2.4 < draw().axes[0].get_ylim()[1] < 3


def test_the_legend_names_every_rate():
    said = [text.get_text() for text in draw().legends[0].get_texts()]
    assert said == [
        "loss of a batch", "running mean", "steepest fall at 0.001", "lowest loss at 0.1", "suggested: 0.01",
        "diverged from 1",
    ]  # fmt: skip
    assert len(draw(burst=None).legends[0].get_texts()) == 5


@pytest.mark.parametrize("burst", [None, 1.0, 2.5])
def test_nothing_lies_on_anything(burst, overlapping):
    figure = draw(burst=burst)
    assert overlapping(figure) == []
    assert figure.legends[0].get_window_extent().y0 >= 0
    assert figure.legends[0].get_window_extent().y1 <= figure.axes[0].get_tightbbox().y0
