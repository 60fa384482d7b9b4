from __future__ import annotations

import re

import pytest

from picturewise.errors import UsageError
from picturewise.untrusted import patterns
from picturewise.untrusted.patterns import find_in_names, why_no_pattern

NAMES = ["train/patient7_a.png", "train/patient7_b.png", "été 3.png", "caf\udce9 ٣.png", "line\nbreak_9", ""]


@pytest.mark.parametrize(
    "pattern",
    [
        r"(patient\d+)_",
        r"\d",  # digits of all scripts, as `re` has it
        "(?i)PATIENT",
        "(x)|e",  # a group that takes no part gives way to the whole match
        "(?<=t)[0-9](?=_)",
        r"(.).*\1",
        "a{e}",
        "$",
        "\udce9",
    ],
)
def test_each_name_gives_what_re_finds_in_it(pattern: str) -> None:
    expected = []
    for name in NAMES:
        match = re.search(pattern, name)
        group = match[1] if match and match.re.groups else None
        expected.append(match and (match[0] if group is None else group))
    assert find_in_names(pattern, NAMES, option="--group-by") == expected


def test_no_names_give_nothing() -> None:
    assert find_in_names("x", [], option="--group-by") == []


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*$", "^(a?){40}a{40}$", r"(?:a*)*\Zb", "(.*.*.*.*.*.*.*.*)*x"]
)
def test_a_pattern_that_would_never_end_is_stopped_and_named(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patterns, "_SECONDS", 0.1)
    with pytest.raises(
        UsageError,
        match=r"takes too much time or memory to search in 2 names\. Rewrite it without nested repetitions",
    ) as told:
        find_in_names(pattern, ["a" * 39 + "!", "b"], option="--label-from")
    assert str(told.value).startswith(f"--label-from '{pattern}' ")


def test_the_limit_counts_for_all_names_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_SECONDS", 0.2)
    monkeypatch.setattr(patterns, "_SECONDS_A_NAME", 0)
    some = "a" * 16 + "!"  # a few milliseconds each
    assert find_in_names("(a+)+$", [some], option="--group-by") == [None]
    with pytest.raises(UsageError, match="in 1,000 names"):
        find_in_names("(a+)+$", [some] * 1000, option="--group-by")


def test_a_search_that_eats_memory_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_MEMORY", 64 << 20)
    monkeypatch.setattr(patterns, "_MEMORY_A_BYTE", 0)
    monkeypatch.setattr(patterns, "_SECONDS", 20.0)
    with pytest.raises(UsageError, match="without nested repetitions"):
        find_in_names("(?:(a)|b)*c", ["ab" * (1 << 22)], option="--group-by")


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(", "missing ), unterminated subpattern at position 0"),
        ("*", "nothing to repeat at position 0"),
        ("(?P<\u202e>x)", r"bad character in group name '\u202e' at position 4"),
        ("a{99999999999999}", "the repetition number is too large"),
        ("a" * 251, "it has 251 characters, but at most 250 are allowed"),
        ("(?<=a*)b", "look-behind requires fixed-width pattern"),
    ],
)
def test_what_is_not_a_pattern_is_refused_with_the_reason(pattern: str, problem: str) -> None:
    assert problem in str(why_no_pattern(pattern))
    with pytest.raises(UsageError, match="is not a valid regular expression: "):
        find_in_names(pattern, ["a"], option="--group-by")


def test_a_pattern_of_the_greatest_length_can_be_used() -> None:
    assert why_no_pattern("a" * 250) is None


@pytest.mark.filterwarnings("error")
def test_a_pattern_that_python_warns_of_is_searched_for_without_a_warning() -> None:
    # A set of [, :, a, l, p and h, and then a bracket.
    assert find_in_names("[[:alpha:]]", ["a:]", "b]"], option="--group-by") == [":]", None]
