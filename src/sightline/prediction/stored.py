"""What stands in the metadata of a classifier's file: the description, and the hashes that it is checked by."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sightline.errors import RunError
from sightline.networks import arrays
from sightline.prediction.description import FORMAT, Description

FILE_NAME = "classifier.safetensors"
"""Of the best epoch's classifier, in a run's folder."""

_KEY = "sightline"


class _Stored(BaseModel):
    """What stands in the metadata."""

    model_config = ConfigDict(extra="forbid")

    sha256: str = Field(description="Of the weights.")
    classifier_sha256: str = Field(description="Of the text below.")
    classifier: str = Field(description="A Description as JSON.")


class _Version(BaseModel):
    """The one part of a description that every format shares."""

    format: int


def to_metadata(description: Description, sha256: str) -> dict[str, str]:
    """Return the metadata of the file of a classifier whose weights have that SHA-256."""
    text = description.model_dump_json()
    stored = _Stored(sha256=sha256, classifier_sha256=_sha256(text), classifier=text)
    # One key only: the format keeps metadata in a hash map, and several keys come in random order.
    return {_KEY: stored.model_dump_json()}


def from_metadata(metadata: Mapping[str, str], path: Path) -> tuple[str, Description]:
    """Return the SHA-256 of the weights and the description, as they stand in the metadata of the file `path`.

    Raises:
        RunError: it is no classifier's file, damaged, or of another version.
    """
    if _KEY not in metadata:
        raise RunError(f"{path} is a safetensors file, but no classifier: Sightline did not write it.")
    try:
        stored = _Stored.model_validate_json(metadata[_KEY])
        if _sha256(stored.classifier) != stored.classifier_sha256:
            raise RunError(f"{path} is damaged: its description does not have the SHA-256 stored with it.")
        found = _Version.model_validate_json(stored.classifier).format
        if found != FORMAT:
            raise RunError(f"{path} has format {found}; this Sightline reads format {FORMAT}.")
        return stored.sha256, Description.model_validate_json(stored.classifier)
    except ValidationError as error:
        raise RunError(
            f"{path} was written by another version of Sightline or is damaged "
            f"(expected format {FORMAT}): {error.errors()[0]['msg']}."
        ) from error


def stored_sha256(path: Path) -> str:
    """Return the SHA-256 of the weights in a classifier's file, as it stands there; the weights are not read.

    Raises:
        RunError: the file is missing, damaged or no classifier.
    """
    sha256, _ = from_metadata(arrays.read_metadata(path), path)
    return sha256


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
