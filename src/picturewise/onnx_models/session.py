"""A model loaded into ONNX Runtime, on a processor."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import PicturewiseError, RunError
from picturewise.onnx_models.model import LOGITS, PICTURES
from picturewise.printable import shortened

_SPIN = "20"  # microseconds; versions of ONNX Runtime that do not have this option ignore it
_ERRORS = 3  # the least severe level that is written to the standard error output


class Session:
    """A loaded model with its threads. No file is written and nothing is sent.

    Args:
        model: what `onnx_model` returns.
        threads: from 1.

    Raises:
        RunError: ONNX Runtime does not accept the model.
        MemoryError: there is too little memory for it.
    """

    def __init__(self, model: bytes, threads: int) -> None:
        runtime = _quiet_runtime()
        options = runtime.SessionOptions()
        options.log_severity_level = _ERRORS
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1  # layers run one after the other
        # Threads that share a batch spin for a moment between two layers, where waking up would take longer, and sleep
        # when it is computed. Spinning as long as ONNX Runtime likes to doubles the time if other programs need the
        # cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if threads > 1 else "0")
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN)
        with _translated():
            self._session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def logits(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the logits (B, K) of pictures (B, H, W, C), of the size that the model accepts; B is at least 1.

        Several threads may call it at once.

        Raises:
            RunError: ONNX Runtime fails.
            MemoryError: there is too little memory for the batch.
        """
        (found,) = self.run([LOGITS], {PICTURES: pictures})
        return np.asarray(found, np.float32)

    def run(self, outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Return the outputs with these names, for arrays by the names of the inputs.

        Raises:
            RunError: ONNX Runtime fails, as with arrays that do not fit.
            MemoryError: there is too little memory for the batch.
        """
        with _translated():
            found: list[NDArray[Any]] = self._session.run(
                list(outputs), {name: np.ascontiguousarray(array) for name, array in inputs.items()}
            )
        return found


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Translate ONNX Runtime's exceptions, which do not share a type, into our errors."""
    try:
        yield
    except (MemoryError, PicturewiseError):
        raise
    except Exception as error:
        said = str(error)
        if "alloc" in said.lower():  # "Failed to allocate memory for …", "std::bad_alloc", "bad allocation"
            raise MemoryError(said) from error
        raise RunError(
            f"ONNX Runtime cannot compute this network ({shortened(said, 300)}). Try --engine torch."
        ) from error


def _quiet_runtime() -> Any:
    """Return the library `onnxruntime` with its telemetry switched off.

    From 1.29 on, it sends what is computed, and on what, over the network, and keeps an identifier of the machine in
    the home folder. It reads this variable only when it is first imported; the user's own setting is kept.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # noqa: PLC0415 (after that)

    onnxruntime.disable_telemetry_events()  # if others imported it before, and on Windows
    return onnxruntime
