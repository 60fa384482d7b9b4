"""The pages that these tests share."""

from __future__ import annotations

from opened_pages import opened, running

__all__ = ["opened", "running"]
