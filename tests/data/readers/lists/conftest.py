from __future__ import annotations

import pytest
from reading_here import work_through

from picturewise.data.pictures import decode_files


@pytest.fixture(autouse=True)
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read pictures in this process, because confined children would take most of the time to start."""
    monkeypatch.setattr(decode_files, "work_through", work_through)
