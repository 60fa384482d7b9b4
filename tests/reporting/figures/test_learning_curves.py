import io
from dataclasses import replace

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from picturewise.reporting.figures import draw_learning_curves, look


def models(history, number, epochs):
    return {
        f"model {n}": history(epochs - n if epochs > n else epochs, accuracy=0.95 - n / 20)
        for n in range(number)
    }


def test_train_is_dashed_and_validation_solid(history):
    rows = history(5)
    loss, accuracy = draw_learning_curves({"cnn": rows}).axes
    for axes, measure in ((loss, "loss"), (accuracy, "accuracy")):
        train, valid = axes.lines[:2]
        assert train.get_linestyle() == "--"
        assert valid.get_linestyle() == "-"
        assert list(train.get_xdata()) == list(valid.get_xdata()) == [1, 2, 3, 4, 5]
        assert list(train.get_ydata()) == [getattr(row, f"train_{measure}") for row in rows]
        assert list(valid.get_ydata()) == [getattr(row, f"valid_{measure}") for row in rows]


def test_the_best_epoch_is_marked_in_both_panels_and_named(history):
    rows = history(5)  # the last epoch is a step back
    figure = draw_learning_curves({"cnn": rows})
    for axes, best in zip(figure.axes, (rows[3].valid_loss, rows[3].valid_accuracy), strict=True):
        marker = axes.lines[2]
        assert (marker.get_xdata()[0], marker.get_ydata()[0]) == (4, best)
        assert marker.get_marker() == "o"
    assert [text.get_text() for text in figure.legends[1].get_texts()] == ["cnn: best epoch 4"]


def test_an_epoch_that_was_validated_with_fewer_views_is_not_the_best(history):
    rows = [replace(row, views=1 if row.epoch < 5 else 6) for row in history(5)]
    figure = draw_learning_curves({"cnn": rows})
    assert [line.get_xdata()[0] for line in (axes.lines[2] for axes in figure.axes)] == [5, 5]
    assert [text.get_text() for text in figure.legends[1].get_texts()] == ["cnn: best epoch 5 (all views)"]


def test_each_model_has_one_colour_and_one_shape(history):
    figure = draw_learning_curves(models(history, 6, 20))
    for axes in figure.axes:
        assert [to_hex(line.get_color()).upper() for line in axes.lines[1:12:2]] == list(look.MODEL_COLOURS)
        assert [line.get_marker() for line in axes.lines[12:]] == list(look.MODEL_MARKERS)


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 30, 500])
def test_ticks_are_whole_epochs_that_took_place(epochs, history):
    for axes in draw_learning_curves({"cnn": history(epochs)}).axes:
        first, last = axes.get_xlim()
        ticks = [tick for tick in axes.get_xticks() if first <= tick <= last]
        assert ticks
        assert all(tick == int(tick) and 1 <= tick <= epochs for tick in ticks)


def test_one_epoch_is_drawn_as_points(history):
    train, valid = draw_learning_curves({"cnn": history(1)}).axes[0].lines[:2]
    assert train.get_marker() == valid.get_marker() == "o"
    assert train.get_markerfacecolor() == "none"


def test_no_axis_promises_the_impossible(history):
    loss, accuracy = draw_learning_curves({"cnn": history(400, accuracy=1.0)}).axes
    assert loss.get_ylim()[0] == 0
    assert accuracy.get_ylim()[1] <= 1


@pytest.mark.parametrize("number", [1, 3, 6])
@pytest.mark.parametrize("epochs", [1, 500])
def test_nothing_lies_on_anything(number, epochs, history, overlapping, strange_names):
    named = dict(zip(strange_names, models(history, number, epochs).values(), strict=False))
    figure = draw_learning_curves(named)
    assert overlapping(figure) == []
    lowest = min(axes.get_tightbbox().y0 for axes in figure.axes)
    for legend in figure.legends:
        assert 0 <= legend.get_window_extent().y0 <= legend.get_window_extent().y1 <= lowest


def test_names_stay_literal_where_the_figure_is_saved_by_others(history):
    figure = draw_learning_curves({"$x": history(2)})
    assert isinstance(figure, Figure)
    figure.savefig(io.BytesIO())  # outside of our style a lone dollar would be a parse error
    assert figure.legends[1].get_texts()[0].get_parse_math() is False
