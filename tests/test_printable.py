import pytest

from picturewise.printable import printable


@pytest.mark.parametrize("name", ["rose", "$x_1$", "a\\b", "<b>", "向日葵", "роза", "می‌خواهم", "🌹"])
def test_what_shows_stays_as_it_is(name):
    assert printable(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("two\nlines", r"two\nlines"),
        ("bell\x07", r"bell\x07"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("broken\udcff.png", r"broken\udcff.png"),
        ("line\u2028separator", r"line\u2028separator"),
    ],
)
def test_what_hides_is_escaped(name, shown):
    assert printable(name) == shown


def test_kept_characters_stay():
    assert printable("a\n\tb\x00", keep="\n\t") == "a\n\tb\\x00"
