"""Imports that are damaged, or were changed by someone who put the checksums right."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_numbers import sequences

from picturewise.data.contract import Part
from picturewise.data.imageset import ImageSet
from picturewise.data.store import stored_split

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 3, 2, 1), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures = ImageSet(IMAGES, np.array([0, 1, 1, 0]), ("a", "b"), "made by a test", list("wxyz"))
    part = Part(pictures, digests=np.zeros((4, 16), np.uint8))
    return stored_split.Workshop(tmp_path).write("train", part, (), "made by a test")


def signed(folder: Path, **changes: Any) -> None:
    """Write files again (None: delete one), and correct their hashes in dataset.json."""
    facts = json.loads((folder / "dataset.json").read_bytes())
    for name, content in changes.items():
        file = f"{name}.txt" if name == "names" else f"{name}.npy"
        if content is None:
            del facts["sha256"][file]
            continue
        buffer = io.BytesIO()
        np.save(buffer, content) if name != "names" else buffer.write(content.encode())
        (folder / file).write_bytes(buffer.getvalue())
        facts["sha256"][file] = hashlib.sha256(buffer.getvalue()).hexdigest()
    (folder / "dataset.json").write_text(json.dumps(facts))


def test_what_was_written_is_read(folder: Path) -> None:
    found = stored_split.read_part(folder)
    assert found is not None
    np.testing.assert_array_equal(found[0].pictures.images, IMAGES)
    assert found[0].pictures.names == list("wxyz")
    signed(folder)
    assert stored_split.read_part(folder) is not None


@pytest.mark.parametrize("at", [0, 6, 8, 10, 20, 45, 60, 70, 126])
@pytest.mark.parametrize("byte", [0, 0xFF, ord("}"), ord("("), ord("\n")])
def test_a_damaged_header_of_the_pictures_never_harms(folder: Path, at: int, byte: int) -> None:
    path = folder / "images.npy"
    content = bytearray(path.read_bytes())
    content[at] = byte
    path.write_bytes(content)
    found = stored_split.read_part(folder)
    assert found is None or (found[0].pictures.images == IMAGES).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"digests": None},
        {"sums": None},
        {"digests": np.zeros((4, 15), np.uint8)},
        {"digests": np.zeros((3, 16), np.uint8)},
        {"sums": np.zeros((4, 3), np.int64)},
        {"sums": np.zeros((4, 2), np.int32)},
        {"sums": np.zeros(4, np.int64)},
        {"sources": np.zeros((4, 8), np.uint8)},
        {"labels": np.array([0, 1, 1, 2])},
        {"labels": np.array([0, 1, 1])},
        {"labels": np.array([0.0, 1, 1, 0])},
        {"names": "w\nx\ny"},
        {"other": np.zeros(3)},
    ],
)
def test_inconsistent_files_are_not_an_import(folder: Path, changes: dict[str, Any]) -> None:
    signed(folder, **changes)
    assert stored_split.read_part(folder) is None


def test_sequences_come_back_with_their_target(tmp_path: Path) -> None:
    pictures = sequences(["07", "123"])
    folder = stored_split.Workshop(tmp_path).write("train", Part(pictures), (), "made by a test")
    found = stored_split.read_part(folder)
    assert found is not None
    assert found[0].pictures.target == pictures.target
    np.testing.assert_array_equal(found[0].pictures.required_labels, pictures.required_labels)
    assert found[0].pictures.fingerprint == pictures.fingerprint


@pytest.mark.parametrize("target", ["numbers 2", "one class", "numbers", "nothing 3", "numbers 99999"])
def test_a_target_that_does_not_fit_the_labels_is_imported_again(tmp_path: Path, target: str) -> None:
    folder = stored_split.Workshop(tmp_path).write(
        "train", Part(sequences(["07", "123"])), (), "made by a test"
    )
    facts = json.loads((folder / "dataset.json").read_bytes())
    (folder / "dataset.json").write_text(json.dumps(facts | {"target": target}))
    assert stored_split.read_part(folder) is None
