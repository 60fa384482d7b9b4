"""Unused files beside pictures are named in notes, except files that say nothing about the pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from picturewise.data.readers.folders import beside
from picturewise.data.readers.folders.contents import look

Build = Callable[[str], Path]


def notes(root: Path, classes: tuple[str, ...] = ("cat", "dog")) -> list[str]:
    here = look(root)
    return beside.notes_on(here, root, (), classes)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "labels.csv",
            "id,breed\ncat/1.png,pug\n",
            "labels.csv (columns id, breed) lists pictures, but was not used",
        ),
        ("meta.csv", "patient;age\n1;7\n", "meta.csv (columns patient, age) was not used"),
        ("numbers.csv", "1,2\n3,4\n", "numbers.csv was not used"),
        ("pairs.tsv", "name\tlabel\n", "pairs.tsv (columns name, label) was not used"),
        (
            "sample_submission.csv",
            "id,label\n",
            "sample_submission.csv was not used, because it looks like a sample submission",
        ),
        ("annotations.json", "{}", "annotations.json was not used"),
        (
            "arrays.npz",
            "PK",
            "arrays.npz was not used, because the classes are taken from the folders. To use it instead, pass",
        ),
        ("images.txt", "1 001.Albatross/a.jpg\n", "images.txt seems to list pictures or labels"),
        ("one-indexed-files.txt", "glass1.jpg 1\n", "one-indexed-files.txt seems to list pictures"),
        (
            "train_test_split.txt",
            "1 0\n",
            "train_test_split.txt seems to list the pictures of a split, but was not used",
        ),
        ("test.txt", "a/1\n", "test.txt seems to list the pictures of a split, but was not used"),
        (
            "monkey_labels.txt",
            "n0, alouatta, 131\n",
            "monkey_labels.txt seems to list pictures or labels",
        ),
        (
            "synset_mapping.txt",
            "cat a house cat\n",
            "synset_mapping.txt seems to list the class names, but was not used",
        ),
        ("test.zip", "PK", "test.zip was not used. If its pictures belong to the data set, unpack it"),
    ],
)
def test_files_that_say_something_are_named(tmp_path: Path, name: str, content: str, expected: str) -> None:
    (tmp_path / name).write_text(content)
    (note,) = notes(tmp_path)
    assert note.startswith(expected)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("README.md", "cat/1.png"),
        ("README.dataset.txt", "train/1.jpg"),
        ("LICENSE", "train/1.jpg"),
        ("license_agreement.txt", "train"),
        ("Rice_Citation_Request.txt", "a.jpg"),
        ("notes.txt", "taken in the garden"),
        ("classes.txt", "dog\ncat\n"),
        ("labels.txt", "cat\r\ndog\r\n"),
        ("train.py", "import a"),
        ("flowers.zip", "PK"),
        ("data.yaml", "names: [cat, dog]"),
        ("report.pdf", "%PDF"),
        ("empty.txt", ""),
        ("names.txt", "\0\0"),
    ],
)
def test_files_that_say_nothing_new_are_not_named(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert notes(tmp_path) == []


def test_an_archive_that_was_unpacked_is_not_named(build: Build) -> None:
    assert notes(build("train.zip; train/cat/1.png")) == []


def test_of_many_files_four_get_a_sentence_and_all_are_named(build: Build) -> None:
    found = notes(build("{a,b,c,d,e,f}.csv"))
    assert len(found) == 5
    assert found[-1] == "e.csv, f.csv were also not used."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_named_as_a_list_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "labels.csv")
    assert len(notes(tmp_path)) == 1


def test_strays_are_counted_and_the_first_is_named(build: Build) -> None:
    root = build("b.png; a.png; cat/1.png")
    assert beside.strays(look(root), root) == [
        "2 pictures are outside the class folders and were not used; the first is a.png."
    ]
