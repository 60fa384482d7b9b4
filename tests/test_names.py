from __future__ import annotations

from pathlib import Path

import pytest

from picturewise.names import natural_order, slug
from picturewise.printable import printable


def test_a_composed_and_a_decomposed_name_become_the_same() -> None:
    assert printable("cafe\u0301") == printable("caf\u00e9") == "caf\u00e9"


def test_codes_that_move_a_terminals_cursor_are_escaped() -> None:
    assert printable("a\x1b[2Jb") == "a\\x1b[2Jb"


def test_every_printable_name_can_be_written_as_utf_8() -> None:
    assert printable("\udcff\udcfe").encode() == b"\\udcff\\udcfe"


def test_numbers_in_names_sort_by_value() -> None:
    assert sorted(["10", "9", "1", "01"], key=natural_order) == ["01", "1", "9", "10"]


def test_names_that_differ_in_case_only_have_a_fixed_order() -> None:
    assert sorted(["b", "B", "a"], key=natural_order) == ["a", "B", "b"]


def test_digits_of_other_scripts_are_letters_for_the_order() -> None:
    assert sorted(["x²", "x1"], key=natural_order) == ["x1", "x²"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/MNIST", "mnist"),
        ("a/Flowers_17 (new)/", "flowers-17-new"),
        ("a/Äpfel", "apfel"),
        ("a/花", "pictures"),
        ("a/b.gz", "b"),
    ],
)
def test_a_slug_has_lower_case_letters_digits_and_dashes(path: str, expected: str) -> None:
    assert slug(Path(path)) == expected


def test_the_slug_of_the_current_folder_is_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Birds" / "x").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "Birds")
    assert slug(Path()) == "birds"
    assert slug(Path("x/..")) == "birds"
