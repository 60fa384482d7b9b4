"""Checkpoints: all that a run needs to go on, in a folder that appears whole or not at all."""

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
"""In the order in which they are written, and removed from the end: whatever is half there has its state file."""
_MOST_BYTES = 64 << 20
_BYTES_A_NUMBER = (
    32  # its own four, as many in each of three or four tables beside it, and twice as many to spare
)
_NAME = re.compile(r"[0-9]{6,}-[0-9]{8,}")


@dataclass(frozen=True)
class Position:
    """Where a run stands: before batch `batch` (from 0) of epoch `epoch` (from 1).

    Attributes:
        totals: of the epoch so far: sum of losses, right answers, pictures.
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
    if is_link(path) or (path.exists() and not (is_folder(path) and _is_ours(path))):
        raise SaveError(
            f"{path} is in the way of a checkpoint, and Picturewise did not make it. Move it away."
        )
    files.write_folder(path, {_STATE: json.dumps(state, indent=1).encode(), **contents})
    prune(folder, checkpoint.position)
    return path


def prune(folder: Path, position: Position) -> None:
    """Keep the checkpoint of `position` and the one before it; drop all others."""
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


def newest(folder: Path, numbers: int | None = None) -> tuple[Checkpoint | None, tuple[str, ...]]:
    """Return the newest checkpoint below `folder` whose files are what was written, or None.

    Args:
        folder: of the checkpoints.
        numbers: how many the network has itself; files that are far too large for it are not read. None: any size.

    Returns:
        the checkpoint, and a sentence for each newer one that is damaged and was passed over.
    """
    notes: list[str] = []
    for path in reversed(_folders(folder)):
        try:
            return _read(path, numbers), tuple(notes)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            notes.append(f"The checkpoint {path} is damaged and was passed over ({_reason(error)}).")
    return None, tuple(notes)


def _place(folder: Path, position: Position) -> Path:
    return folder / f"{position.epoch:06d}-{position.batch:08d}"


def _folders(folder: Path) -> list[Path]:
    """Return the folders that have a checkpoint's name, oldest first."""
    return sorted(path for path in folder.glob("*-*") if _NAME.fullmatch(path.name) and is_folder(path))


def _is_ours(path: Path) -> bool:
    """Return whether a folder that has a checkpoint's name may be removed: it holds our state file, or nothing."""
    return (path / _STATE).is_file() or not any(path.iterdir())


def _discard(path: Path) -> None:
    """Remove a checkpoint; if anything else is in its folder, all of it stays."""
    with contextlib.suppress(OSError):
        files.remove_folder(path, _FILES)


def _read(path: Path, numbers: int | None) -> Checkpoint:
    if not all((path / name).is_file() for name in _FILES):  # a pipe would block
        raise ValueError("one of its files is missing")
    most = _MOST_BYTES + (1 << 40 if numbers is None else _BYTES_A_NUMBER * numbers)
    if sum((path / name).stat().st_size for name in _FILES) > most:
        raise ValueError(f"its files have more than the {most:,} bytes that such a network can need")
    state: dict[str, Any] = json.loads((path / _STATE).read_bytes())
    if state["format"] != FORMAT:
        raise ValueError(f"format {state['format']}, expected {FORMAT}")
    contents = {name: (path / name).read_bytes() for name in _PARTS}
    position = state["position"]
    for name, content in {**contents, "position": json.dumps(position).encode()}.items():
        if _sha256(content) != state["sha256"][name]:
            raise ValueError(f"its {name} does not have the SHA-256 stored with it")
    found = _POSITION.validate_json(json.dumps(position))
    loaded = [weights.from_bytes(contents[name]) for name in _PARTS]
    return Checkpoint(found, *loaded)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _reason(error: Exception) -> str:
    """Return what is wrong in a few words, without the path, which the sentence around it names."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{_STATE}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"{_STATE} lacks {error}" if isinstance(error, KeyError) else str(error)
