from __future__ import annotations

from torchvision.absent import Absent


class FrozenBatchNorm2d(Absent):
    """timm asks whether modules are of this class."""
