"""Numbers as text, and bars for a terminal; used by the report and by the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picturewise.evaluation.evaluation import Interval

_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(fraction: float, width: int) -> str:
    """Return a bar of `width` cells filled up to `fraction` in [0, 1]; its resolution is an eighth of a cell.

    >>> bar(0.5, 4)
    '██  '
    >>> bar(0.03, 4)
    '▏   '
    """
    eighths = round(min(max(fraction, 0.0), 1.0) * width * 8)
    if fraction > 0:
        eighths = max(eighths, 1)  # a positive share is never drawn as nothing
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def count(number: int) -> str:
    """Return a number with thousands separators.

    >>> count(60000)
    '60,000'
    """
    return f"{number:,}"


def percent(share: float, *, digits: int = 2) -> str:
    """Return a share in [0, 1] as a percentage; only exact 0 and 1 are written as 0 and 100.

    >>> percent(0.98312), percent(0.999999), percent(1)
    ('98.31 %', '99.99 %', '100.00 %')
    """
    return f"{_hundredths(share, digits)} %"


def percent_with_interval(share: Interval, *, digits: int = 2) -> str:
    """Return a share and its interval as percentages.

    >>> from picturewise.evaluation.evaluation import Interval
    >>> percent_with_interval(Interval(value=0.9831, low=0.9804, high=0.9855))
    '98.31 % (98.04–98.55)'
    """
    low, high = _hundredths(share.low, digits), _hundredths(share.high, digits)
    return f"{percent(share.value, digits=digits)} ({low}–{high})"


def number_with_interval(number: Interval, *, digits: int = 4) -> str:
    """Return a number such as a loss and its interval.

    >>> from picturewise.evaluation.evaluation import Interval
    >>> number_with_interval(Interval(value=0.0512, low=0.0431, high=0.0598))
    '0.0512 (0.0431–0.0598)'
    """
    return f"{number.value:.{digits}f} ({number.low:.{digits}f}–{number.high:.{digits}f})"


def points_with_interval(difference: Interval, *, digits: int = 2) -> str:
    """Return a difference of two shares, and its interval, in percentage points with signs.

    >>> from picturewise.evaluation.evaluation import Interval
    >>> points_with_interval(Interval(value=-0.0031, low=-0.0052, high=0.001))
    '−0.31 (−0.52 to +0.10)'
    """
    value, low, high = (
        _signed(100 * number, digits) for number in (difference.value, difference.low, difference.high)
    )
    return f"{value} ({low} to {high})"


def p_value(probability: float) -> str:
    """Return the p value of a test; below 0.001, its exact size does not matter.

    >>> p_value(0.0312), p_value(0.00002)
    ('0.031', '< 0.001')
    """
    return "< 0.001" if probability < 0.001 else f"{probability:.3f}"


def duration(seconds: float) -> str:
    """Return a duration with the two largest units that matter.

    >>> duration(0.42), duration(12.34), duration(83), duration(7384)
    ('0.42 s', '12.3 s', '1 min 23 s', '2 h 3 min')
    """
    if seconds < 1:
        return f"{seconds:.2f} s"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def _hundredths(share: float, digits: int) -> str:
    step = 10.0**-digits
    rounded = round(100 * share, digits)
    if 0 < share < 1:
        rounded = min(max(rounded, step), 100 - step)
    return f"{rounded:.{digits}f}"


def _signed(number: float, digits: int) -> str:
    text = f"{number:+.{digits}f}"
    return text.replace("-", "−")
