from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest

from picturewise.extras import install_command


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (
            {"dir_info": {"editable": True}, "url": "file:///home/me/a%20b"},
            "pip install -e '.[track]' (in /home/me/a b)",
        ),
        ({"dir_info": {}, "url": "file:///home/me/clone"}, "pip install '.[track]' (in /home/me/clone)"),
        ({"archive_info": {}, "url": "file:///tmp/picturewise.whl"}, "pip install 'picturewise[track]'"),
        (None, "pip install 'picturewise[track]'"),
    ],
    ids=["editable clone", "clone", "wheel file", "package index"],
)
def test_the_command_fits_the_way_of_installing(
    origin: dict[str, object] | None, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Installed:
        @staticmethod
        def read_text(name: str) -> str | None:
            return json.dumps(origin) if name == "direct_url.json" and origin else None

    monkeypatch.setattr(metadata, "distribution", lambda _: Installed)
    assert install_command("track") == command


def test_a_source_folder_that_was_never_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "distribution", missing)
    clone = Path(__file__).parents[1]
    assert install_command("timm") == f"pip install -e '.[timm]' (in {clone})"
