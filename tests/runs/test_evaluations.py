"""Both files of an evaluation belong together at every moment, whoever is killed while they are written."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from picturewise import files
from picturewise.errors import RunError
from picturewise.evaluation.metrics import evaluate
from picturewise.runs import evaluations

OLD, NEW = "0" * 64, "1" * 64


def pair(seed: int) -> tuple[Any, np.ndarray]:
    table = np.random.default_rng(seed).dirichlet([1.0] * 3, size=9).astype(np.float32)
    table /= table.sum(axis=1, keepdims=True)
    names = {"dataset": "tiny", "split": "test", "fingerprint": "0" * 64}
    return evaluate(table, np.arange(9) % 3, classes=["a", "b", "c"], **names), table


def write(run: Path, seed: int, classifier: str = OLD, current: str = OLD) -> bool:
    return evaluations.write(run, *pair(seed), classifier, current=lambda: current)


def kept(run: Path) -> int:
    """Return the seed of the pair that is kept; it must be one of them."""
    stored, table = evaluations.read_both(run, "test")
    (seed,) = [seed for seed in range(4) if np.array_equal(pair(seed)[1], table)]
    assert stored.evaluation == pair(seed)[0]
    return seed


class Killed(BaseException):
    pass


@pytest.mark.parametrize("again", [False, True])
def test_a_writer_that_is_killed_between_any_two_steps_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, again: bool
) -> None:
    """And neither does the next one, which is killed as well."""
    left, real = 0, Path.replace

    def replace(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    found = set()
    for first in range(1, 5):
        for second in range(1, 6) if again else [99]:
            run = tmp_path / "run"
            run.mkdir()
            write(run, 0)
            for seed, step in ((1, first), (2, second)):
                left = step
                with contextlib.suppress(Killed):
                    write(run, seed)
                left = 0
                found.add((seed, step, kept(run)))
            assert kept(run) in ({2} if second == 99 else {0, 1, 2})
            write(run, 3)
            assert kept(run) == 3
            assert not list(run.glob(".new-*"))
            shutil.rmtree(run)
    assert {(1, 1, 0), (1, 2, 0), (1, 3, 1), (1, 4, 1)} <= found


def test_an_older_classifier_does_not_replace_the_evaluation_of_the_current_one(tmp_path: Path) -> None:
    assert write(tmp_path, 0, classifier=NEW, current=NEW)
    assert not write(tmp_path, 1, classifier=OLD, current=NEW)
    assert kept(tmp_path) == 0
    assert write(tmp_path, 2, classifier=NEW, current=NEW)
    assert kept(tmp_path) == 2
    assert write(tmp_path, 3, classifier=OLD, current="2" * 64)  # neither is of the current one
    assert kept(tmp_path) == 3


def test_a_damaged_evaluation_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_bytes(b"{")
    assert write(tmp_path, 1)
    assert kept(tmp_path) == 1


def test_probabilities_of_another_evaluation_are_not_taken_for_its_own(tmp_path: Path) -> None:
    write(tmp_path, 0)
    content = (tmp_path / "probabilities.npy").read_bytes()
    write(tmp_path, 1)
    files.write_bytes(tmp_path / "probabilities.npy", content)
    with pytest.raises(RunError, match=r"probabilities\.npy is missing or damaged"):
        evaluations.read_both(tmp_path, "test")


def test_probabilities_of_more_pictures_than_were_evaluated_are_not_read(tmp_path: Path) -> None:
    write(tmp_path, 0)
    assert len(evaluations.read_both(tmp_path, "test")[1]) > 0
    os.truncate(tmp_path / "probabilities.npy", 1 << 40)
    with pytest.raises(RunError, match=r"probabilities\.npy is missing or damaged"):
        evaluations.read_both(tmp_path, "test")


def test_the_files_of_every_split_are_listed() -> None:
    assert set(evaluations.FILES) >= {
        "evaluation.json", "evaluation-valid.json", "evaluation-train.json",
        "probabilities.npy", "probabilities-valid.npy", ".new-probabilities-train.npy",
    }  # fmt: skip
