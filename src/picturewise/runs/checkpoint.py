"""Checkpoints: everything that a run needs to continue, in a folder that appears completely or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from torch import Tensor

from picturewise import files
from picturewise.errors import SaveError
from picturewise.networks import weights
from picturewise.runs.history import STRICT, Epoch
from picturewise.runs.places import is_folder, is_link

FORMAT = 1
KEPT = 2
_STATE = "state.json"
_PARTS = ("weights.safetensors", "optimizer.safetensors")
_FILES = (_STATE, *_PARTS)
"""In the order of writing; they are removed in reverse, so that an incomplete folder still has its state file."""
_MOST_BYTES = 64 << 20
_BYTES_A_NUMBER = 32  # 4 for itself and 4 in each of three or four other tables, twice as much for safety
_NAME = re.compile(r"[0-9]{6,}-[0-9]{8,}")


@dataclass(frozen=True)
class Position:
    """How far a run has come: before batch `batch` (from 0) of epoch `epoch` (from 1).

    Attributes:
        totals: of the epoch so far: sum of losses, correct predictions, pictures.
        seconds: of training in the epoch so far.
        history: the finished epochs.
    """

    __pydantic_config__ = STRICT

    epoch: Annotated[int, Field(ge=1)] = 1
    batch: Annotated[int, Field(ge=0)] = 0
    totals: tuple[float, float, float] = (0.0, 0.0, 0.0)
    seconds: float = 0.0
    history: tuple[Epoch, ...] = ()


_POSITION = TypeAdapter(Position)


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint."""

    position: Position
    weights: dict[str, Tensor]
    optimizer: dict[str, Tensor]


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write the checkpoint into its own folder below `folder`, and keep only the previous one besides it.

    A later checkpoint was skipped as damaged when this run was resumed. It is deleted too, because it would be tried
    first again.

    Raises:
        SaveError: it cannot be written; the older ones are not changed.
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
    if is_link(path) or (path.exists() and not (is_folder(path) and _is_ours(path))):
        raise SaveError(
            f"{path} has the name of a checkpoint, but Picturewise did not create it. Move it elsewhere."
        )
    files.write_folder(path, {_STATE: json.dumps(state, indent=1).encode(), **contents})
    prune(folder, checkpoint.position)
    return path


def prune(folder: Path, position: Position) -> None:
    """Keep the checkpoint of `position` and the one before it; delete all others."""
    path = _place(folder, position)
    others = [other for other in _folders(folder) if other != path and _is_ours(other)]
    before = [other for other in others if other < path]
    for other in others:
        if other not in before[1 - KEPT :]:
            _discard(other)


def sweep(folder: Path) -> None:
    """Remove checkpoints that were not finished. The caller holds the run's lock."""
    for path in folder.glob(f"{files.TEMPORARY_PREFIX}*"):
        found = files.TEMPORARY_NAME.fullmatch(path.name)
        if found and _NAME.fullmatch(found["name"]) and is_folder(path) and _is_ours(path):
            _discard(path)


def clear(folder: Path) -> None:
    """Remove all checkpoints and then the folder, unless something else is in it. The caller holds the run's lock."""
    if is_folder(folder):
        sweep(folder)
        for path in _folders(folder):
            if _is_ours(path):
                _discard(path)
        with contextlib.suppress(OSError):
            folder.rmdir()


def newest(folder: Path, numbers: int | None = None) -> tuple[Checkpoint | None, tuple[str, ...]]:
    """Return the newest checkpoint below `folder` whose files are unchanged since they were written, or None.

    Args:
        folder: of the checkpoints.
        numbers: how many numbers the network has; files that are far too large for it are not read. None: any size.

    Returns:
        the checkpoint, and a sentence for each newer one that is damaged and was skipped.
    """
    notes: list[str] = []
    for path in reversed(_folders(folder)):
        try:
            return _read(path, numbers), tuple(notes)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            notes.append(f"The checkpoint {path} is damaged and was skipped ({_reason(error)}).")
    return None, tuple(notes)


def _place(folder: Path, position: Position) -> Path:
    return folder / f"{position.epoch:06d}-{position.batch:08d}"


def _folders(folder: Path) -> list[Path]:
    """Return the folders that are named like checkpoints, oldest first."""
    return sorted(path for path in folder.glob("*-*") if _NAME.fullmatch(path.name) and is_folder(path))


def _is_ours(path: Path) -> bool:
    """Return whether a folder named like a checkpoint may be removed: it has our state file, or is empty."""
    return (path / _STATE).is_file() or not any(path.iterdir())


def _discard(path: Path) -> None:
    """Remove a checkpoint; if anything else is in its folder, keep all of it."""
    with contextlib.suppress(OSError):
        files.remove_folder(path, _FILES)


def _read(path: Path, numbers: int | None) -> Checkpoint:
    if not all((path / name).is_file() for name in _FILES):  # a pipe would block
        raise ValueError("one of its files is missing")
    most = _MOST_BYTES + (1 << 40 if numbers is None else _BYTES_A_NUMBER * numbers)
    if sum((path / name).stat().st_size for name in _FILES) > most:
        raise ValueError(f"its files are larger than the {most:,} bytes that this network can need")
    state: dict[str, Any] = json.loads((path / _STATE).read_bytes())
    if state["format"] != FORMAT:
        raise ValueError(f"its format is {state['format']}, but must be {FORMAT}")
    contents = {name: (path / name).read_bytes() for name in _PARTS}
    position = state["position"]
    for name, content in {**contents, "position": json.dumps(position).encode()}.items():
        if _sha256(content) != state["sha256"][name]:
            raise ValueError(f"the SHA-256 of its {name} differs from the stored one")
    found = _POSITION.validate_json(json.dumps(position))
    loaded = [weights.from_bytes(contents[name]) for name in _PARTS]
    return Checkpoint(found, *loaded)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _reason(error: Exception) -> str:
    """Return the reason in a few words, without the path, because the sentence around it names the path."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{_STATE}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"{error} is missing in {_STATE}" if isinstance(error, KeyError) else str(error)
