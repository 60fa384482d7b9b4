"""A model loaded into ONNX Runtime, on a processor."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.onnx_models.model import LOGITS, PICTURES

_ERRORS = 3  # the least serious that is written to the standard error output


class Session:
    """A model that computes, with the threads that it was made with. No file is written and nothing is sent.

    Args:
        model: what `onnx_model` returns.
        threads: from 1.
    """

    def __init__(self, model: bytes, threads: int) -> None:
        runtime = _quiet_runtime()
        options = runtime.SessionOptions()
        options.log_severity_level = _ERRORS
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1  # layers stand one behind the other
        # Threads that wait sleep: those that spin take a core away from whatever else runs here.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def logits(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the logits (B, K) of pictures (B, H, W, C), of the size that the model takes; B from 1.

        Several threads may call it at once.
        """
        (found,) = self._session.run([LOGITS], {PICTURES: np.ascontiguousarray(pictures)})
        return np.asarray(found, np.float32)


def _quiet_runtime() -> Any:
    """Return the library `onnxruntime`, its reports to its makers switched off.

    From 1.29 on it sends what is computed, and on what, over the network, and keeps a number for the machine in the
    home folder. It asks for this variable when it is first imported, and only then; an own setting of the user's stays.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # noqa: PLC0415 (after that)

    onnxruntime.disable_telemetry_events()  # where it was imported before by others, and on Windows
    return onnxruntime
