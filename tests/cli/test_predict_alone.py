"""`picturewise predict` starts quickly, for it loads none of the large libraries that it can do without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

SCRIPT = """
import os, sys
from picturewise.cli.app import run
code = run(sys.argv[1:])
heavy = {"torch", "scipy", "sklearn", "matplotlib", "PIL", "onnx", "h5py", "pooch", "rich", "picturewise.training"}
print(code, sorted(heavy & set(sys.modules)), "onnxruntime" in sys.modules, os.environ.get("OPENBLAS_NUM_THREADS"))
"""


@pytest.mark.parametrize("name", ["run", "run/classifier.safetensors"])
@pytest.mark.parametrize(
    ("options", "told"), [([], "True 1"), (["--json"], "True 1"), (["--engine", "numpy"], "False None")]
)
def test_it_loads_no_torch_for_a_run_and_for_a_file(
    one_run: Path, name: str, options: list[str], told: str
) -> None:
    arguments = ["predict", str(one_run.parent / name), str(one_run / "one.png"), *options]
    command = [sys.executable, "-c", SCRIPT, *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    found = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert found.stdout.splitlines()[-1] == f"0 [] {told}"
    assert found.stderr == ""
    assert "one.png" in found.stdout


@pytest.fixture(scope="module")
def one_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture in it, which as far as `predict` looks at it is a run's."""
    from picturewise.architectures.lines import parse
    from picturewise.networks.builder import build
    from picturewise.prediction.classifier import Classifier
    from picturewise.prediction.description import Description
    from picturewise.preparing.preparation import Preparation

    folder, lines = tmp_path_factory.mktemp("runs") / "run", ("conv 4 relu", "batchnorm", "avgpool global")
    description = Description(
        layers=lines,
        shape=(8, 8, 1),
        resize="crop",
        classes=("a", "b"),
        preparation=Preparation(mean=(100.0,), std=(50.0,)),
    )
    network = build(parse(lines), (8, 8, 1), "dense 2", seed=0)
    Classifier(network, description).save(folder / "classifier.safetensors")
    (folder / "run.json").write_text("{}", encoding="utf-8")
    Image.new("L", (9, 12), 90).save(folder / "one.png")
    return folder


@pytest.mark.parametrize("missing", ["run.json", "classifier.safetensors"])
def test_without_a_classifier_it_says_what_is_wrong_with_the_run(one_run: Path, missing: str) -> None:
    from picturewise.errors import RunError
    from picturewise.tasks.predict import predict

    content = (one_run / missing).read_bytes()
    (one_run / missing).unlink()
    try:
        with pytest.raises(RunError, match=r"it does not contain run\.json|run\.json has format None"):
            predict(one_run, one_run / "one.png")
    finally:
        (one_run / missing).write_bytes(content)
