"""A job's network and optimizer as PyTorch's own tutorials write them; Lightning and fastai take them too."""

from __future__ import annotations

from typing import Any

import torch
from job import Job
from torch import Tensor, nn
from torch.utils.data import TensorDataset

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU}


def network(layers: list[dict[str, Any]]) -> nn.Sequential:
    """Return the modules of a job's layers: (B, C, H, W) floats in, (B, K) logits out."""
    return nn.Sequential(*(module for layer in layers for module in modules(layer)))


def modules(layer: dict[str, Any]) -> list[nn.Module]:
    """Return the modules of one layer; only what the workloads use is known."""
    incoming = layer["incoming"]
    match layer["layer"]:
        case "Conv":
            sides = [side // 2 if layer["padding"] == "same" else 0 for side in layer["kernel"]]
            made: nn.Module = nn.Conv2d(
                incoming[-1],
                layer["filters"],
                tuple(layer["kernel"]),
                layer["stride"],
                tuple(sides),
                bias=layer["bias"],
            )
            return [made, *activation(layer["activation"])]
        case "Dense":
            return [nn.Linear(incoming[0], layer["units"]), *activation(layer["activation"])]
        case "BatchNorm":
            return [nn.BatchNorm2d(incoming[-1]) if len(incoming) == 3 else nn.BatchNorm1d(incoming[0])]
        case "Pool":
            return [nn.MaxPool2d(layer["size"], layer["stride"])]
        case "Flatten":
            return [nn.Flatten()]
        case "Activation":
            return activation(layer["name"])
    raise SystemExit(f"torch_network.py has no module for the line '{layer['line']}'.")


def activation(name: str | None) -> list[nn.Module]:
    return [] if name is None else [ACTIVATIONS[name]()]


def optimizer(job: Job, parameters: Any, *, quick: bool = False) -> torch.optim.Optimizer:
    """Return the job's optimizer; `quick`: all parameters in one kernel, where PyTorch has one."""
    fused = True if quick else None
    match job.optimizer:
        case "sgd":
            return torch.optim.SGD(parameters, lr=job.learning_rate, momentum=job.momentum, fused=fused)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, lr=job.learning_rate, foreach=fused)
        case "adam":
            return torch.optim.Adam(parameters, lr=job.learning_rate, fused=fused)


def checked_network(job: Job) -> nn.Sequential:
    """Return the job's network, which has as many parameters as Picturewise's."""
    made = network(job.layers)
    job.check(sum(parameter.numel() for parameter in made.parameters()))
    return made


def pictures(job: Job) -> tuple[Tensor, Tensor]:
    """Return images (N, C, H, W) float32 in 0..1, contiguous as ToTensor makes them, and labels (N,) int64."""
    images, labels = job.floats()
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels)


def dataset(job: Job) -> TensorDataset:
    return TensorDataset(*pictures(job))
