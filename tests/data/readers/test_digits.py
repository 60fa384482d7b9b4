from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from picturewise.data.options import DataOptions
from picturewise.data.readers.digits import DigitsReader


def test_the_digits_are_1797_grey_pictures_of_ten_classes_without_splits() -> None:
    source = DigitsReader()
    pictures = source.read({"train"}, DataOptions(source="digits")).parts["train"].pictures
    assert source.splits == ("train",)
    assert pictures.images.shape == (1797, 8, 8, 1)
    assert pictures.classes == tuple("0123456789")


def test_sixteen_steps_of_grey_become_256() -> None:
    part = DigitsReader().read({"train"}, DataOptions(source="digits")).parts["train"]
    steps = {0: 0, 1: 16, 7: 112, 8: 128, 9: 143, 15: 239, 16: 255}
    raw = load_digits().images
    for step, grey in steps.items():
        assert set(part.pictures.images[..., 0][raw == step].tolist()) == {grey}


def test_another_size_changes_the_pictures_but_not_their_digests() -> None:
    small = DigitsReader().read({"train"}, DataOptions(source="digits")).parts["train"]
    large = DigitsReader().read({"train"}, DataOptions(source="digits", size=(16, 12))).parts["train"]
    assert large.pictures.images.shape == (1797, 16, 12, 1)
    np.testing.assert_array_equal(large.source_digests, small.source_digests)
    np.testing.assert_array_equal(large.pictures.labels, small.pictures.labels)


def test_a_split_that_it_does_not_have_is_not_read() -> None:
    assert DigitsReader().read({"test"}, DataOptions(source="digits")).parts == {}
