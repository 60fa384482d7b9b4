from __future__ import annotations

import os
from pathlib import Path

import pytest

from picturewise import cores as cores_file
from picturewise.cores import available_cores


def test_there_is_at_least_one_core_and_no_more_than_the_system_grants(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
    monkeypatch.setattr(cores_file, "_cgroup_limit", lambda: 0)  # half a core is granted
    assert available_cores() == 1


@pytest.mark.parametrize(
    ("content", "cores"), [("250000 100000\n", 2), ("max 100000\n", 1 << 30), ("", 1 << 30)]
)
def test_the_limit_of_a_control_group_is_read(
    monkeypatch: pytest.MonkeyPatch, content: str, cores: int
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: content)
    assert cores_file._cgroup_limit.__wrapped__() == cores


@pytest.mark.parametrize(("said", "cores"), [("1", 1), ("", 4), ("many", 4), ("0", 1), ("99", 4)])
def test_the_environment_limits_the_cores(monkeypatch: pytest.MonkeyPatch, said: str, cores: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    monkeypatch.setattr(cores_file, "_cgroup_limit", lambda: 64)
    monkeypatch.setenv("PICTUREWISE_CORES", said)
    assert available_cores() == cores
