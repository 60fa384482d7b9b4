"""The site is built without a warning, and asks no other host for anything."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.campaign
def test_the_site_is_built_strictly_and_stands_alone(whole_campaign: bool, tmp_path: Path) -> None:
    if not whole_campaign:
        pytest.skip("the site is built in `make campaign` only")
    for name in ("sphinx", "myst_parser", "furo"):
        assert importlib.util.find_spec(name), f"{name} is not installed: pip install -e '.[docs]'"
    command = (
        sys.executable,
        "-m",
        "sphinx",
        "--quiet",
        "--fail-on-warning",
        "--keep-going",
        "docs",
        tmp_path,
    )
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "searchindex.js").is_file()
    pages = [*tmp_path.rglob("*.html")]
    assert len(pages) > 30
    for page in pages:
        loaded = re.findall(
            r'<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)="(https?:[^"]*|//[^"]*)"', page.read_text()
        )
        assert loaded == [], page.name
    for sheet in tmp_path.rglob("*.css"):
        assert "url(http" not in sheet.read_text().replace('"', "").replace("'", ""), sheet.name
