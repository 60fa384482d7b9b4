"""The choice of the engine that computes a classifier's logits.

    auto    ONNX Runtime for networks loaded from a file of layer lines, and in bfloat16 OpenVINO or PyTorch, see
            `bfloat16_library`; PyTorch for modules: Python classes, timm networks, and modules that may still be
            trained
    torch   PyTorch
    numpy   the reference network in NumPy, for layer lines only, always in float32

In one number format, they differ only by its rounding. Each is in a separate module, and only the selected one is
loaded.
"""

from __future__ import annotations

from collections.abc import Mapping

from picturewise.extras import require
from picturewise.prediction.computation import LibraryName
from picturewise.prediction.description import Description
from picturewise.prediction.engine import Engine, EngineName
from picturewise.prediction.network_forms import NetworkOrArrays, as_arrays, as_module


def choose_engine(
    name: EngineName,
    held: NetworkOrArrays,
    description: Description,
    *,
    cores: int | None = None,
    library: LibraryName | None = None,
) -> Engine:
    """Return the engine with a name for a network.

    Args:
        name: see above.
        held: the network.
        description: of the classifier.
        cores: that ONNX Runtime and OpenVINO may use, one of which then computes every classifier of layer lines,
            because PyTorch obeys the process's own settings; None: all.
        library: that computes a classifier of layer lines in bfloat16; None: ONNX Runtime if the cores are named,
            otherwise `bfloat16_library` chooses it.

    Raises:
        UsageError: it cannot compute that network: a LayerError if it does not support a layer line, and a
            MissingPackageError if PyTorch is not installed.
    """
    if name == "numpy":
        from picturewise.prediction.numpy_engine import NumPyEngine  # noqa: PLC0415 (see above)

        return NumPyEngine(as_arrays(held), description)
    if name == "auto" and isinstance(held, Mapping):
        if description.number_format == "bfloat16" and (cores is None or library is not None):
            from picturewise.prediction.bfloat16_engine import Bfloat16Engine  # noqa: PLC0415 (see above)

            return Bfloat16Engine(held, description, library, cores)
        from picturewise.prediction.onnx_engine import OnnxEngine  # noqa: PLC0415 (see above)

        return OnnxEngine(held, description, cores)
    require("The engine torch", "torch")
    from picturewise.prediction.torch_engine import TorchEngine  # noqa: PLC0415 (see above)

    return TorchEngine(as_module(held, description), description)
