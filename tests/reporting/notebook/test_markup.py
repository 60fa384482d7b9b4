from __future__ import annotations

from picturewise.reporting.notebook import markup

ATTACK = '<script>alert(1)</script><img src=x onerror="alert(1)">\x1b\u202e'


def test_texts_of_strangers_are_escaped_everywhere() -> None:
    shown = markup.block(ATTACK, markup.line(ATTACK), markup.lines([ATTACK]), markup.table([ATTACK], []))
    assert "<script" not in shown
    assert "<img" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert shown.count("&lt;script&gt;") == 4


def test_long_texts_and_long_tables_are_cut_and_say_so() -> None:
    assert len(markup.escaped("x" * 1_000_000)) == markup.LONGEST
    table = markup.table(("class", "pictures"), [("a", "1")] * 1000)
    assert table.count("<tr") == 1 + markup.MOST_ROWS
    assert "… and 960 more" in table
    assert "… and 2 more" in markup.lines(["note"] * 42)


def test_a_bar_is_as_long_as_its_share() -> None:
    assert "width:40px;height:10px;background:#" in markup.share_bar(0.25)
    assert "width:160px;height:10px;background:#" in markup.share_bar(1.5)
