"""How a picture of another shape is brought to a size."""

from __future__ import annotations

from typing import Literal

ResizeMode = Literal["crop", "pad", "stretch"]
"""Cut off what stands out, put margins around, or change the proportions; see `resize`."""
