import pytest

from picturewise.reporting.figures import draw_class_counts


def test_every_split_has_a_bar_of_the_right_length_per_class():
    counts = {"train": {"cat": 1200, "dog": 800}, "test": {"cat": 30, "dog": 0}}
    figure = draw_class_counts(counts)
    assert [axes.get_title("left") for axes in figure.axes] == ["train: 2,000 pictures", "test: 30 pictures"]
    for axes, by_class in zip(figure.axes, counts.values(), strict=True):
        assert [bar.get_width() for bar in axes.patches] == list(by_class.values())
        assert axes.get_xlim()[0] == 0
        assert [text.get_text() for text in axes.texts] == [f"{n:,}" for n in by_class.values()]


def test_the_first_class_is_at_the_top_and_named():
    axes = draw_class_counts({"train": {"cat": 1, "dog": 2}}).axes[0]
    cat, dog = axes.patches
    upper, lower = (axes.transData.transform((0, bar.get_y()))[1] for bar in (cat, dog))
    assert upper > lower
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]


def test_a_split_without_pictures_is_drawn():
    axes = draw_class_counts({"train": {"cat": 0, "dog": 0}}).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0, 0]


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 10, 100])
@pytest.mark.parametrize("splits", [1, 3])
def test_no_text_lies_on_another(classes, splits, overlapping, strange_names):
    by_class = {strange_names[n % 10] + str(n): 10**5 * n for n in range(classes)}
    assert overlapping(draw_class_counts({f"split {n}": by_class for n in range(splits)})) == []


def test_the_longest_bar_leaves_room_for_its_number():
    figure = draw_class_counts({"train": {"cat": 123_456_789, "dog": 1}, "test": {"cat": 5, "dog": 1}})
    train = figure.axes[0]
    assert train.texts[0].get_window_extent().x1 <= train.get_window_extent().x1
