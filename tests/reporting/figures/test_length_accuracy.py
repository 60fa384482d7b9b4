"""The accuracy of lengths and places: points, intervals and the numbers beside them."""

import pytest

from picturewise.evaluation.intervals import wilson_interval
from picturewise.reporting.figures import Point, draw_length_accuracy


def points(count, right, pictures=1000):
    return [
        Point(str(n), pictures // n, wilson_interval(round(right * (pictures // n)), pictures // n))
        for n in range(1, count + 1)
    ]


def test_each_share_is_drawn_with_its_interval():
    lengths, places = points(3, 0.9), points(4, 0.97)
    figure = draw_length_accuracy(lengths, places, whole="number", symbol="digit")
    for axes, drawn, title in zip(
        figure.axes, (lengths, places), ("Whole numbers", "Single digits"), strict=True
    ):
        assert axes.get_title(loc="left") == title
        (line, _, (bars,)) = axes.containers[0]
        assert line.get_ydata() == pytest.approx([point.accuracy.value for point in drawn])
        ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
        assert ends == [pytest.approx([point.accuracy.low, point.accuracy.high]) for point in drawn]
        assert [label.get_text() for label in axes.get_xticklabels()] == [
            f"{p.name}\n{p.pictures:,}" for p in drawn
        ]
    assert len({axes.get_ylim() for axes in figure.axes}) == 1


@pytest.mark.parametrize("count", [1, 5, 12, 64])
@pytest.mark.parametrize("right", [0.0, 0.5, 0.996, 1.0])
def test_nothing_lies_on_anything_else(count, right, overlapping):
    assert overlapping(draw_length_accuracy(points(count, right), points(count, 1.0))) == []


def test_all_of_the_scale_is_seen():
    axes = draw_length_accuracy(points(2, 0.0), points(2, 1.0)).axes[0]
    low, high = axes.get_ylim()
    assert low < 0
    assert high > 1
    assert [tick for tick in axes.get_yticks() if not 0 <= tick <= 1.001] == []
    assert max(axes.get_yticks()) == pytest.approx(1)
