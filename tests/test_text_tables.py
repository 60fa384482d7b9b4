from __future__ import annotations

from picturewise.text_tables import text_table


def test_wide_letters_take_two_places_and_hidden_ones_show() -> None:
    assert text_table(("class", "pictures"), [("花", "1"), ("a\x1b", "1,000")]).splitlines() == [
        "class  pictures",
        "─────  ────────",
        "花            1",
        "a\\x1b     1,000",
    ]
