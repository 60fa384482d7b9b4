"""How a picture of another shape is resized."""

from __future__ import annotations

from typing import Literal

ResizeMode = Literal["crop", "pad", "stretch"]
"""Cut off the rest, add padding, or change the proportions; see `resize`."""
