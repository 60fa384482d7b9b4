from __future__ import annotations

import os
from pathlib import Path

import pytest
from drawn_bars import saved


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel outlives the processes of these tests, so nothing needs to reach the disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return saved(tmp_path / "bars.npz")


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "space.toml"
    path.write_text(
        "[scale]\nlearning_rate = { low = 0.1, high = 4.0, log = true }\nwidth = [0.5, 1, 2]\n"
        "[training]\nbatch_size = [16, 32]\n"
    )
    return path
