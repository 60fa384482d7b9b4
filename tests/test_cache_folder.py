from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from picturewise.cache_folder import catalogue_folder, home


def test_the_home_is_the_platforms_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PICTUREWISE_HOME")
    assert home() == Path(platformdirs.user_cache_dir("picturewise", False))
    monkeypatch.setenv("PICTUREWISE_HOME", "")
    assert home() == Path(platformdirs.user_cache_dir("picturewise", False))


def test_a_variable_moves_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PICTUREWISE_HOME", "elsewhere")
    assert catalogue_folder("mnist") == tmp_path / "elsewhere" / "catalogue" / "mnist"
    monkeypatch.setenv("PICTUREWISE_HOME", "~/elsewhere")
    assert home() == Path.home() / "elsewhere"
