from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from read_place import read_place

from picturewise.catalogue.fetch import fetch
from picturewise.catalogue.installed import Installed
from picturewise.data.catalogue_reader import CatalogueReader
from picturewise.data.contract import Part, Reading
from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.errors import DataError
from picturewise.names import shown_bytes
from picturewise.split_names import SplitName


def test_a_missing_set_is_not_downloaded_but_the_command_is_named(place: Installed, server) -> None:
    with pytest.raises(DataError) as caught:
        read_place(DataOptions(source="tiny"))
    size = sum(file.bytes or 0 for file in place.entry.files)
    assert str(caught.value) == (
        f"tiny has not been downloaded yet. Download it ({size} bytes from {place.entry.publisher()}) with: "
        "picturewise data fetch tiny"
    )
    assert server.asked == []
    assert not place.folder.exists()


def test_a_folder_of_the_name_is_pointed_out(
    place: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").mkdir()
    with pytest.raises(DataError, match=r"To read the folder with this name, pass '\./tiny'"):
        read_place(DataOptions(source="tiny"))


def test_files_of_another_set_are_noticed_by_their_classes(
    place: Installed, write_idx, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(place)
    write_idx(place.folder / "train-labels-idx1-ubyte.gz", [number % 5 for number in range(30)], (30,))
    with pytest.raises(DataError, match="has 5 classes, but tiny has only 3"):
        read_place(DataOptions(source="tiny"))


def test_the_catalogue_names_the_classes_where_only_a_split_is_read(place: Installed) -> None:
    fetch(place)
    assert read_place(DataOptions(source="tiny"), ["test"]).classes == ("no", "yes", "perhaps")


def test_no_split_but_the_one_asked_for_is_opened(place: Installed) -> None:
    fetch(place)
    (place.folder / "t10k-images-idx3-ubyte.gz").write_bytes(b"damaged")
    assert len(read_place(DataOptions(source="tiny"), ["train"]).split("train")) == 27


def test_names_that_files_bring_themselves_must_be_those_of_the_catalogue(place: Installed) -> None:
    @dataclass(frozen=True)
    class Named:
        classes: tuple[str, ...]
        name: str = "inner"
        splits: tuple[SplitName, ...] = ("train",)

        def read(self, *_: object) -> Reading:
            images = np.zeros((3, 4, 3, 1), np.uint8)
            return Reading(
                {"train": Part(ImageSet(images, np.arange(3), self.classes, "a file"), (b"",) * 3)}
            )

    fetch(place)
    options = DataOptions(source="tiny")
    for classes in (("no", "yes", "perhaps"), ("0", "1", "2")):
        part = CatalogueReader(place, Named(classes)).read(["train"], options).parts["train"]
        assert part.pictures.classes == ("no", "yes", "perhaps")
    with pytest.raises(
        DataError, match="a file has the classes yes, no, perhaps, …, which differ from those of tiny"
    ):
        CatalogueReader(place, Named(("yes", "no", "perhaps"))).read(["train"], options)


@pytest.mark.parametrize(("size", "words"), [(999, "999 bytes"), (1000, "1.0 kB"), (561_753_746, "561.8 MB")])
def test_sizes_are_shown_in_readable_units(size: int, words: str) -> None:
    assert shown_bytes(size) == words
