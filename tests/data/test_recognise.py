"""Folders of pictures as sources: their notes, and the effect of `--label-from`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import picturewise
from picturewise.data.hints import Hints
from picturewise.data.readers.loose_pictures import LoosePictures
from picturewise.data.recognise import recognise
from picturewise.data.store.store import imports
from picturewise.errors import DataError

SavePicture = Callable[..., Path]
MakeClasses = Callable[..., Path]


def test_a_note_on_files_beside_is_as_new_as_the_folder_and_imports_nothing_again(
    tmp_path: Path, make_classes: MakeClasses
) -> None:
    make_classes(tmp_path / "set" / "train")
    assert [note for note in picturewise.read_dataset(tmp_path / "set").notes if "held out" not in note] == []
    before = [path.name for one in imports() for path in one.folder.iterdir()]
    (tmp_path / "set" / "labels.csv").write_text("id,breed\n")
    found = picturewise.read_dataset(tmp_path / "set")
    assert found.notes[0].startswith("labels.csv (columns id, breed) was not used")
    assert [path.name for one in imports() for path in one.folder.iterdir()] == before


def test_an_unlabelled_test_folder_leaves_the_test_split_to_be_held_out(
    tmp_path: Path, make_classes: MakeClasses, save_picture: SavePicture
) -> None:
    make_classes(tmp_path / "my set" / "train", count=20)
    save_picture(tmp_path / "my set" / "test" / "1.png", seed=7)
    whole = picturewise.read_dataset(tmp_path / "my set")
    assert {split: len(part) for split, part in whole.splits().items()} == {
        "train": 28,
        "valid": 4,
        "test": 8,
    }
    assert whole.notes[0] == (
        "The folder test contains 1 picture without classes, so it was not used as the test split. Classify these "
        f"pictures with: picturewise predict RUN '{tmp_path}/my set/test'"
    )
    assert len(set(whole.notes)) == len(whole.notes) == 3
    alone = picturewise.read_dataset(tmp_path / "my set", splits=["test"])
    assert alone.test is not None
    assert whole.test is not None
    assert alone.test.fingerprint == whole.test.fingerprint
    assert alone.notes[0] == whole.notes[0]


def test_labels_come_from_names_where_a_pattern_says_so(tmp_path: Path, save_picture: SavePicture) -> None:
    for seed in range(40):
        save_picture(
            tmp_path / "train" / f"{'cat' if seed % 2 else 'dog'}.p{seed // 4}.{seed}.png", seed=seed
        )
    save_picture(tmp_path / "test1" / "1.png")
    (tmp_path / "sampleSubmission.csv").write_text("id,label\n1,0\n")
    with pytest.raises(DataError, match=r"--label-from '\(cat\|dog\)\\\.'"):
        picturewise.read_dataset(tmp_path)
    found = picturewise.read_dataset(tmp_path, label_from=r"(cat|dog)\.", group_by=r"\.(p[0-9]+)\.")
    assert found.classes == ("cat", "dog")
    groups = {
        split: {name.split(".")[1] for name in part.names or ()} for split, part in found.splits().items()
    }
    assert groups["train"].isdisjoint(groups["test"])
    assert len(groups["train"] | groups["valid"] | groups["test"]) == 10


def test_two_patterns_are_two_imports_of_one_source(tmp_path: Path, save_picture: SavePicture) -> None:
    for seed in range(24):
        name = f"{'cat' if seed % 2 else 'dog'}_{'day' if seed % 3 else 'night'}_{seed}.png"
        save_picture(tmp_path / "set" / name, seed=seed)
    first = picturewise.read_dataset(tmp_path / "set", label_from="(cat|dog)")
    second = picturewise.read_dataset(tmp_path / "set", label_from="(day|night)")
    assert (first.classes, second.classes) == (("cat", "dog"), ("day", "night"))
    assert len(imports()) == 2
    assert picturewise.read_dataset(tmp_path / "set", label_from="(cat|dog)").classes == ("cat", "dog")


def test_labels_from_names_come_before_a_list(tmp_path: Path, save_picture: SavePicture) -> None:
    names = [f"{word}_{number}.png" for word in ("cat", "dog") for number in range(8)]
    for seed, name in enumerate(names):
        save_picture(tmp_path / name, seed=seed)
    (tmp_path / "labels.csv").write_text(
        "filename,label\n" + "".join(f"{name},{name[-5]}\n" for name in names)
    )
    assert recognise(tmp_path).name == recognise(tmp_path, hints=Hints(label_from="(cat|dog)")).name
    found = picturewise.read_dataset(tmp_path, label_from="(cat|dog)")
    assert found.classes == ("cat", "dog")


def test_other_forms_are_found_in_a_single_folder_too(tmp_path: Path, save_picture: SavePicture) -> None:
    inner = tmp_path / "archive" / "set"
    for number in range(4):
        save_picture(inner / "images" / f"{number}.png", seed=number)
    (inner / "labels.csv").write_text("filename,label\n" + "".join(f"{n}.png,{n % 2}\n" for n in range(4)))
    (tmp_path / "archive" / "README.md").touch()
    assert recognise(tmp_path).splits == ("train",)
    (inner / "labels.csv").unlink()
    with pytest.raises(DataError, match="contains only one folder of pictures, archive/set/images"):
        recognise(tmp_path)


def test_a_link_back_to_the_folder_itself_ends(tmp_path: Path, save_picture: SavePicture) -> None:
    save_picture(tmp_path / "a.png")
    (tmp_path / "again").symlink_to(tmp_path)
    with pytest.raises(DataError, match="contains pictures, but no class folders"):
        recognise(tmp_path)
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "again").symlink_to(tmp_path / "alone")
    for labelled in (False, True):
        with pytest.raises(DataError, match="is not in a format that Picturewise reads"):
            recognise(tmp_path / "alone", labelled=labelled)


def test_without_labels_a_folder_in_a_folder_means_its_pictures(
    tmp_path: Path, save_picture: SavePicture
) -> None:
    save_picture(tmp_path / "test" / "test" / "1.png")
    found = recognise(tmp_path / "test", labelled=False)
    assert isinstance(found, LoosePictures)
    assert [*found.files] == [tmp_path / "test" / "test" / "1.png"]


def test_without_labels_a_pattern_is_obeyed_all_the_same(tmp_path: Path, save_picture: SavePicture) -> None:
    save_picture(tmp_path / "cat_1.png")
    found = recognise(tmp_path, hints=Hints(label_from="(cat|dog)"), labelled=False)
    assert found.hints == Hints(label_from="(cat|dog)")


@pytest.mark.slow
def test_inspect_train_evaluate_and_predict_agree_on_labels_from_names(
    tmp_path: Path, save_picture: SavePicture
) -> None:
    for seed in range(40):
        save_picture(tmp_path / "set" / "train" / f"{'cat' if seed % 2 else 'dog'}.{seed}.png", seed=seed)
    save_picture(tmp_path / "set" / "test1" / "1.png", seed=99)
    data, hints = tmp_path / "set", Hints(label_from=r"(cat|dog)\.")
    inspected = picturewise.inspect(data, out=tmp_path / "figures", hints=hints)
    settings = {"data.label_from": hints.label_from}
    run = picturewise.train(
        data, model="mlp 4", epochs=1, settings=settings, out=tmp_path / "run", progress=False
    )
    assert [note for note in inspected.notes if "test1" in note] == [
        note for note in run.record.data.notes if "test1" in note
    ]
    evaluated = picturewise.evaluate(run, progress=False)
    assert evaluated.fingerprint == inspected.splits["test"].fingerprint
    assert (
        picturewise.evaluate(run, data=data, hints=hints, progress=False).fingerprint == evaluated.fingerprint
    )
    classifier = run.classifier()
    assert picturewise.evaluate(classifier, data=data, hints=hints, progress=False).pictures == 8
    assert len(picturewise.predict(run, data / "test1")[0]) == 1
    assert len(picturewise.predict(run, data, hints=hints)[0]) == 40
