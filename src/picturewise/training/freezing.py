"""Which layers are trained: pretrained ones may stay unchanged, for a time or always, or be trained more slowly."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from picturewise.architectures.layers import BatchNorm, GroupNorm, Layer
from picturewise.recipes.options import TrainingOptions


class Freezing:
    """Freezes and unfreezes the first layers of a network, epoch by epoch.

    A frozen layer's weights do not have a gradient, and its normalisation keeps its mean and variance. Layers are
    unfrozen from the last to the first, because those near the output are the most specific to the earlier training
    (Howard and Ruder, "Universal language model fine-tuning", 2018). A normalisation is unfrozen with the layer
    before it.

    Batch normalisation may also keep its mean and variance while its layer is trained. Those of published weights are
    of millions of pictures; replaced by those of small batches, they no longer suit the layers, and little is left of
    what these have learned.

    Args:
        network: from the builder.
        layers: its layers, without the output layer.
        spans: the modules of each layer; see `builder.spans`.
        lines: how many of the first layers have pretrained weights.
        options: freeze, unfreeze_epoch, unfreeze_gradually, backbone_rate and freeze_statistics are used.
    """

    def __init__(
        self,
        network: nn.Sequential,
        layers: Sequence[Layer],
        spans: Sequence[range],
        lines: int,
        options: TrainingOptions,
    ) -> None:
        self._network = network
        self._options = options
        self._backbone = spans[lines - 1].stop
        # Where each group that is unfrozen together begins, in the order of the network.
        self._groups = [
            spans[number].start
            for number, layer in enumerate(layers[:lines])
            if not isinstance(layer, BatchNorm | GroupNorm)
            and any(True for module in spans[number] for _ in network[module].parameters())
        ]

    def factors(self) -> dict[str, float]:
        """Return the multiple of the learning rate for each weight of the pretrained layers."""
        rate = self._options.backbone_rate
        if rate is None or rate == 1:
            return {}
        return {
            f"{number}.{name}": rate
            for number in range(self._backbone)
            for name, _ in self._network[number].named_parameters()
        }

    def frozen(self, epoch: int) -> int:
        """Return how many of the first modules are frozen in an epoch, counted from 1."""
        if self._options.freeze == "none":
            return 0
        first = self._options.unfreeze_epoch
        if first is None or epoch < first:
            return self._backbone
        if not self._options.unfreeze_gradually:
            return 0
        thawed = epoch - first + 1
        return self._groups[-thawed] if thawed < len(self._groups) else 0

    def apply(self, epoch: int) -> None:
        """Freeze and unfreeze for an epoch; the network is in training mode."""
        frozen = self.frozen(epoch)
        for number, module in enumerate(self._network):
            learns = number >= frozen
            module.train(learns)
            module.requires_grad_(learns)
            if number < self._backbone and self._options.freeze_statistics:
                for part in module.modules():
                    if isinstance(part, _BatchNorm):
                        part.eval()
