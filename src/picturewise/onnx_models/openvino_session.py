"""A model loaded into OpenVINO, on a processor, in bfloat16."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import MissingPackageError, RunError
from picturewise.extras import install_command
from picturewise.onnx_models.model import LOGITS, PICTURES
from picturewise.printable import shortened

_TELEMETRY = "openvino_telemetry"
# The first call in a process sets up OpenVINO's own variables. Two threads at once wait for ever: one holds the lock of
# these and wants Python's, the other holds Python's and wants theirs (2026.4.1). So one thread makes the first call.
_FIRST = threading.Lock()
_state = {"begun": False}


class OpenVinoSession:
    """A loaded model, which each thread computes alone. No file is written and nothing is sent.

    OpenVINO computes whole layers in bfloat16, also those between convolutions, so its last digits are not those of
    `Session` with a model of rounded factors.

    Args:
        model: what `onnx_model` returns, in float32.
        threads: that may compute at once, from 1.

    Raises:
        MissingPackageError: OpenVINO is not installed.
        RunError: it does not accept the model, or does not compute in bfloat16 on this processor.
        MemoryError: there is too little memory for it.
    """

    def __init__(self, model: bytes, threads: int) -> None:
        openvino = _quiet_openvino()
        options = {
            "INFERENCE_PRECISION_HINT": "bf16",
            "NUM_STREAMS": threads,  # one thread each: no digit depends on their number
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,  # other programs use the same cores
        }
        with _translated():
            core = openvino.Core()
            self._model = core.compile_model(core.read_model(model, b""), "CPU", options)
            found = self._model.get_property("INFERENCE_PRECISION_HINT").to_string()
        if found != "bf16":
            raise RunError(
                f"OpenVINO computes in {found} instead of bf16 on this processor. Uninstall it, or use --engine torch."
            )
        self._requests = threading.local()

    def logits(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the logits (B, K) of pictures (B, H, W, C), of the size that the model accepts; B is at least 1.

        Several threads may call it at once.

        Raises:
            RunError: OpenVINO fails.
            MemoryError: there is too little memory for the batch.
        """
        if _state["begun"]:
            return self._computed(pictures)
        with _FIRST:
            found = self._computed(pictures)
            _state["begun"] = True
            return found

    def _computed(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        with _translated():
            if not hasattr(self._requests, "own"):
                self._requests.own = self._model.create_infer_request()
            found = self._requests.own.infer({PICTURES: np.ascontiguousarray(pictures)}, share_inputs=True)
            return np.array(found[LOGITS], np.float32)  # a copy: the next batch overwrites the original


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Translate OpenVINO's exceptions, which are all RuntimeErrors, into our errors."""
    try:
        yield
    except RuntimeError as error:
        said = str(error)
        if "alloc" in said.lower():
            raise MemoryError(said) from error
        raise RunError(
            f"OpenVINO cannot compute this network ({shortened(said, 300)}). Try --engine torch."
        ) from error


def _quiet_openvino() -> Any:
    """Return the library `openvino`, imported without its telemetry.

    On import, it sends its version and an identifier of the machine over the network, unless the user has forbidden it
    in a file in the home folder. Without the package that sends them, it goes on with an empty one of its own.

    Raises:
        MissingPackageError: it is not installed.
    """
    if find_spec("openvino") is None:
        raise MissingPackageError(f"OpenVINO is not installed. Install it with: {install_command('fast')}")
    if "openvino" in sys.modules or _TELEMETRY in sys.modules:  # the user's own program imported it before
        import openvino  # noqa: PLC0415 (it is slow to import)

        return openvino
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # so Python says that it is not installed
    try:
        import openvino  # noqa: PLC0415 (the same)
    finally:
        del sys.modules[_TELEMETRY]
    return openvino
