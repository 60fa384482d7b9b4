"""timm's networks (pytorch-image-models): the only door to this optional library.

A network is selected by its name in timm's registry and built without its output layer. Its weights are drawn: timm is
never asked for trained ones, so it opens no connection and no file. The output and the cost of a network are measured
on PyTorch's meta device, where tensors have shapes but no numbers, and so take no memory.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils.flop_counter import FlopCounterMode

from picturewise.errors import nearest
from picturewise.extras import install_command

OLDEST = (1, 0, 22)
"""The first release whose networks, including transformers, can be built on the meta device."""
MOST_PIXELS = 1024
"""Pixels of a side. Above, some networks, which list every pair of their patches in Python, take minutes."""

_Shape = tuple[int, int, int]


class TimmError(ValueError):
    """timm or one of its networks is not available; the message continues a sentence and ends with a full stop."""


@dataclass(frozen=True)
class Measured:
    """A network without its output layer, for pictures of one shape.

    Attributes:
        features: output numbers for one picture.
        trainable: numbers that an optimizer changes.
        fixed: floating-point numbers that it does not change, but that are saved, such as running means.
        multiplications: for one picture in the forward pass.
        operations: how many times PyTorch is called in it.
        kept: how many numbers of one picture training keeps for the backward pass.
    """

    features: int
    trainable: int
    fixed: int
    multiplications: int
    operations: int
    kept: int


@dataclass(frozen=True)
class TimmWeights:
    """Facts from timm about the published weights of a network; without such weights, timm's defaults.

    Attributes:
        shape: (H, W, C) of the pictures that they were trained on.
        mean: in 0..255, one per channel.
        std: likewise.
        repository: their place on the Hugging Face hub, `owner/name`; None: not there.
    """

    shape: _Shape
    mean: tuple[float, ...]
    std: tuple[float, ...]
    repository: str | None


def check_name(name: str) -> None:
    """Refuse a name that is not in timm's registry, with or without the tag of published weights.

    Raises:
        TimmError: there is no such network or no such tag, or timm cannot be imported.
    """
    timm = _library()
    architecture, dot, tag = name.partition(".")
    known: list[str] = timm.list_models()
    if architecture not in known:
        raise TimmError(
            f"timm {timm.__version__} does not have a network '{architecture}'.{nearest(architecture, known)}"
        )
    published: list[str] = timm.list_models(architecture, include_tags=True)
    if dot and name not in published:
        raise TimmError(
            f"timm {timm.__version__} does not have published weights '{tag}' for {architecture}."
            f"{nearest(name, published)}"
        )


def version() -> str:
    """Return timm's version.

    Raises:
        TimmError: it cannot be imported.
    """
    return str(_library().__version__)


def build_network(name: str, shape: _Shape, *, classes: int = 0) -> nn.Module:
    """Return a network: (B, C, H, W) floats in, (B, features) out; timm draws its weights from global random state.

    Args:
        name: in the registry; a tag has no effect.
        shape: of the pictures, (H, W, C).
        classes: of an output layer; 0: none.

    Raises:
        TimmError: it does not support pictures of that shape, or timm cannot be imported.
    """
    timm = _library()
    height, width, channels = shape
    architecture, _, _ = name.partition(".")
    if max(height, width) > MOST_PIXELS:
        raise TimmError(
            f"timm networks support pictures of at most {MOST_PIXELS:,}x{MOST_PIXELS:,}. Resize yours with --size."
        )
    sizes = {"img_size": (height, width)} if _configuration(architecture).fixed_input_size else {}
    options = {"num_classes": classes, "in_chans": channels, **sizes}
    network: nn.Module = _refusals(name, lambda: timm.create_model(architecture, pretrained=False, **options))
    return network


@lru_cache(maxsize=64)
def measure(name: str, shape: _Shape) -> Measured:
    """Return the output and the cost of a network without its output layer for pictures of `shape` (H, W, C).

    Raises:
        TimmError: it does not support such pictures, does not return flat features, or timm cannot be imported.
    """
    height, width, channels = shape
    kept: dict[StorageWeakRef, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[_storage(tensor)] = tensor  # the tensor itself, too, so that no other gets its storage
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    flops, calls = FlopCounterMode(display=False), _calls()
    with torch.random.fork_rng(devices=[]), torch.device("meta"), torch.enable_grad():
        network = build_network(name, shape).eval()
        pictures = torch.zeros(1, channels, height, width)
        with hooks, flops, calls:
            features = _refusals(name, lambda: network(pictures))
    if not isinstance(features, Tensor) or features.ndim != 2:
        raise TimmError("this timm network does not return a flat feature vector. Choose another network.")
    for tensor in (*network.parameters(), *network.buffers()):
        kept.pop(_storage(tensor), None)  # the network has it anyway
    saved = network.state_dict()
    trainable = sum(tensor.numel() for tensor in network.parameters() if tensor.requires_grad)
    return Measured(
        features=features.shape[1],
        trainable=trainable,
        fixed=sum(tensor.numel() for tensor in saved.values() if tensor.is_floating_point()) - trainable,
        multiplications=flops.get_total_flops() // 2,  # flops are multiplications and additions
        operations=calls.count,
        kept=sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) // 4,
    )


def published(name: str) -> TimmWeights:
    """Return timm's facts about published weights; without a tag in the name, about the network's default weights.

    Raises:
        TimmError: timm cannot be imported.
    """
    found = _configuration(name)
    channels, height, width = found.input_size
    mean, std = (tuple(round(255 * value, 3) for value in values) for values in (found.mean, found.std))
    return TimmWeights((height, width, channels), mean, std, found.hf_hub_id)


def state_of(name: str, shape: _Shape, *, classes: int = 0) -> tuple[Mapping[str, Tensor], frozenset[str]]:
    """Return a network's tensors by name, without using memory, and the names of those that it computes itself.

    Args:
        name: as for `build_network`, which says what is raised.
        shape: likewise.
        classes: likewise.

    Returns:
        the saved tensors; the names of buffers that follow from its shape, which older files hold as well.
    """
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        network = build_network(name, shape, classes=classes)
    saved = network.state_dict()
    return saved, frozenset(key for key, _ in network.named_buffers() if key not in saved)


def _storage(tensor: Tensor) -> StorageWeakRef:
    """Return a key that identifies memory even if none is allocated; views share it."""
    return StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]  # torch has no types


def _calls() -> Any:
    """Return a context whose `count` is the number of operations that compute something, not views or empty tensors.

    Raises:
        TimmError: PyTorch does not have the private class that is used here; there is no public one.
    """
    try:
        from torch.utils._python_dispatch import TorchDispatchMode  # noqa: PLC0415 (private, see above)
    except ImportError as error:
        raise TimmError(
            f"PyTorch {torch.__version__} does not have the class TorchDispatchMode, which is needed to count "
            "operations. Install torch==2.13.0, the tested version."
        ) from error

    class Calls(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types
        count = 0

        def __torch_dispatch__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            self.count += not (func.is_view or func is torch.ops.aten.empty.memory_format)
            return func(*args, **(kwargs or {}))

    return Calls()  # type: ignore[no-untyped-call]  # the same


def _refusals(name: str, call: Callable[[], Any]) -> Any:
    """Return the result of `call`, and translate timm's errors into ours."""
    try:
        return call()
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        height, width, _ = published(name).shape
        raise TimmError(
            f"this timm network does not support this picture size ({lines[0].rstrip('.')}). It was made for "
            f"{height}x{width}: resize the pictures with --size {height}x{width}."
        ) from error


def _configuration(name: str) -> Any:
    """Return timm's PretrainedCfg for a name, or timm's default one if it has none."""
    _library()
    from timm.models import PretrainedCfg, get_pretrained_cfg  # noqa: PLC0415 (as in _library)

    return get_pretrained_cfg(name) or PretrainedCfg()


def _library() -> Any:
    """Return the module timm.

    Raises:
        TimmError: it is not installed, too old, or cannot be imported.
    """
    if importlib.util.find_spec("timm") is None:
        raise TimmError(
            "it needs the package timm, and the torchvision release that matches "
            f"PyTorch {torch.__version__}. Install them with: {install_command('timm')}"
        )
    try:
        import timm  # noqa: PLC0415 (seconds, and an extra)
    except Exception as error:  # with a torchvision that does not match PyTorch: RuntimeError and others
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise TimmError(
            f"timm is installed but cannot be imported ({lines[0].rstrip('.')}). Install the torchvision release "
            f"that matches PyTorch {torch.__version__}."
        ) from error
    if tuple(map(int, re.findall(r"\d+", timm.__version__)[:3])) < OLDEST:
        raise TimmError(
            f"timm {timm.__version__} is too old. Update it to {'.'.join(map(str, OLDEST))} or newer with: "
            "pip install --upgrade timm"
        )
    return timm
