from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from picturewise.errors import DataError
from picturewise.untrusted.confined.call import Answer, Budget, run_confined

WORKS = """
import os, signal, time
import numpy as np
from picturewise.errors import DataError

def arrays(path, request, output):
    print("noise on the standard output")
    for block in np.arange(request["rows"] * 4, dtype=np.uint8).reshape(-1, 2, 2, 2):
        output.write("pictures", block)
    output.write("labels", np.array([3, -1]))
    output.write("nothing", np.empty((0, 5), np.uint8))
    return {"seen": path.read_text()}

def surroundings(path, request, output):
    import resource, sys
    return {"environment": dict(os.environ), "isolated": sys.flags.isolated, "place": os.getcwd(),
            "core": resource.getrlimit(resource.RLIMIT_CORE)[1], "modules": sorted(sys.modules)}

def refuse(path, request, output): raise DataError(f"{path} is not wanted.")
def stumble(path, request, output): raise KeyError("\\x1b[31m")
def hoard(path, request, output): return {"sum": int(np.ones(1 << 30, np.uint8).sum())}
def crash(path, request, output): os.kill(os.getpid(), signal.SIGSEGV)
def vanish(path, request, output): os._exit(7)
def lie(path, request, output):
    output._arrays["x"] = ("|u1", [1 << 40], 0); return {}
def smuggle(path, request, output):
    output._arrays["x"] = ("|O", [1], 0); return {}
def nonsense(path, request, output):
    os.write(3, b"x" * 100); os._exit(0)
def count(path, request, output):
    while True: pass
def sleep(path, request, output): time.sleep(60)
def flood(path, request, output):
    while True: output.write("x", np.zeros(1 << 20, np.uint8))
"""


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run one of the functions above in a child."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "works_of_the_test.py").write_text(WORKS)
    monkeypatch.syspath_prepend(tmp_path / "code")
    file = tmp_path / "some file"
    file.write_text("content")

    def call(function: str, limits: Budget | None = None, **request: Any) -> Answer:
        return run_confined(f"works_of_the_test:{function}", file, request, limits or Budget())

    return call


def test_arrays_come_back_in_the_order_of_their_rows_whatever_the_library_prints(call: Any) -> None:
    answer = call("arrays", rows=4)
    np.testing.assert_array_equal(answer.arrays["pictures"], np.arange(16, dtype=np.uint8).reshape(4, 2, 2))
    np.testing.assert_array_equal(answer.arrays["labels"], [3, -1])
    assert answer.arrays["nothing"].shape == (0, 5)
    assert answer.facts == {"seen": "content"}
    assert not answer.arrays["pictures"].flags.writeable


@pytest.mark.skipif(os.name == "nt", reason="Windows does not have such limits")
def test_the_child_is_alone(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    facts = call("surroundings").facts
    assert not {"SECRET", "PYTHONSTARTUP", "HOME"} & set(facts["environment"])
    assert facts["isolated"] == 1
    assert facts["core"] == 0
    assert not {"torch", "pydantic", "PIL", "scipy", "click", "multiprocessing"} & set(facts["modules"])


@pytest.mark.skipif(os.name == "nt", reason="Windows does not have such limits")
@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("refuse", r"some file is not wanted\.$"),
        ("stumble", r"some file is damaged or truncated \(KeyError: .*\)"),
        ("hoard", r"some file needs more than the 256 MB of memory"),
        ("crash", r"some file made the library that reads it crash \(SIGSEGV\)"),
        ("vanish", r"some file made the library that reads it crash \(exit code 7\)"),
        ("lie", r"some file made the library that reads it return invalid data"),
        ("smuggle", r"some file made the library that reads it return invalid data"),
        ("nonsense", r"some file made the library that reads it return invalid data"),
        ("count", r"some file takes longer to read than the 1 seconds"),
        ("flood", r"Cannot write the content of .*some file to .*too large"),
    ],
)
def test_whatever_goes_wrong_in_the_child_is_one_sentence(call: Any, function: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        call(function, Budget(seconds=1))
    assert str(caught.value).isprintable()


def test_a_child_that_waits_is_ended_by_the_clock(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    communicate = subprocess.Popen.communicate
    monkeypatch.setattr(
        subprocess.Popen, "communicate", lambda child, said, timeout: communicate(child, said, timeout=0.5)
    )
    start = time.monotonic()
    with pytest.raises(DataError, match="takes longer to read"):
        call("sleep")
    assert time.monotonic() - start < 10


def test_a_script_without_a_main_guard_can_use_it(call: Any, tmp_path: Path) -> None:
    script = tmp_path / "code" / "script.py"
    script.write_text(
        "from pathlib import Path\nfrom picturewise.untrusted.confined.call import Budget, run_confined\n"
        "print('once')\n"
        f"run_confined('works_of_the_test:arrays', Path({str(tmp_path / 'some file')!r}), dict(rows=2), Budget())\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, env=environment, check=True)
    assert done.stdout.split() == [b"once"]
    assert done.stderr == b""


def test_modules_beside_the_data_are_not_imported(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    call("arrays", rows=2)
    assert not (tmp_path / "executed").exists()
