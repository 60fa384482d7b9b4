"""One case: what is hostile, and the commands that open it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """A hostile file or folder.

    Attributes:
        kind: what is hostile about it.
        path: of the file or folder.
        commands: each as the command line has it; the first word may also be one of `opening.CALLS`.
    """

    kind: str
    path: Path
    commands: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Around:
    """What the commands are given besides.

    Attributes:
        picture: a picture file.
        pictures: a folder of labelled pictures, of the classes `classifiers.CLASSES`.
        run: a run that was trained on them, and evaluated.
        kept: a folder that nobody may change, to which links lead.
    """

    picture: Path
    pictures: Path
    run: Path
    kept: Path
