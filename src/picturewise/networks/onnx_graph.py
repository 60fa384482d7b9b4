"""A PyTorch module as an ONNX graph: Python classes and timm networks, which have no layer lines."""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path

import torch
from torch import nn

from picturewise.architectures.layers import Shape
from picturewise.errors import UsageError
from picturewise.printable import shortened

INPUT, OUTPUT = "network_input", "network_output"


def onnx_graph(network: nn.Module, shape: Shape, opset: int) -> bytes:
    """Return an ONNX model of a module in evaluation mode: (N, C, H, W) float32 in, (N, K) out, for any N.

    Args:
        network: the module; its weights are not changed.
        shape: (H, W, C) of the prepared pictures.
        opset: the version of the operators.

    Raises:
        UsageError: PyTorch cannot express it.
    """
    height, width, channels = shape
    # Two pictures: with one, the exporter could take the number for a constant of the network.
    example = torch.zeros(2, channels, height, width, device=next(network.parameters()).device)
    log = logging.getLogger("torch.onnx")
    level = log.level
    try:
        log.setLevel(logging.ERROR)
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")
            target = Path(folder) / "network.onnx"
            torch.onnx.export(
                network,
                (example,),
                target,
                dynamo=False,  # the newer way needs onnxscript, and gives the same nodes
                opset_version=opset,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes={INPUT: {0: "views"}, OUTPUT: {0: "views"}},
            )
            return target.read_bytes()
    except Exception as error:
        name = type(network).__name__
        raise UsageError(
            f"PyTorch cannot express the network {name} in ONNX ({shortened(error, 300)}). Use only operations that "
            "torch.onnx knows."
        ) from error
    finally:
        log.setLevel(level)
