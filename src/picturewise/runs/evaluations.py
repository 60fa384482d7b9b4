"""The evaluations that are saved with a run: evaluation.json and probabilities.npy, one pair per split."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from picturewise import files
from picturewise.errors import DataError, RunError
from picturewise.evaluation.evaluation import Evaluation
from picturewise.runs.lock import FolderLock
from picturewise.runs.places import is_link
from picturewise.split_names import SPLITS
from picturewise.untrusted.npy import decode_npy

_HEADER = 1 << 10
_MOST_PLACES = 1 << 10  # outputs for each symbol, of networks that read sequences
_LOCK = ".evaluations.lock"
_TRIES = 3
"""A pair that does not match was read between two steps of a writer; reading again gives a matching pair."""


class StoredEvaluation(BaseModel):
    """The content of evaluation.json: an evaluation, and what it belongs to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classifier_sha256: str = Field(description="SHA-256 of the weights that were evaluated.")
    probabilities_sha256: str = Field(description="SHA-256 of the file of probabilities.")
    evaluation: Evaluation


def read(run: Path, split: str) -> StoredEvaluation | None:
    """Return the saved evaluation of a split in a run's folder; None: the split has not been evaluated.

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
            f"{path} is damaged ({reason}). Create it again with: picturewise evaluate {run}"
        ) from error


def read_probabilities(run: Path, split: str) -> NDArray[np.float32]:
    """Return the (N, K) probabilities that belong to what `read` returns.

    Raises:
        RunError: the file is missing, damaged, or belongs to another evaluation.
    """
    return read_both(run, split)[1]


def read_both(run: Path, split: str) -> tuple[StoredEvaluation, NDArray[np.float32]]:
    """Return the saved evaluation of a split, and the (N, K) probabilities that it was computed from.

    Another process may be writing both files, so they are read again until they match.

    Raises:
        RunError: a file is missing or damaged, or they do not match.
    """
    for _ in range(_TRIES):
        stored = read(run, split)
        content = None if stored is None else _content(run, split, stored)
        if stored is not None and content is not None:
            return stored, _decoded(run, split, content)
    raise _missing(run, split)


def write(
    run: Path,
    evaluation: Evaluation,
    probabilities: NDArray[np.float32],
    classifier: str,
    *,
    current: Callable[[], str | None],
) -> bool:
    """Save an evaluation of the weights with the SHA-256 `classifier` in a run, with its probabilities (N, K).

    At every moment one of two files holds the probabilities of the saved evaluation, so nothing is lost if the process
    is killed here. Several processes do this one after another.

    Args:
        run: the folder.
        evaluation: of a split.
        probabilities: of the same pictures.
        classifier: SHA-256 of the weights that computed them.
        current: returns the SHA-256 of the run's current classifier.

    Returns:
        whether it was saved. False: it is of older weights, and an evaluation of the current ones already exists.

    Raises:
        SaveError: it cannot be written.
    """
    split = evaluation.split
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, probabilities, allow_pickle=False)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    text = StoredEvaluation(
        classifier_sha256=classifier, probabilities_sha256=digest, evaluation=evaluation
    ).model_dump_json(indent=1)
    place, new = _probabilities_path(run, split), _new_probabilities_path(run, split)
    with FolderLock(run, file=_LOCK, patience=60, doing="writing an evaluation to").held():
        kept = _readable(run, split)
        now = current()
        if kept is not None and kept.classifier_sha256 == now != classifier:
            return False
        if kept is not None and _sha256(new) == kept.probabilities_sha256:
            files.adopt(new, place)  # on behalf of a process that was killed before this step
        files.write_bytes(new, buffer.getvalue())
        files.write_text(_evaluation_path(run, split), text + "\n")
        files.adopt(new, place)
    return True


def _content(run: Path, split: str, stored: StoredEvaluation) -> bytes | None:
    """Return the content of the file of probabilities that belongs to an evaluation, or None."""
    # A header, then a float32 for each picture and class. Larger files are not read.
    evaluation = stored.evaluation
    outputs = len(evaluation.classes) * (1 if evaluation.sequences is None else _MOST_PLACES)
    most = 4 * evaluation.pictures * outputs + _HEADER
    for path in (_probabilities_path(run, split), _new_probabilities_path(run, split)):
        try:
            content = path.read_bytes() if path.is_file() and path.stat().st_size <= most else b""
        except OSError:
            content = b""
        if hashlib.sha256(content).hexdigest() == stored.probabilities_sha256:
            return content
    return None


def _decoded(run: Path, split: str, content: bytes) -> NDArray[np.float32]:
    try:
        table = decode_npy(content, str(_probabilities_path(run, split)))
    except DataError as error:
        raise _missing(run, split) from error
    if table.dtype != np.float32 or table.ndim != 2:
        raise _missing(run, split)
    return table


def _missing(run: Path, split: str) -> RunError:
    return RunError(
        f"{_probabilities_path(run, split)} is missing or damaged. Create it again with: picturewise evaluate {run}"
    )


def _readable(run: Path, split: str) -> StoredEvaluation | None:
    """Return the saved evaluation of a split; None if it is damaged, because then it may be replaced."""
    try:
        return read(run, split)
    except RunError:
        return None


def _sha256(path: Path) -> str | None:
    try:
        return files.sha256(path) if path.is_file() and not is_link(path) else None
    except OSError:
        return None


def _evaluation_path(run: Path, split: str) -> Path:
    return run / ("evaluation.json" if split == "test" else f"evaluation-{split}.json")


def _probabilities_path(run: Path, split: str) -> Path:
    return run / ("probabilities.npy" if split == "test" else f"probabilities-{split}.npy")


def _new_probabilities_path(run: Path, split: str) -> Path:
    """Return where probabilities are kept until their evaluation is written."""
    place = _probabilities_path(run, split)
    return place.with_name(f".new-{place.name}")


FILES = tuple(
    str(path(Path(), split))
    for split in SPLITS
    for path in (_evaluation_path, _probabilities_path, _new_probabilities_path)
)
"""Their names in a run's folder."""
