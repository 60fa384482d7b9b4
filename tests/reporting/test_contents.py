import pytest

from picturewise.evaluation.comparing import Comparison
from picturewise.evaluation.evaluation import Interval
from picturewise.reporting.contents import ComparisonRow


def paired(a, b):
    difference = Interval(value=0.03, low=0.01, high=0.06)  # a minus b
    return Comparison(
        a=a,
        b=b,
        pictures=9,
        only_a_right=3,
        only_b_right=1,
        difference=difference,
        p_value=0.5,
        adjusted_p_value=0.5,
    )


@pytest.mark.parametrize(
    ("a", "b", "expected"), [("mlp", "cnn", (0.03, 0.01, 0.06)), ("cnn", "mlp", (-0.03, -0.06, -0.01))]
)
def test_the_difference_is_the_model_minus_the_reference(a, b, expected):
    difference = ComparisonRow("mlp", 10, paired=paired(a, b)).difference
    assert (difference.value, difference.low, difference.high) == expected


def test_the_reference_has_no_difference():
    assert ComparisonRow("cnn", 10).difference is None
