from __future__ import annotations

import pytest

from picturewise.architectures.margins import same


@pytest.mark.parametrize("side", range(1, 8))
def test_a_window_with_its_margins_has_as_many_places_as_there_are_pixels(side: int) -> None:
    margins = same(side, side)
    assert margins.above + margins.below == side - 1
    assert margins.below - margins.above == (side + 1) % 2
    assert margins.uneven == (side % 2 == 0)
