from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from drawn_numbers import sequences
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from picturewise.data.arrays.digest import digest
from picturewise.data.arrays.picture_statistics import as_rows, digest_each
from picturewise.data.contract import Part
from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.data.splitting.hold_out import complete, hold_out
from picturewise.errors import DataError, UsageError

KEY = 0x5EED


def different(count: int, start: int = 0) -> NDArray[np.uint8]:
    return as_rows([digest(bytes([n // 256, n % 256])) for n in range(start, start + count)])


def part(labels: list[int], *, pixels: list[int] | None = None) -> Part:
    """Return one picture of one pixel per label; all different by default."""
    values = np.array(range(len(labels)) if pixels is None else pixels)
    images = np.stack([values // 256, values % 256], axis=1).astype(np.uint8).reshape(-1, 2, 1, 1)
    classes = tuple(f"class{n}" for n in range(max(labels) + 1))
    pictures = ImageSet(images, np.array(labels, dtype=np.int64), classes, "the source")
    return Part(pictures, digest_each(images))


def pixels(pictures: ImageSet) -> set[tuple[int, ...]]:
    return {tuple(image.ravel().tolist()) for image in pictures.images}


def test_each_class_gives_its_share() -> None:
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    held_out = hold_out(labels, different(160), fraction=0.2, key=KEY)
    assert Counter(labels[held_out].tolist()) == {0: 20, 1: 10, 2: 2}


def test_the_same_pictures_are_held_out_in_whatever_order_they_come() -> None:
    labels, digests = np.repeat([0, 1], 50), different(100)
    order = np.random.default_rng(0).permutation(100)
    first = hold_out(labels, digests, fraction=0.2, key=KEY)
    second = hold_out(labels[order], digests[order], fraction=0.2, key=KEY)
    np.testing.assert_array_equal(first[order], second)


def test_the_choice_is_this_one_on_every_machine() -> None:
    held_out = hold_out(np.zeros(10, np.int64), different(10), fraction=0.3, key=KEY)
    assert np.flatnonzero(held_out).tolist() == [0, 2, 8]


def test_another_key_makes_another_choice() -> None:
    labels, digests = np.zeros(100, np.int64), different(100)
    first = hold_out(labels, digests, fraction=0.2, key=1)
    second = hold_out(labels, digests, fraction=0.2, key=2)
    assert not np.array_equal(first, second)


def test_adding_a_picture_moves_at_most_one_other_across() -> None:
    digests = different(101)
    before = hold_out(np.zeros(100, np.int64), digests[:100], fraction=0.2, key=KEY)
    after = hold_out(np.zeros(101, np.int64), digests, fraction=0.2, key=KEY)
    assert (before != after[:100]).sum() <= 1


def test_equal_pictures_of_a_class_stay_together() -> None:
    digests = np.repeat(different(40), 5, axis=0)
    held_out = hold_out(np.zeros(200, np.int64), digests, fraction=0.2, key=KEY).reshape(40, 5)
    assert held_out.sum() == 40
    assert set(held_out.sum(axis=1).tolist()) == {0, 5}


@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.99])
@pytest.mark.parametrize("copies", [1, 3, 80])
def test_a_class_never_gives_all_and_gives_some_if_it_can(fraction: float, copies: int) -> None:
    digests = np.concatenate([np.repeat(different(1), copies, axis=0), different(5, start=1)])
    held_out = hold_out(np.zeros(len(digests), np.int64), digests, fraction=fraction, key=KEY)
    assert 0 < held_out.sum() < len(digests)
    assert len(set(held_out[:copies].tolist())) == 1


@pytest.mark.parametrize("count", [1, 7])
def test_a_class_of_one_picture_over_and_over_gives_none(count: int) -> None:
    assert not hold_out(
        np.zeros(count, np.int64), np.repeat(different(1), count, axis=0), fraction=0.5, key=KEY
    ).any()


def test_test_is_held_out_first_and_valid_from_the_rest() -> None:
    splits, notes = complete(
        part([0] * 100 + [1] * 100), {"train"}, {"train", "valid", "test"}, DataOptions(source="")
    )
    assert {split: len(pictures) for split, pictures in splits.items()} == {
        "train": 144,
        "valid": 16,
        "test": 40,
    }
    assert notes[0] == (
        "The source does not have a test split, so 40 of 200 training pictures were held out, class by class (split "
        "seed 0)."
    )
    assert notes[1] == (
        "The source does not have a validation split, so 16 of 160 training pictures were held out, class by class "
        "(split seed 0)."
    )


def test_no_picture_is_lost_or_in_two_splits() -> None:
    splits, _ = complete(
        part([0] * 60 + [1] * 60), {"train"}, {"train", "valid", "test"}, DataOptions(source="")
    )
    parts = [pixels(pictures) for pictures in splits.values()]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 120


def test_splits_that_the_source_has_are_not_held_out() -> None:
    train = part([0] * 10 + [1] * 10)
    splits, notes = complete(
        train, {"train", "valid", "test"}, {"train", "valid", "test"}, DataOptions(source="")
    )
    assert splits == {"train": train.pictures}
    assert notes == []


def test_a_split_is_the_same_whichever_are_asked_for() -> None:
    train, options = part([0] * 50 + [1] * 50), DataOptions(source="")
    together, _ = complete(train, {"train"}, {"train", "valid", "test"}, options)
    for split in ("train", "valid", "test"):
        alone, _ = complete(train, {"train"}, {split}, options)
        assert list(alone) == [split]
        assert alone[split].fingerprint == together[split].fingerprint


def test_the_validation_fraction_does_not_change_the_test_split() -> None:
    train = part([0] * 50 + [1] * 50)
    few, _ = complete(train, {"train"}, {"test"}, DataOptions(source="", valid_fraction=0.1))
    many, _ = complete(train, {"train"}, {"test"}, DataOptions(source="", valid_fraction=0.5))
    assert few["test"].fingerprint == many["test"].fingerprint


def test_another_split_seed_makes_other_splits_however_large_it_is() -> None:
    train = part([0] * 50 + [1] * 50)
    found = {
        complete(train, {"train"}, {"test"}, DataOptions(source="", split_seed=seed))[0]["test"].fingerprint
        for seed in (0, 1, 10**100)
    }
    assert len(found) == 3


def test_a_class_too_small_to_give_any_is_noted() -> None:
    splits, notes = complete(
        part([0] * 20 + [1] + [2] * 2), {"train"}, {"train", "valid", "test"}, DataOptions(source="")
    )
    assert splits["train"].counts()["class1"] == 1
    assert splits["train"].counts()["class2"] == 1
    assert notes[0].endswith("These classes have too few different pictures to be in the new split: class1.")
    assert notes[1].endswith(
        "These classes have too few different pictures to be in the new split: class1, class2."
    )


def test_where_no_class_can_give_any_that_is_an_error() -> None:
    with pytest.raises(
        DataError, match="the source: cannot hold out a test split, because no class has two different"
    ):
        complete(part([0, 0, 1, 1], pixels=[5, 5, 6, 6]), {"train"}, {"train"}, DataOptions(source=""))


def test_pictures_without_labels_are_not_held_out() -> None:
    train = part([0, 1])
    unlabelled = ImageSet(train.pictures.images, None, (), "the source")
    splits, notes = complete(Part(unlabelled, train.digests), {"train"}, {"train"}, DataOptions(source=""))
    assert splits == {"train": unlabelled}
    assert notes == ["the source does not have labels, so no split was held out from it."]


def test_a_held_out_split_says_so_where_it_comes_from() -> None:
    splits, _ = complete(part([0] * 5 + [1] * 5), {"train"}, {"train", "test"}, DataOptions(source=""))
    assert splits["test"].origin == "the source (test held out)"
    assert splits["train"].origin == "the source"


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(0, 12)), min_size=1, max_size=80),
    st.floats(0.05, 0.9),
)
def test_neither_equal_pictures_nor_those_of_one_group_are_ever_parted(
    pictures: list[tuple[int, int, int]], fraction: float
) -> None:
    labels, contents, names = (np.array(column) for column in zip(*pictures, strict=True))
    digests, groups = different(31)[contents], different(13, start=100)[names]
    held_out = hold_out(labels.astype(np.int64), digests, fraction=fraction, key=KEY, groups=groups)
    for together in (contents, names):
        for value in np.unique(together):
            assert len(set(held_out[together == value].tolist())) == 1
    for label in np.unique(labels):  # train keeps some of every class
        assert not held_out[labels == label].all()


def test_groups_of_one_class_give_its_share_as_nearly_as_they_can() -> None:
    labels = np.repeat([0, 1], 500)
    groups = np.repeat(different(100), 10, axis=0)  # 100 things with 10 pictures each
    held_out = hold_out(labels, different(1000), fraction=0.2, key=KEY, groups=groups)
    assert Counter(labels[held_out].tolist()) == {0: 100, 1: 100}


def test_groups_across_classes_give_each_class_about_its_share() -> None:
    random = np.random.default_rng(0)
    labels, groups = random.integers(0, 3, 3000), different(200)[random.integers(0, 200, 3000)]
    held_out = hold_out(labels, different(3000), fraction=0.2, key=KEY, groups=groups)
    for label in range(3):
        assert abs(held_out[labels == label].mean() - 0.2) < 0.03


def test_without_groups_the_choice_does_not_depend_on_there_being_any() -> None:
    labels, digests = np.repeat([0, 1], 100), different(200)
    alone = hold_out(labels, digests, fraction=0.2, key=KEY)
    np.testing.assert_array_equal(alone, hold_out(labels, digests, fraction=0.2, key=KEY, groups=digests))


def named(names: list[str]) -> Part:
    train = part([0, 1] * (len(names) // 2))
    return replace(train, pictures=replace(train.pictures, names=names))


def test_a_pattern_in_the_file_names_keeps_pictures_of_one_thing_together() -> None:
    names = [f"train/patient{n // 5}_slice{n % 5}.png" for n in range(100)]
    options = DataOptions(source="", group_by=r"(patient\d+)_")
    splits, notes = complete(named(names), {"train"}, {"train", "valid", "test"}, options)
    things = [{name.split("_")[0] for name in pictures.names or ()} for pictures in splits.values()]
    assert sum(map(len, things)) == len(set.union(*things)) == 20
    assert (
        "20 of 100 training pictures were held out, class by class, with the groups of '(patient\\d+)_' kept together"
        in notes[0]
    )


def test_a_pattern_without_a_group_counts_as_a_whole() -> None:
    names = [f"{n // 10}-{n % 10}.png" for n in range(100)]
    splits, _ = complete(named(names), {"train"}, {"test"}, DataOptions(source="", group_by="^[0-9]+-"))
    assert len(splits["test"]) == 20
    assert len({name.split("-")[0] for name in splits["test"].names or ()}) == 2


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a_1", "a_2", "b_1", "c"], "the name 'c' does not match --group-by '(.)_'"),
        (None, "the pictures do not have file names. Omit --group-by '(.)_'"),
    ],
)
def test_a_pattern_that_does_not_fit_is_refused(names: list[str] | None, said: str) -> None:
    train = part([0, 1, 0, 1])
    train = replace(train, pictures=replace(train.pictures, names=names))
    with pytest.raises(DataError, match=re.escape(said)):
        complete(train, {"train"}, {"train"}, DataOptions(source="", group_by="(.)_"))


def test_a_pattern_that_would_be_searched_for_ever_is_refused() -> None:
    options = DataOptions(source="", group_by="(a+)+$")
    with pytest.raises(UsageError, match=re.escape("--group-by '(a+)+$' takes too much time or memory")):
        complete(named(["a" * 60 + "!", "b"]), {"train"}, {"train"}, options)


def test_names_that_are_not_text_have_groups_too() -> None:
    names = [f"caf\udce9{n // 10}-{n % 10}.png" for n in range(100)]
    splits, _ = complete(named(names), {"train"}, {"test"}, DataOptions(source="", group_by="^.*-"))
    assert len({name.split("-")[0] for name in splits["test"].names or ()}) == 2


def test_a_pattern_for_a_source_with_all_its_splits_is_noted_to_have_no_effect() -> None:
    everything = {"train", "valid", "test"}
    _, notes = complete(part([0, 1]), everything, everything, DataOptions(source="", group_by="x"))  # type: ignore[arg-type]
    assert notes == ["--group-by had no effect: the data set already has all its splits."]


def test_pictures_that_look_the_same_stay_together_though_their_files_differ() -> None:
    files, looks = different(300), np.repeat(different(100, start=500), 3, axis=0)
    labels = np.repeat([0, 1], 150)
    held_out = hold_out(labels, files, fraction=0.2, key=KEY, pixels=looks)
    assert set(held_out.reshape(100, 3).sum(axis=1).tolist()) == {0, 3}
    assert Counter(labels[held_out].tolist()) == {0: 30, 1: 30}


def test_looks_that_say_the_same_as_the_files_change_nothing() -> None:
    labels, files = np.repeat([0, 1], 100), np.repeat(different(50), 4, axis=0)
    alone = hold_out(labels, files, fraction=0.2, key=KEY)
    looks = np.repeat(different(50, start=500), 4, axis=0)
    np.testing.assert_array_equal(alone, hold_out(labels, files, fraction=0.2, key=KEY, pixels=looks))


def test_each_length_of_sequences_gives_its_share() -> None:
    pictures = sequences(["1"] * 10 + ["12"] * 50 + ["123"] * 20 + ["1234"])
    splits, notes = complete(Part(pictures), ["train"], ["train", "test"], DataOptions(valid_fraction=0))
    assert splits["test"].length_counts() == {"1": 2, "2": 10, "3": 4}
    assert splits["train"].length_counts() == {"1": 8, "2": 40, "3": 16, "over 3": 1}
    (note,) = notes
    assert "16 of 81 training pictures were held out, length by length (split seed 0)" in note
    assert "These lengths have too few different pictures to be in the new split: 4." in note


def test_sequences_of_one_group_stay_together() -> None:
    pictures = sequences(["1", "12"] * 30)
    grouped = replace(pictures, names=[f"street{number // 6}_{number}.png" for number in range(60)])
    options = DataOptions(valid_fraction=0, group_by="street[0-9]+")
    splits, _ = complete(Part(grouped), ["train"], ["train", "test"], options)
    streets = {
        name: {one.partition("_")[0] for one in splits[name].names or ()} for name in ("train", "test")
    }  # type: ignore[index]
    assert len(streets["train"]) == 8
    assert len(streets["test"]) == 2
    assert not streets["train"] & streets["test"]
