"""timm's networks (pytorch-image-models): the one door to a library that not everybody has.

A network is called by its name in timm's registry and built without its output layer. Its weights are drawn anew:
timm is never asked for trained ones, so it opens no connection and no file. What a network gives out and what it costs
is measured on PyTorch's meta device, where tensors have shapes and no numbers, and so take no memory.
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
"""The first release whose networks, transformers too, can be laid out on the meta device."""
MOST_PIXELS = 1024
"""Of a side. Some networks list every pair of their patches in Python, which takes minutes beyond."""

_Shape = tuple[int, int, int]


class TimmError(ValueError):
    """timm or a network of its cannot be had; the message goes on after a colon or a comma, with its full stop."""


@dataclass(frozen=True)
class Measured:
    """A network without its output layer, for pictures of one shape.

    Attributes:
        features: numbers that go out for one picture.
        trainable: numbers that an optimizer changes.
        fixed: floating-point numbers that it does not change but that are saved, such as running means.
        multiplications: of one picture on its way through.
        operations: how many times PyTorch is called on the way.
        kept: how many numbers of one picture training keeps for the way back.
    """

    features: int
    trainable: int
    fixed: int
    multiplications: int
    operations: int
    kept: int


@dataclass(frozen=True)
class TimmWeights:
    """What timm says of the weights that are published for a network; of none, what it says of all.

    Attributes:
        shape: of the pictures that they learned from, (H, W, C).
        mean: of 0..255, one a channel.
        std: likewise.
        repository: where they lie on the Hugging Face hub, `owner/name`; None: not there.
    """

    shape: _Shape
    mean: tuple[float, ...]
    std: tuple[float, ...]
    repository: str | None


def check_name(name: str) -> None:
    """Refuse what is no name in timm's registry, with or without the tag of published weights.

    Raises:
        TimmError: there is no such network or no such tag, or timm cannot be imported.
    """
    timm = _library()
    architecture, dot, tag = name.partition(".")
    known: list[str] = timm.list_models()
    if architecture not in known:
        raise TimmError(
            f"timm {timm.__version__} has no network '{architecture}'.{nearest(architecture, known)}"
        )
    published: list[str] = timm.list_models(architecture, include_tags=True)
    if dot and name not in published:
        raise TimmError(
            f"timm {timm.__version__} knows no published weights '{tag}' of {architecture}."
            f"{nearest(name, published)}"
        )


def version() -> str:
    """Return timm's version.

    Raises:
        TimmError: it cannot be imported.
    """
    return str(_library().__version__)


def build_network(name: str, shape: _Shape, *, classes: int = 0) -> nn.Module:
    """Return a network: (B, C, H, W) floats in, (B, features) out; its weights are drawn by timm from global state.

    Args:
        name: in the registry; a tag changes nothing.
        shape: of the pictures, (H, W, C).
        classes: of an output layer; 0: none.

    Raises:
        TimmError: it is not for pictures of that shape, or timm cannot be imported.
    """
    timm = _library()
    height, width, channels = shape
    architecture, _, _ = name.partition(".")
    if max(height, width) > MOST_PIXELS:
        raise TimmError(
            f"timm's networks take pictures of {MOST_PIXELS:,}x{MOST_PIXELS:,} at most; make them smaller with --size."
        )
    sizes = {"img_size": (height, width)} if _configuration(architecture).fixed_input_size else {}
    options = {"num_classes": classes, "in_chans": channels, **sizes}
    network: nn.Module = _refusals(name, lambda: timm.create_model(architecture, pretrained=False, **options))
    return network


@lru_cache(maxsize=64)
def measure(name: str, shape: _Shape) -> Measured:
    """Return what a network without its output layer gives and costs for pictures of `shape` (H, W, C).

    Raises:
        TimmError: it does not take such pictures, gives no flat features, or timm cannot be imported.
    """
    height, width, channels = shape
    kept: dict[StorageWeakRef, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[_storage(tensor)] = tensor  # the tensor itself too, so that no other takes the storage's place
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    flops, calls = FlopCounterMode(display=False), _calls()
    with torch.random.fork_rng(devices=[]), torch.device("meta"), torch.enable_grad():
        network = build_network(name, shape).eval()
        pictures = torch.zeros(1, channels, height, width)
        with hooks, flops, calls:
            features = _refusals(name, lambda: network(pictures))
    if not isinstance(features, Tensor) or features.ndim != 2:
        raise TimmError("this network of timm's gives no flat features; choose another.")
    for tensor in (*network.parameters(), *network.buffers()):
        kept.pop(_storage(tensor), None)  # which the network has anyway
    saved = network.state_dict()
    trainable = sum(tensor.numel() for tensor in network.parameters() if tensor.requires_grad)
    return Measured(
        features=features.shape[1],
        trainable=trainable,
        fixed=sum(tensor.numel() for tensor in saved.values() if tensor.is_floating_point()) - trainable,
        multiplications=flops.get_total_flops() // 2,  # which are multiplications and additions
        operations=calls.count,
        kept=sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) // 4,
    )


def published(name: str) -> TimmWeights:
    """Return what timm says of published weights, those that are usual for the network if the name has no tag.

    Raises:
        TimmError: timm cannot be imported.
    """
    found = _configuration(name)
    channels, height, width = found.input_size
    mean, std = (tuple(round(255 * value, 3) for value in values) for values in (found.mean, found.std))
    return TimmWeights((height, width, channels), mean, std, found.hf_hub_id)


def state_of(name: str, shape: _Shape, *, classes: int = 0) -> tuple[Mapping[str, Tensor], frozenset[str]]:
    """Return a network's tensors by name, without memory behind them, and the names of those it computes itself.

    Args:
        name: as for `build_network`, which says what is raised.
        shape: likewise.
        classes: likewise.

    Returns:
        what is saved of it; names of buffers that follow from its shape, which older files hold as well.
    """
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        network = build_network(name, shape, classes=classes)
    saved = network.state_dict()
    return saved, frozenset(key for key, _ in network.named_buffers() if key not in saved)


def _storage(tensor: Tensor) -> StorageWeakRef:
    """Return what tells memory apart where none is taken; views share it."""
    return StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]  # torch has no types


def _calls() -> Any:
    """Return a context whose `count` is of the operations that compute something: neither views nor new empty tensors.

    Raises:
        TimmError: PyTorch, which has no public class for it, does not have the private one that is used here.
    """
    try:
        from torch.utils._python_dispatch import TorchDispatchMode  # noqa: PLC0415 (private, see above)
    except ImportError as error:
        raise TimmError(
            f"PyTorch {torch.__version__} does not have the class TorchDispatchMode, by which operations are counted. "
            "Install torch==2.13.0, with which this was tested."
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
    """Return what `call` does, with whatever timm raises as an error of ours."""
    try:
        return call()
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        height, width, _ = published(name).shape
        raise TimmError(
            f"this network of timm's does not take it ({lines[0].rstrip('.')}); it was made for {height}x{width}, "
            f"which --size {height}x{width} brings the pictures to."
        ) from error


def _configuration(name: str) -> Any:
    """Return timm's PretrainedCfg of a name, that of most networks where it has none."""
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
            "it needs the package timm and torchvision of the release for "
            f"PyTorch {torch.__version__}. Install them with: {install_command('timm')}"
        )
    try:
        import timm  # noqa: PLC0415 (seconds, and an extra)
    except Exception as error:  # of a torchvision that does not go with PyTorch: RuntimeError and more
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise TimmError(
            f"timm is installed but cannot be imported ({lines[0].rstrip('.')}); it needs torchvision, of the release "
            f"that goes with PyTorch {torch.__version__}."
        ) from error
    if tuple(map(int, re.findall(r"\d+", timm.__version__)[:3])) < OLDEST:
        raise TimmError(
            f"timm {timm.__version__} is too old, expected {'.'.join(map(str, OLDEST))} or newer; bring it up to date "
            "with: pip install --upgrade timm"
        )
    return timm
