import pytest

from picturewise.evaluation.evaluation import Interval
from picturewise.reporting import tables


def interval(value, low, high):
    return Interval(value=value, low=low, high=high)


@pytest.mark.parametrize("fraction", [0, 0.001, 0.3, 0.5, 0.99, 1])
def test_a_bar_has_its_width_whatever_it_shows(fraction):
    assert len(tables.bar(fraction, 20)) == 20


def test_a_bar_grows_with_its_fraction():
    # The eighth blocks fall from U+258F (one eighth) to U+2588 (full).
    filled = [sum(0x2590 - ord(cell) for cell in tables.bar(n / 100, 10).rstrip()) for n in range(101)]
    assert filled == sorted(filled)
    assert filled[0] == 0
    assert filled[100] == 80


def test_a_bar_shows_that_something_is_there():
    assert tables.bar(0, 5) == "     "
    assert tables.bar(1e-9, 5) == "▏    "


def test_a_bar_beyond_its_ends_stops_there():
    assert tables.bar(1.5, 3) == "███"
    assert tables.bar(-1, 3) == "   "


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.00 %"), (1, "100.00 %"), (0.5, "50.00 %"), (1 - 1e-9, "99.99 %"), (1e-9, "0.01 %")],
)
def test_only_all_is_written_as_a_hundred_percent_and_only_none_as_zero(share, text):
    assert tables.percent(share) == text


def test_a_share_carries_its_interval():
    assert tables.percent_with_interval(interval(0.98312, 0.9804, 0.98551)) == "98.31 % (98.04–98.55)"


def test_a_loss_carries_its_interval():
    assert tables.number_with_interval(interval(0.1, 0.05, 1.25)) == "0.1000 (0.0500–1.2500)"


def test_differences_carry_signs():
    assert tables.points_with_interval(interval(0.01, -0.002, 0.022)) == "+1.00 (−0.20 to +2.20)"


@pytest.mark.parametrize(
    ("p", "text"), [(0.5, "0.500"), (0.001, "0.001"), (0.00099, "< 0.001"), (0, "< 0.001")]
)
def test_tiny_p_values_are_only_called_tiny(p, text):
    assert tables.p_value(p) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (7384, "2 h 3 min"),
        (90000, "25 h 0 min"),
    ],
)
def test_durations_have_two_units(seconds, text):
    assert tables.duration(seconds) == text
