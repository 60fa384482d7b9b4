from __future__ import annotations

from torchvision.absent import Absent


class ToTensor(Absent):
    """timm inherits from it."""
