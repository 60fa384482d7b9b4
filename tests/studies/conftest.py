from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _coarse_figures(coarse_figures: None) -> None:
    """Reports are not looked at here, but in tests/reporting."""
