"""A model repository of the Triton Inference Server: a folder with a configuration, labels, and the ONNX file."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from picturewise.errors import UsageError
from picturewise.exporting.whole_model import IMAGES, LABEL, PROBABILITIES
from picturewise.onnx_models.model import LOGITS
from picturewise.printable import printable

_MOST_IN_BATCH = 256
"""As many as `Classifier` sends through a network at once."""


def triton_folder(name: str, classes: Sequence[str], onnx: bytes) -> dict[str, bytes]:
    """Return the files of the repository by path.

    Args:
        name: of the model: letters, digits, `_`, `-` and dots.
        classes: their names.
        onnx: the model, see `whole_model`.

    Raises:
        UsageError: the name is not one that a URL can hold as it is.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}", name):
        raise UsageError(
            f"'{printable(name)}' cannot be the name of a model in Triton, which is part of an address. Pass a folder "
            "with a name of letters, digits, '-' and '_' with --out."
        )
    labels = "\n".join(printable(one) for one in classes) + "\n"
    return {
        f"{name}/config.pbtxt": _config(name, len(classes)).encode(),
        f"{name}/labels.txt": labels.encode(),
        f"{name}/1/model.onnx": onnx,
    }


def _config(name: str, count: int) -> str:
    """Return the configuration in protocol buffers' text format; Triton adds the batch as the first side."""
    return f"""\
name: {json.dumps(name)}
platform: "onnxruntime_onnx"
max_batch_size: {_MOST_IN_BATCH}
input [
  {{ name: "{IMAGES}" data_type: TYPE_UINT8 dims: [ -1, -1, -1 ] }}
]
output [
  {{ name: "{PROBABILITIES}" data_type: TYPE_FP32 dims: [ {count} ] label_filename: "labels.txt" }},
  {{ name: "{LOGITS}" data_type: TYPE_FP32 dims: [ {count} ] }},
  {{ name: "{LABEL}" data_type: TYPE_INT64 dims: [ 1 ] reshape: {{ shape: [ ] }} }}
]
dynamic_batching {{ }}
"""
