from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from sightline.data.home import catalogue_folder, home


def test_the_home_is_the_platforms_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGHTLINE_HOME")
    assert home() == Path(platformdirs.user_cache_dir("sightline", False))
    monkeypatch.setenv("SIGHTLINE_HOME", "")
    assert home() == Path(platformdirs.user_cache_dir("sightline", False))


def test_a_variable_moves_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGHTLINE_HOME", "elsewhere")
    assert catalogue_folder("mnist") == tmp_path / "elsewhere" / "catalogue" / "mnist"
    monkeypatch.setenv("SIGHTLINE_HOME", "~/elsewhere")
    assert home() == Path.home() / "elsewhere"
