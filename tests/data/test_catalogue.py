from __future__ import annotations

import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from sightline.data.catalogue import PATH, Entry, entries, load

# Publishers that offer no https address; what comes from them is guarded by its checksum as all else is.
HTTP_ONLY = {
    "http://yann.lecun.com/exdb/mnist/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    "http://ufldl.stanford.edu/housenumbers/",
}
GOOD = {
    "title": "x",
    "shape": [2, 2, 1],
    "classes": ["a", "b"],
    "counts": {"train": 1},
    "licence": "x",
    "citation": "x",
    "page": "https://example.org/",
    "mirrors": ["https://example.org/"],
    "files": [{"name": "a.gz", "checksum": "md5:" + "0" * 32}],
}


def test_the_sets_that_are_promised_are_there() -> None:
    names = "digits mnist fashion-mnist kmnist emnist-digits usps svhn svhn-extra cifar10 cifar100"
    assert list(entries()) == names.split()


@pytest.mark.parametrize("name", entries())
def test_every_set_says_what_it_is_and_whose(name: str) -> None:
    entry = entries()[name]
    assert entry.title
    assert entry.licence
    assert len(entry.citation) > 40
    assert entry.page.startswith("http")
    assert len(entry.classes) in {10, 100}
    assert entry.counts["train"] > 1000
    assert bool(entry.files) == (name != "digits")


@pytest.mark.parametrize("name", entries())
def test_every_address_is_https_unless_its_publisher_has_none(name: str) -> None:
    for mirror in entries()[name].mirrors:
        assert mirror.startswith("https://") or mirror in HTTP_ONLY


@pytest.mark.parametrize("name", [name for name in entries() if entries()[name].shape == (28, 28, 1)])
def test_the_sizes_of_packed_pictures_are_possible(name: str) -> None:
    entry = entries()[name]
    pixels = sum(entry.counts.values()) * math.prod(entry.shape)
    assert pixels / 50 < (entry.bytes() or 0) < 3 * pixels


def test_names_of_classes_are_the_published_ones() -> None:
    known = entries()
    assert known["fashion-mnist"].classes[::9] == ("T-shirt/top", "Ankle boot")
    assert known["kmnist"].classes == ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    assert list(known["cifar100"].classes) == sorted(known["cifar100"].classes)


def test_the_extra_digits_of_svhn_come_to_those_of_train_with_the_same_test() -> None:
    plain, extra = entries()["svhn"], entries()["svhn-extra"]
    assert [file.name for file in extra.files] == ["train_32x32.mat", "extra_32x32.mat", "test_32x32.mat"]
    assert set(extra.files) > set(plain.files)
    assert extra.counts == {"train": plain.counts["train"] + 531_131, "test": plain.counts["test"]}


def test_an_address_is_the_mirror_and_the_name() -> None:
    mnist = entries()["mnist"]
    assert mnist.addresses(mnist.files[2])[1] == (
        "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-images-idx3-ubyte.gz"
    )
    assert mnist.bytes() == 11_594_722
    assert entries()["usps"].bytes() is None


@pytest.mark.parametrize(
    "change",
    [
        {"licence": ""},
        {"classes": ["a"]},
        {"classes": ["a", "a"]},
        {"shape": [2, 2, 4]},
        {"mirrors": []},
        {"mirrors": ["ftp://example.org/"]},
        {"mirrors": ["https://example.org"]},
        {"files": [{"name": "../a", "checksum": "md5:" + "0" * 32}]},
        {"files": [{"name": ".a", "checksum": "md5:" + "0" * 32}]},
        {"files": [{"name": "a", "checksum": "md5:" + "0" * 31}]},
        {"files": [{"name": "a", "checksum": "sha256:" + "0" * 32}]},
        {"files": [{"name": "a", "checksum": "md5:" + "0" * 32, "bytes": 0}]},
        {"files": [{"name": "a", "checksum": "md5:" + "0" * 32, "members": ["../../a"]}]},
        {"files": [{"name": "a", "checksum": "md5:" + "0" * 32, "members": ["x/a", "y/a"]}]},
        {"surprise": 1},
    ],
)
def test_an_entry_that_does_not_hold_together_is_refused(change: dict[str, object]) -> None:
    Entry.model_validate(GOOD)
    with pytest.raises(ValidationError):
        Entry.model_validate(GOOD | change)


def test_a_name_that_would_lead_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    text = PATH.read_text(encoding="utf-8").replace("[mnist]", '["../mnist"]')
    (tmp_path / "catalogue.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValidationError):
        load(tmp_path / "catalogue.toml")
