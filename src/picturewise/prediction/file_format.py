"""The metadata of a classifier's file: the description, and the hashes to check it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from picturewise.errors import RunError
from picturewise.networks import arrays
from picturewise.prediction.description import FORMAT, Description, read_table
from picturewise.printable import printable

FILE_NAME = "classifier.safetensors"
"""Of the best epoch's classifier, in a run's folder."""

_KEY = "picturewise"
_OLD_KEY = "sightline"
"""The project's name when the first files were written."""
_LONGEST = 8 << 20
"""Characters of the metadata: 65,536 classes with names of 100 are fewer."""
_KEYS = {
    "sha256",  # of the weights
    "classifier_sha256",  # of the text below
    "classifier",  # a Description as JSON
}


def to_metadata(description: Description, sha256: str) -> dict[str, str]:
    """Return the metadata for the file of a classifier whose weights have this SHA-256."""
    text = description.to_json()
    stored = {"sha256": sha256, "classifier_sha256": _sha256(text), "classifier": text}
    # Only one key: the format keeps metadata in a hash map, and several keys would be in random order.
    return {_KEY: json.dumps(stored, ensure_ascii=False, separators=(",", ":"))}


def from_metadata(metadata: Mapping[str, str], path: Path) -> tuple[str, Description]:
    """Return the SHA-256 of the weights and the description, from the metadata of the file `path`.

    Raises:
        RunError: it is not a classifier's file, is damaged, or has another version.
    """
    text = metadata.get(_KEY, metadata.get(_OLD_KEY))
    if text is None:
        raise RunError(
            f"{path} is a safetensors file, but not a classifier. Pass a file that Picturewise saved."
        )
    if len(text) > _LONGEST:
        raise RunError(
            f"{path} is damaged or malicious: its description has {len(text):,} characters, but at most "
            f"{_LONGEST:,} are allowed. Get the file again, or train again."
        )
    try:
        stored = read_table(text)
        if stored.keys() != _KEYS or not all(isinstance(value, str) for value in stored.values()):
            raise ValueError(f"its metadata must have strings for the keys {', '.join(sorted(_KEYS))}")  # noqa: TRY301 (reported below, like all)
        if _sha256(stored["classifier"]) != stored["classifier_sha256"]:
            raise RunError(
                f"{path} is damaged: the SHA-256 of its description differs from the stored one. Get the file again, "
                "or train again."
            )
        found = read_table(stored["classifier"]).get("format")
        if type(found) is not int:
            raise ValueError("its format is not an integer")  # noqa: TRY301 (the same)
        if not 1 <= found <= FORMAT:
            raise RunError(
                f"{path} has format {found}, but this version of Picturewise reads formats 1 to {FORMAT}. "
                "Upgrade Picturewise."
            )
        return stored["sha256"], Description.from_json(stored["classifier"])
    except ValueError as error:
        raise RunError(
            f"{path} is damaged or was written by another version of Picturewise: {printable(error)}. "
            f"Get the file again in format {FORMAT}, or train again."
        ) from error


def stored_sha256(path: Path) -> str:
    """Return the SHA-256 of the weights in a classifier's file, as it is stored; the weights are not read.

    Raises:
        RunError: the file is missing, damaged or not a classifier.
    """
    sha256, _ = from_metadata(arrays.read_metadata(path), path)
    return sha256


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
