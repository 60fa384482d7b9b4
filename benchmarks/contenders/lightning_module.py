"""A job's network as a LightningModule, as Lightning's introduction writes it."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from job import Job
from torch import Tensor
from torch.nn import functional
from torch_network import network, optimizer


class Module(lightning.LightningModule):
    """The network, its loss and its optimizer.

    Args:
        layers: of the job.
        job: says the optimizer; a module that only predicts needs none.
    """

    def __init__(self, layers: list[dict[str, Any]], job: Job | None = None) -> None:
        super().__init__()
        self.save_hyperparameters("layers")
        self.network = network(layers)
        self.job = job

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) → (B, K) logits."""
        return self.network(images)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss of a batch."""
        del batch_idx
        images, labels = batch
        return functional.cross_entropy(self(images), labels)

    def predict_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the (B, K) probabilities of a batch."""
        del batch_idx
        return self(batch[0]).softmax(dim=1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer of the job."""
        assert self.job is not None
        return optimizer(self.job, self.parameters())
