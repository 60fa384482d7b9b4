"""The outputs of frozen layers, computed once for every picture and kept for later runs."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import safetensors
import torch
from numpy.typing import NDArray
from torch import nn

from picturewise import files
from picturewise.architectures.lines import parse
from picturewise.cache_folder import features_folder
from picturewise.cores import available_cores
from picturewise.data.imageset import ImageSet
from picturewise.errors import RunError, SaveError
from picturewise.networks import arrays, weights
from picturewise.onnx_models.model import Normalisation, feature_model, is_portable
from picturewise.onnx_models.session import Session
from picturewise.prediction.engine import Compute
from picturewise.preparing.preparation import Preparation

FORMAT = 1
"""Of the kept files; another one makes older files unused."""
BATCH = 16
_NAME = "features"


class Features:
    """The outputs of all modules of a network but the last, for pictures without augmentation.

    Args:
        network: its last module is the output layer.
        lines: its layer lines.
        preparation: of the pictures.
        pictures: whose features are computed.

    Attributes:
        values: (N, D) float32, once all batches were computed.
    """

    def __init__(
        self, network: nn.Sequential, lines: tuple[str, ...], preparation: Preparation, pictures: ImageSet
    ) -> None:
        self._body, self._preparation, self._pictures = network[:-1], preparation, pictures
        self._lines = lines
        self.values: NDArray[np.float32] = np.empty((0, 0), np.float32)

    def compute(self) -> Iterator[int]:
        """Compute the features batch by batch, and yield after each how many pictures are done.

        Features that were kept are loaded instead. New ones are kept, if the cache can be written.
        """
        path = features_folder() / f"{self._key()}.safetensors"
        kept = self._kept(path)
        if kept is not None:
            self.values = kept
            yield len(kept)
            return
        lanes, compute = self._ready()
        images, parts = self._pictures.images, list[NDArray[np.float32]]()
        with ThreadPoolExecutor(lanes) as pool:
            for start in range(0, len(images), lanes * BATCH):
                ends = range(start, min(start + lanes * BATCH, len(images)), BATCH)
                parts += pool.map(lambda at: compute(np.ascontiguousarray(images[at : at + BATCH])), ends)
                yield min(start + lanes * BATCH, len(images))
        self.values = np.concatenate(parts)
        content = arrays.to_bytes({_NAME: self.values}, {"sha256": _digest(self.values)})
        with contextlib.suppress(SaveError, OSError):  # on a full disk, they are computed again next time
            features_folder().mkdir(parents=True, exist_ok=True)
            files.write_bytes(path, content)

    def _ready(self) -> tuple[int, Compute]:
        """Return how many threads may compute in parallel, and what computes a batch.

        ONNX Runtime takes a fifth of PyTorch's time for networks with depthwise convolutions.
        """
        shape, scale = self._pictures.shape, self._preparation
        layers, device = parse(self._lines), next(self._body.parameters()).device
        if device.type == "cpu" and is_portable(layers, scale.output(shape), "dense 1"):
            state = {name: tensor.detach().numpy() for name, tensor in self._body.state_dict().items()}
            model = feature_model(layers, shape, state, Normalisation(scale.grey, scale.mean, scale.std))
            return available_cores(), Session(model, threads=1).logits

        def compute(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
            with torch.inference_mode():
                found = self._body(scale.apply(torch.from_numpy(batch).to(device))).float()
            return np.asarray(found.cpu().numpy(), np.float32)

        self._body.eval()
        return 1, compute

    def _kept(self, path: Path) -> NDArray[np.float32] | None:
        """Return the features in a file of the cache; None: there is none, or it is damaged."""
        if not path.is_file():
            return None
        try:
            with arrays.opened(path, "np") as file:
                values = file.get_tensor(_NAME)
                expected = (file.metadata() or {}).get("sha256")
        except (RunError, safetensors.SafetensorError):
            return None
        whole = values.dtype == np.float32 and values.ndim == 2 and len(values) == len(self._pictures)
        return values if whole and _digest(values) == expected else None

    def _key(self) -> str:
        """Return a name for the features: what they are computed from, and how."""
        scale = [self._preparation.grey, *self._preparation.mean, *self._preparation.std]
        body = weights.fingerprint(self._body.state_dict())
        said = [
            FORMAT,
            self._lines,
            scale,
            body,
            self._pictures.fingerprint,
            str(next(self._body.parameters()).device),
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:24]


def _digest(values: NDArray[np.float32]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
