import numpy as np
import pytest

from picturewise.reporting.figures import draw_confusion_matrix


def matrix(classes):
    counts = np.random.default_rng(0).integers(0, 5, (classes, classes))
    np.fill_diagonal(counts, 1000)
    return counts


def cells(figure):
    return np.asarray(figure.axes[0].images[0].get_array())


def test_rows_are_labels_and_columns_predictions():
    axes = draw_confusion_matrix([[90, 10], [0, 1500]], ["cat", "dog"]).axes[0]
    assert axes.get_ylabel() == "label"
    assert axes.get_xlabel() == "predicted class"
    numbers = {text.get_position(): text.get_text() for text in axes.texts}
    assert numbers == {(0, 0): "90", (1, 0): "10", (1, 1): "1,500"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["cat", "dog"]
    assert axes.get_ylim() == (1.5, -0.5)  # the first label is at the top
    assert axes.get_aspect() == 1


def test_a_colour_is_a_share_of_its_row():
    ten_times = cells(draw_confusion_matrix([[9, 1], [100, 900]], ["cat", "dog"]))
    assert ten_times[0, 0] == pytest.approx(ten_times[1, 1])
    assert ten_times[0, 1] == pytest.approx(ten_times[1, 0])


def test_right_is_blue_and_wrong_is_orange():
    colours = cells(draw_confusion_matrix([[50, 50], [50, 50]], ["cat", "dog"]))
    for i, j in np.ndindex(2, 2):
        red, _, blue, _ = colours[i, j]
        assert blue > red if i == j else red > blue


def test_more_is_darker_and_none_is_white():
    colours = cells(draw_confusion_matrix([[94, 5, 1], [0, 1, 99], [0, 0, 0]], "abc"))
    assert colours[0, 0].sum() < colours[1, 1].sum()
    assert colours[1, 2].sum() < colours[0, 1].sum() < colours[0, 2].sum() < 4
    for i, j in ((1, 0), (2, 0), (2, 1), (2, 2)):
        assert np.all(colours[i, j] == 1)


def test_the_key_of_errors_ends_at_the_largest():
    key = draw_confusion_matrix([[60, 40], [0, 100]], ["cat", "dog"]).axes[2]
    assert key.get_title() == "" or key.get_title("left") == "wrong"
    assert [label.get_text() for label in key.get_yticklabels()] == ["0 %", "10 %", "40 %"]


def test_numbers_stand_out_from_their_cells():
    figure = draw_confusion_matrix(matrix(10), [str(n) for n in range(10)])
    for text in figure.axes[0].texts:
        column, row = text.get_position()
        brightness = cells(figure)[int(row), int(column), :3].mean()
        assert (brightness > 0.5) == (text.get_color() != "#ffffff")


@pytest.mark.slow
@pytest.mark.parametrize(("classes", "numbered"), [(2, True), (20, True), (21, False), (100, False)])
def test_cells_are_numbered_while_numbers_fit(classes, numbered):
    axes = draw_confusion_matrix(matrix(classes), [str(n) for n in range(classes)]).axes[0]
    assert bool(axes.texts) == numbered


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 10, 20, 21, 51, 100])
def test_no_text_lies_on_another(classes, overlapping, strange_names):
    names = [strange_names[n % 10] + str(n) for n in range(classes)]
    assert overlapping(draw_confusion_matrix(matrix(classes), names)) == []


@pytest.mark.parametrize("classes", [10, 20])
def test_numbers_stay_in_their_cells(classes, renderer):
    figure = draw_confusion_matrix(matrix(classes) * 99, [str(n) for n in range(classes)])
    axes = figure.axes[0]
    cell = axes.get_window_extent().width / classes
    ruler = renderer(figure)
    assert max(text.get_window_extent(ruler).width for text in axes.texts) < cell
