from __future__ import annotations

import pytest

from picturewise.data.pictures.cut import Cut, Spacing, note_on_whole

SPACING = Spacing(1.0, (0.5, 0.1), (0.5, 0.1))


@pytest.mark.parametrize(
    ("learned", "given", "said"),
    [
        (None, None, ""),
        (None, Cut("symbol"), ""),
        (Cut("symbol", SPACING), Cut("symbol"), ""),
        (Cut("sequence"), Cut("sequence"), ""),
        (Cut("symbol"), None, "single symbols that were cut out of pictures as squares"),
        (Cut("symbol"), Cut("sequence"), "If they show several symbols each, cut them out first."),
        (Cut("sequence"), None, "cropped to their symbols, with 15 % more on each side"),
    ],
)
def test_whole_pictures_are_noted_if_a_classifier_was_trained_on_parts(
    learned: Cut | None, given: Cut | None, said: str
) -> None:
    notes = note_on_whole(learned, given)
    assert len(notes) == bool(said)
    assert said in "".join(notes)
