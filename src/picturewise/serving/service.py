"""`Service`: what the answers to all requests share."""

from __future__ import annotations

from dataclasses import dataclass

from picturewise.serving.admission import Admission
from picturewise.serving.metrics import Metrics
from picturewise.serving.models import Models
from picturewise.serving.settings import Settings


@dataclass(eq=False)
class Service:
    """What the answers to all requests share."""

    settings: Settings
    models: Models
    metrics: Metrics
    admission: Admission
