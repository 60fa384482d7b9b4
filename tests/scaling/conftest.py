"""A classifier's file that is written once; these tests are skipped where the extra `parquet` is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from many import classifier


@pytest.fixture(scope="session")
def classifier_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("classifier") / "classifier.safetensors"
    classifier().save(path)
    return path
