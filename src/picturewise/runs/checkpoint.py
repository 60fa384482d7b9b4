"""Checkpoints: all that a run needs to go on, in a folder that appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from picturewise import files
from picturewise.networks import weights
from picturewise.runs.history import Epoch

FORMAT = 1
KEPT = 2
_STATE = "state.json"
_PARTS = ("weights.safetensors", "optimizer.safetensors")


@dataclass(frozen=True)
class Position:
    """Where a run stands: before batch `batch` (from 0) of epoch `epoch` (from 1).

    Attributes:
        totals: of the epoch so far: sum of losses, right answers, pictures.
        seconds: of training in the epoch so far.
        history: the finished epochs.
    """

    epoch: int = 1
    batch: int = 0
    totals: tuple[float, float, float] = (0.0, 0.0, 0.0)
    seconds: float = 0.0
    history: tuple[Epoch, ...] = ()


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds."""

    position: Position
    weights: dict[str, Tensor]
    optimizer: dict[str, Tensor]


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write the checkpoint into a folder of its own below `folder`, and keep only the one before it besides.

    One that is further on was passed over as damaged when this run went on; it is dropped too, for it would be
    tried first again.

    Raises:
        SaveError: it cannot be written; the older ones are untouched.
    """
    contents = dict(
        zip(_PARTS, map(weights.to_bytes, (checkpoint.weights, checkpoint.optimizer)), strict=True)
    )
    position = asdict(checkpoint.position)
    state = {
        "format": FORMAT,
        "position": position,
        "sha256": {
            "position": _sha256(json.dumps(position).encode()),
            **{name: _sha256(content) for name, content in contents.items()},
        },
    }
    path = _place(folder, checkpoint.position)
    files.write_folder(path, {**contents, _STATE: json.dumps(state, indent=1).encode()})
    prune(folder, checkpoint.position)
    return path


def prune(folder: Path, position: Position) -> None:
    """Keep the checkpoint of `position` and the one before it; drop all others."""
    path = _place(folder, position)
    others = [other for other in _folders(folder) if other != path]
    before = [other for other in others if other < path]
    for other in others:
        if other not in before[1 - KEPT :]:
            shutil.rmtree(other, ignore_errors=True)


def newest(folder: Path) -> tuple[Checkpoint | None, tuple[str, ...]]:
    """Return the newest checkpoint below `folder` whose files are what was written, or None.

    Returns:
        the checkpoint, and a sentence for each newer one that is damaged and was passed over.
    """
    notes: list[str] = []
    for path in reversed(_folders(folder)):
        try:
            return _read(path), tuple(notes)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            notes.append(f"The checkpoint {path} is damaged and was passed over ({_reason(error)}).")
    return None, tuple(notes)


def _place(folder: Path, position: Position) -> Path:
    return folder / f"{position.epoch:06d}-{position.batch:08d}"


def _folders(folder: Path) -> list[Path]:
    """Return the checkpoints' folders, oldest first."""
    return sorted(path for path in folder.glob("*-*") if path.is_dir() and path.name[0].isdigit())


def _read(path: Path) -> Checkpoint:
    state: dict[str, Any] = json.loads((path / _STATE).read_bytes())
    if state["format"] != FORMAT:
        raise ValueError(f"format {state['format']}, expected {FORMAT}")
    contents = {name: (path / name).read_bytes() for name in _PARTS}
    position = state["position"]
    for name, content in {**contents, "position": json.dumps(position).encode()}.items():
        if _sha256(content) != state["sha256"][name]:
            raise ValueError(f"its {name} does not have the SHA-256 stored with it")
    position["history"] = tuple(Epoch(**row) for row in position["history"])
    position["totals"] = tuple(position["totals"])
    loaded = [weights.from_bytes(contents[name]) for name in _PARTS]
    return Checkpoint(Position(**position), *loaded)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _reason(error: Exception) -> str:
    """Return what is wrong in a few words, without the path, which the sentence around it names."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"{_STATE} lacks {error}" if isinstance(error, KeyError) else str(error)
