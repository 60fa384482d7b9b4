from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from portables import Pair, pictures

from picturewise.architectures.named import named_lines
from picturewise.errors import RunError
from picturewise.onnx_models.session import Session

LINES = "conv 8 relu; batchnorm; maxpool 2; residual 12 /2; conv 6; groupnorm 3; flatten; dense 20 gelu"


def test_a_picture_gets_nearly_the_same_logits_in_every_batch() -> None:
    pair, images = Pair(LINES), pictures(33, (12, 9, 3))
    session = Session(pair.model, 1)
    whole = session.logits(images)
    for size in (1, 2, 5, 32):
        parts = [session.logits(images[start : start + size]) for start in range(0, 33, size)]
        np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-5, atol=1e-5)


def test_the_other_pictures_of_a_batch_change_nothing_at_all() -> None:
    pair, images = Pair(LINES), pictures(16, (12, 9, 3))
    session = Session(pair.model, 1)
    whole = session.logits(images)
    others = pictures(16, (12, 9, 3), seed=1)
    for place in (0, 7, 15):
        others[place] = images[place]
        np.testing.assert_array_equal(session.logits(others)[place], whole[place])


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_pictures_give_the_same_bits_again(threads: int) -> None:
    pair, images = Pair(LINES), pictures(16, (12, 9, 3))
    first = Session(pair.model, threads).logits(images)
    session = Session(pair.model, threads)
    for _ in range(3):
        np.testing.assert_array_equal(session.logits(images), first)
    np.testing.assert_array_equal(Session(pair.model, 1).logits(images), first)


@pytest.mark.parametrize(("threads", "spins"), [(1, "0"), (2, "1")])
def test_threads_spin_only_where_they_share_a_batch_and_only_for_a_moment(threads: int, spins: str) -> None:
    options = Session(Pair(LINES).model, threads)._session.get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == spins
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"
    assert options.get_session_config_entry("session.intra_op.spin_duration_us") == "20"


SCRIPT = """
import sys
import numpy as np
from picturewise.onnx_models.session import Session
session = Session(open(sys.argv[1], "rb").read(), 2)
session.logits(np.zeros((3, 28, 28, 1), np.uint8))
print(sorted(name for name in ("onnx", "torch", "scipy") if name in sys.modules))
"""


def test_nothing_is_printed_or_written_and_neither_onnx_nor_torch_is_loaded(tmp_path: Path) -> None:
    pair = Pair(named_lines("cnn", (28, 28, 1)), (28, 28, 1))
    (tmp_path / "model.onnx").write_bytes(pair.model)
    folder = tmp_path / "empty"
    folder.mkdir()
    # Nothing else of the environment: in a CI, or with a setting of the user's, the library is quiet by itself.
    environment = {
        name: os.environ[name] for name in ("PATH", "PYTHONPATH", "SYSTEMROOT") if name in os.environ
    }
    environment |= {name: str(folder) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME")}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "model.onnx")]
    found = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder, env=environment)
    assert (found.stdout, found.stderr) == ("[]\n", "")
    assert not list(folder.iterdir())


def test_what_onnx_runtime_raises_becomes_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        RunError, match=r"^ONNX Runtime cannot compute this network \(.*\)\. Try --engine torch\.$"
    ):
        Session(b"\x1b[31mno model", 1)
    session = Session(Pair("flatten").model, 1)
    with pytest.raises(RunError, match="ONNX Runtime cannot compute"):
        session.logits(np.zeros((1, 3, 3, 3, 3), np.uint8))

    class Failing:
        def run(self, *_: object) -> None:
            raise RuntimeError("std::bad_alloc")

    monkeypatch.setattr(session, "_session", Failing())
    with pytest.raises(MemoryError, match="bad_alloc"):
        session.logits(np.zeros((1, 3, 3, 1), np.uint8))
