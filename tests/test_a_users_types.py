"""A user's script is checked by mypy as strictly as it can: exact types come out, and a misspelt keyword is caught."""

from __future__ import annotations

import importlib.resources
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = """
from pathlib import Path

import numpy as np

import picturewise

run = picturewise.train("digits", model="mlp 8", epochs=1, learning_rate=0.1, batch_size=64, augmentation=["flip"])
reveal_type(run)  # Run
reveal_type(picturewise.evaluate(run).accuracy)  # Interval
classifier = run.classifier()
reveal_type(classifier)  # Classifier
reveal_type(classifier.predict("a.png"))  # str
reveal_type(classifier.predict([Path("a.png"), b""]))  # list[str]
reveal_type(classifier.predict(np.zeros((8, 8))))  # str | list[str]
reveal_type(classifier.predict_proba("a.png").dtype)  # dtype[floating[_32Bit]]
reveal_type(picturewise.predict(run, ["a.png"]).predictions)  # list[Prediction]
reveal_type(picturewise.find_learning_rate("digits", optimizer="sgd").suggested)  # float
reveal_type(picturewise.extend(run, layers="dense 4 relu", patience=2).run)  # Run
reveal_type(picturewise.summary("digits", model="mlp 8", size=(16, 16)).trainable)  # int
reveal_type(picturewise.compare([run, "runs/2"]).best)  # str
reveal_type(picturewise.read_dataset("digits").train)  # ImageSet | None
picturewise.train("digits", learning_rat=0.1)  # error: Unexpected keyword argument "learning_rat"
picturewise.train("digits", batch_size="64")  # error: Argument "batch_size" to "train" has incompatible type "str"
picturewise.train("digits", optimizer="adm")  # error: Argument "optimizer" to "train" has incompatible type
"""
# A line may get a second note, which says where the function is.
_TOLD = re.compile(r'script\.py:(\d+): (error: .*|note: Revealed type is ".*")')


def test_the_package_says_that_it_has_types() -> None:
    assert importlib.resources.files("picturewise").joinpath("py.typed").is_file()


@pytest.mark.slow
def test_mypy_sees_exact_types_and_catches_a_misspelt_keyword(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    # With the project's options and cache, which `make lint` has filled: they are strict.
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--no-error-summary",
        "--hide-error-codes",
        "--no-color-output",
        script,
    ]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    told = {int(number): text for number, text in _TOLD.findall(found.stdout)}
    expected = {
        number: line.partition("  # ")[2]
        for number, line in enumerate(SCRIPT.splitlines(), 1)
        if "  # " in line
    }
    assert told.keys() == expected.keys(), found.stdout + found.stderr
    for number, text in expected.items():
        if text.startswith("error: "):
            assert text in told[number]
        else:
            shown = re.sub(r"(?:\w+\.)+(\w)", r"\1", told[number].partition('"')[2].rstrip('"'))
            assert shown == text
