"""`Service`: what the answers to all requests share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from picturewise.serving.admission import Admission
from picturewise.serving.metrics import Metrics
from picturewise.serving.models import Models
from picturewise.serving.settings import Settings


@dataclass(eq=False)
class Service:
    """What the answers to all requests share.

    Attributes:
        settings: what is allowed.
        models: the classifiers.
        metrics: what is counted.
        admission: how much is accepted at a time.
        answering: a task for each request that is being answered; the server keeps it.
    """

    settings: Settings
    models: Models
    metrics: Metrics
    admission: Admission
    answering: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def alone(self) -> bool:
        """Whether at most one request is being answered."""
        return len(self.answering) < 2
