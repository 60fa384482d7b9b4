"""OpenVINO as a session; most tests are skipped where it is not installed or there is no bfloat16."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from portables import TEMPERATURE, Pair, pictures

from picturewise.cores import has_bfloat16
from picturewise.errors import MissingPackageError, RunError
from picturewise.onnx_models import openvino_session
from picturewise.onnx_models.model import onnx_model
from picturewise.onnx_models.openvino_session import OpenVinoSession

narrow = pytest.mark.skipif(
    find_spec("openvino") is None or not has_bfloat16(), reason="needs OpenVINO and a processor with bfloat16"
)


@narrow
def test_logits_are_those_of_pytorch_up_to_bfloat16() -> None:
    pair = Pair("conv 6 3x3 relu; conv 5 3x3; batchnorm; relu; flatten")
    model = onnx_model(
        pair.layers,
        pair.shape,
        pair.target,
        pair.state,
        pair.scale,
        temperature=TEMPERATURE,
        narrow="exact first",
    )
    session, expected = OpenVinoSession(model, 2), pair.by_torch(pictures(9, pair.shape))
    found = session.logits(pictures(9, pair.shape))
    difference = np.abs(found - expected).max() / expected.std()
    assert 1e-5 < difference < 0.05
    kept = found.copy()
    assert np.array_equal(session.logits(pictures(9, pair.shape)), kept)  # again, bit for bit
    session.logits(pictures(9, pair.shape, seed=1))
    assert np.array_equal(found, kept)  # not overwritten


@narrow
def test_what_is_not_a_model_is_refused() -> None:
    with pytest.raises(RunError, match=r"OpenVINO cannot compute this network .* Try --engine torch\."):
        OpenVinoSession(b"not a model", 1)


@narrow
def test_nothing_is_sent_on_import(tmp_path: Path) -> None:
    (tmp_path / "openvino_telemetry").mkdir()
    (tmp_path / "openvino_telemetry" / "__init__.py").write_text("raise SystemExit('telemetry was imported')")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from picturewise.onnx_models.openvino_session import _quiet_openvino\n"
        "print(_quiet_openvino().__name__, 'openvino_telemetry' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["openvino", "False"]


def test_without_openvino_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_session, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"OpenVINO is not installed\. Install it with: .*\[fast\]"):
        OpenVinoSession(b"", 1)


def test_the_first_call_is_made_by_one_thread_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = 0, 0
    begin = threading.Barrier(4)

    def computed(_: OpenVinoSession, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.02)
        inside -= 1
        return pictures.astype(np.float32)

    def call() -> None:
        begin.wait()
        session.logits(np.zeros((1, 1), np.uint8))

    monkeypatch.setattr(OpenVinoSession, "_computed", computed)
    monkeypatch.setitem(openvino_session._state, "begun", False)
    session = OpenVinoSession.__new__(OpenVinoSession)
    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    with openvino_session._FIRST:  # later calls do not wait for one another
        session.logits(np.zeros((1, 1), np.uint8))
