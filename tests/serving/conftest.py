"""The service that these tests share; they are skipped where the extra `serve` is not installed."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette")
pytest.importorskip("httptools")

from running_service import running

__all__ = ["running"]
