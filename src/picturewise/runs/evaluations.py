"""The evaluations that are kept with a run: evaluation.json, and probabilities.npy beside it, one pair a split."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from picturewise import files
from picturewise.errors import DataError, RunError
from picturewise.evaluation.evaluation import Evaluation
from picturewise.untrusted.npy import decode_npy


class StoredEvaluation(BaseModel):
    """The content of evaluation.json: an evaluation, and what it belongs to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classifier_sha256: str = Field(description="Of the weights that were evaluated.")
    probabilities_sha256: str = Field(description="Of the file of probabilities beside it.")
    evaluation: Evaluation


def read(run: Path, split: str) -> StoredEvaluation | None:
    """Return what is kept of a split in the folder of a run; None: it has not been evaluated.

    Raises:
        RunError: the file is damaged.
    """
    path = _evaluation_path(run, split)
    if not path.exists():
        return None
    try:
        return StoredEvaluation.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.errors()[0]["msg"]
        raise RunError(
            f"{path} is damaged ({reason}); make it anew with: picturewise evaluate {run}"
        ) from error


def read_probabilities(run: Path, split: str) -> NDArray[np.float32]:
    """Return the (N, K) probabilities that belong to what `read` returns.

    Raises:
        RunError: the file is missing, damaged, or belongs to another evaluation.
    """
    path, stored = _probabilities_path(run, split), read(run, split)
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    missing = RunError(f"{path} is missing or damaged; make it anew with: picturewise evaluate {run}")
    if stored is None or hashlib.sha256(content).hexdigest() != stored.probabilities_sha256:
        raise missing
    try:
        table = decode_npy(content, str(path))
    except DataError as error:
        raise missing from error
    if table.dtype != np.float32 or table.ndim != 2:
        raise missing
    return table


def write(run: Path, evaluation: Evaluation, probabilities: NDArray[np.float32], classifier: str) -> None:
    """Keep an evaluation with a run, of the weights with the SHA-256 `classifier`, and its probabilities (N, K).

    Raises:
        SaveError: it cannot be written.
    """
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, probabilities, allow_pickle=False)
    files.write_bytes(_probabilities_path(run, evaluation.split), buffer.getvalue())
    stored = StoredEvaluation(
        classifier_sha256=classifier,
        probabilities_sha256=hashlib.sha256(buffer.getvalue()).hexdigest(),
        evaluation=evaluation,
    )
    files.write_text(_evaluation_path(run, evaluation.split), stored.model_dump_json(indent=1) + "\n")


def _evaluation_path(run: Path, split: str) -> Path:
    return run / ("evaluation.json" if split == "test" else f"evaluation-{split}.json")


def _probabilities_path(run: Path, split: str) -> Path:
    return run / ("probabilities.npy" if split == "test" else f"probabilities-{split}.npy")
