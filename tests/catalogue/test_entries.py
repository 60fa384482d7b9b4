from __future__ import annotations

import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from picturewise.catalogue.entries import PATH, PublishedFile, SetEntry, WeightsEntry, entries, load, weights

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
        {"files": [{"name": "a", "checksum": "sha256-prefix:" + "0" * 7}]},
        {"files": [{"name": "a", "checksum": "sha256-prefix:" + "0" * 64}]},
        {"files": [{"name": "a", "checksum": "md5:" + "0" * 32, "bytes": 9, "mebibytes": 0.1}]},
        {"files": [{"name": "a", "checksum": "md5:" + "0" * 32, "converted": "../a"}]},
        {"files": [{"name": "a", "checksum": "md5:" + "0" * 32, "converted": "b", "members": ["c"]}]},
        {"surprise": 1},
    ],
)
def test_an_entry_that_does_not_hold_together_is_refused(change: dict[str, object]) -> None:
    SetEntry.model_validate(GOOD)
    with pytest.raises(ValidationError):
        SetEntry.model_validate(GOOD | change)


def test_a_name_that_would_lead_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    text = PATH.read_text(encoding="utf-8").replace("[mnist]", '["../mnist"]')
    (tmp_path / "catalogue.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValidationError):
        load(tmp_path / "catalogue.toml")


# As torchvision states them in torchvision/models/resnet.py, vgg.py and mobilenetv2.py, of IMAGENET1K_V1: the file,
# whose name carries the beginning of its SHA-256, "_file_size" and "num_params".
TORCHVISION = {
    "resnet18": ("resnet18-f37072fd.pth", 44.661, 11_689_512),
    "resnet34": ("resnet34-b627a593.pth", 83.275, 21_797_672),
    "resnet50": ("resnet50-0676ba61.pth", 97.781, 25_557_032),
    "vgg11_bn": ("vgg11_bn-6002323d.pth", 506.881, 132_868_840),
    "vgg16_bn": ("vgg16_bn-6c64b313.pth", 527.866, 138_365_992),
    "mobilenet-v2": ("mobilenet_v2-b0353104.pth", 13.555, 3_504_872),
}
# As the packages have them: the SHA-256 of the file, whose name carries its beginning.
PACKAGED = {"efficientnet-lite0": 4_652_008, "efficientnet-lite1": 5_416_680, "efficientnet-lite2": 6_092_072}
# As transfers of the very files report them; the published sizes are in MiB.
REPORTED = {"resnet18": 46_830_571, "resnet50": 102_530_333, "vgg16_bn": 553_507_836}


def test_the_weights_are_those_that_torchvision_publishes() -> None:
    assert [*weights()] == [*TORCHVISION, *PACKAGED]
    for name, (file_name, mebibytes, parameters) in TORCHVISION.items():
        entry = weights()[name]
        (file,) = entry.files
        assert (file.name, file.mebibytes, entry.parameters) == (file_name, mebibytes, parameters)
        assert file.checksum == "sha256-prefix:" + file_name.removesuffix(".pth").rpartition("-")[2]
        assert entry.addresses(file) == [f"https://download.pytorch.org/models/{file_name}"]
        assert file.places() == (file_name.replace(".pth", ".safetensors"),)
        assert 4 * parameters < (entry.bytes() or 0) < 4.06 * parameters
        assert "BSD-3-Clause" in entry.licence
        assert "non-commercial" in entry.licence
        assert len(entry.citation) > 40


@pytest.mark.parametrize("name", REPORTED)
def test_a_size_in_mebibytes_leaves_room_for_the_real_one_and_little_more(name: str) -> None:
    (file,) = weights()[name].files
    assert abs((file.size or 0) - REPORTED[name]) < 600
    assert REPORTED[name] <= (file.most or 0) < REPORTED[name] + 2000


@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_weights_have_a_file_that_its_name_describes(name: str) -> None:
    entry = weights()[name]
    package = entry.package
    assert package is not None
    assert (entry.files, entry.mirrors, entry.parameters) == ((), (), PACKAGED[name])
    assert package.file.endswith(f"{name}-{package.sha256[:8]}.pth")
    assert 4 * entry.parameters < package.bytes < 4.06 * entry.parameters
    assert "Apache-2.0" in entry.licence
    assert "non-commercial" in entry.licence


def test_a_network_and_a_set_never_share_a_name() -> None:
    assert {*weights()} & {*entries()} == set()


def test_weights_without_a_converted_form_are_refused() -> None:
    (file,) = weights()["resnet18"].files
    whole = weights()["resnet18"].model_dump()
    WeightsEntry.model_validate(whole)
    for files in ([], [file, file], [PublishedFile(name="a", checksum=file.checksum)]):
        with pytest.raises(ValidationError):
            WeightsEntry.model_validate(whole | {"files": files})
