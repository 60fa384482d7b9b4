from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from picturewise.text_tables import WIDTH, folded, text_table

HEAD = ("class", "pictures", "precision", "recall", "F1")


@pytest.fixture(autouse=True)
def narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_wide_letters_take_two_places_and_hidden_ones_show() -> None:
    assert text_table(("class", "pictures"), [("花", "1"), ("a\x1b", "1,000")]).splitlines() == [
        "class  pictures",
        "─────  ────────",
        "花            1",
        "a\\x1b     1,000",
    ]


def test_a_wide_table_goes_on_before_brackets_and_between_words_first() -> None:
    interval = "98.76 % (97.12–99.45)"
    assert text_table(HEAD, [("a lily of the valley", "12", *[interval] * 3)]).splitlines() == [
        "class          pictures      precision         recall             F1",
        "─────────────  ────────  ─────────────  ─────────────  ─────────────",
        "a lily of the        12        98.76 %        98.76 %        98.76 %",
        "valley                   (97.12–99.45)  (97.12–99.45)  (97.12–99.45)",
    ]


def test_the_last_columns_stand_below_if_nothing_else_helps() -> None:
    head, rows = ("run", "a", "b", "c", "d", "e"), [("one", *["1,234,567,890"] * 5), ("two", *["-"] * 5)]
    assert text_table(head, rows).splitlines() == [
        "run              a              b              c              d              e",
        "───  ─────────────  ─────────────  ─────────────  ─────────────  ─────────────",
        "one  1,234,567,890  1,234,567,890  1,234,567,890  1,234,567,890  1,234,567,890",
        "two              -              -              -              -              -",
    ]
    wider = [(*row, "(−12.46 to −6.07)") for row in rows]
    assert text_table((*head, "f"), wider).splitlines() == [
        "run              a              b              c              d",
        "───  ─────────────  ─────────────  ─────────────  ─────────────",
        "one  1,234,567,890  1,234,567,890  1,234,567,890  1,234,567,890",
        "two              -              -              -              -",
        "",
        "run              e                  f",
        "───  ─────────────  ─────────────────",
        "one  1,234,567,890  (−12.46 to −6.07)",
        "two              -  (−12.46 to −6.07)",
    ]


def test_names_without_spaces_are_broken_only_if_nothing_else_helps() -> None:
    name = "x" * 40
    row = (name, "12", *["98.76 (97.12–99.45)"] * 3)
    shown = text_table(HEAD, [row]).splitlines()
    assert max(map(len, shown)) <= WIDTH
    assert sum(line.count("x") for line in shown) == 40
    whole = text_table(("class", "pictures"), [(name, "12")]).splitlines()
    assert whole[2] == f"{name}        12"


def test_paths_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    path, rest = "/pictures/" + "x" * 70, ("12 kB", "32x32x3")
    shown = text_table(("from", "size", "shape"), [(path, *rest)], breaks_words=False).splitlines()
    assert shown[2] == f"{path}  12 kB  32x32x3"
    monkeypatch.setenv("COLUMNS", "200")  # a wider terminal is used
    assert len(text_table(("from",), [("word " * 30,)]).splitlines()) == 3


@given(
    st.lists(st.tuples(st.text(max_size=60), st.text("0123456789 ()", max_size=60)), min_size=1, max_size=4)
)
def test_nothing_is_left_out_and_no_line_is_too_wide(rows: list[tuple[str, str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        whole = text_table(("name", "number"), rows)
        patch.setenv("COLUMNS", "80")
        shown = text_table(("name", "number"), rows)
    letters = "".join(sorted("".join(shown.splitlines()[2:]).replace(" ", "")))
    assert letters == "".join(sorted("".join(whole.splitlines()[2:]).replace(" ", "")))
    longest = max(cell_len(word) for _, number in rows for word in [*number.split(" "), "number"])
    assert max(map(cell_len, shown.splitlines())) <= max(WIDTH, 16 + 2 + longest)


def test_a_paragraph_is_folded_between_words_but_not_within_a_command_or_a_path() -> None:
    note = "note      " + "These are many words. " * 5
    lines = folded(
        f"{note}Install it with: pip install 'picturewise[pretrained]' --and more words", indent=10
    )
    assert lines.splitlines() == [
        "note      These are many words. These are many words. These are many words.",
        "          These are many words. These are many words. Install it with:",
        "          pip install 'picturewise[pretrained]' --and more words",
    ]
    path = "/" + "x" * 100
    assert folded(f"The run is in {path}").splitlines() == ["The run is in", path]
    assert folded("short") == "short"
