"""The sets that have a name of their own: what is known of each stands in `catalogue.toml`, which is read here."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from sightline.data.dataset import SplitName

PATH = Path(__file__).with_name("catalogue.toml")

# A name becomes the name of a file or a folder, so it must not be able to lead anywhere else.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
SetName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Member = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*/)*[A-Za-z0-9][A-Za-z0-9._-]*$")]
Text = Annotated[str, Field(min_length=1)]


class PublishedFile(BaseModel):
    """One file as its publisher offers it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: FileName
    checksum: Annotated[str, Field(pattern=r"^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})$")]
    bytes: Annotated[int, Field(gt=0)] | None = Field(default=None, description="None: nobody publishes it.")
    members: tuple[Member, ...] = Field(
        default=(), description="Files to take out of a zip archive, which is not kept."
    )

    def places(self) -> tuple[str, ...]:
        """Return the names of what is read in the end: the file's own, or those of its members."""
        return tuple(PurePosixPath(member).name for member in self.members) or (self.name,)


class Entry(BaseModel):
    """One set: what is in it, who may use it, and where it is published; without files it is built in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Text
    shape: tuple[int, int, Literal[1, 3]] = Field(description="Height, width and channels.")
    classes: tuple[Text, ...] = Field(min_length=2)
    counts: dict[SplitName, Annotated[int, Field(gt=0)]] = Field(description="Pictures of each split.")
    licence: Text
    citation: Text
    page: Annotated[str, Field(pattern=r"^https?://")]
    mirrors: tuple[Annotated[str, Field(pattern=r"^https?://[^\s?#]+/$")], ...] = ()
    files: tuple[PublishedFile, ...] = ()
    transposed: bool = Field(default=False, description="The pictures lie on their side in the files.")

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if bool(self.files) != bool(self.mirrors):
            raise ValueError("files need mirrors, and mirrors files")
        places = [place for file in self.files for place in file.places()]
        if len(set(places)) < len(places) or len(set(self.classes)) < len(self.classes):
            raise ValueError("two files or two classes have one name")
        return self

    def addresses(self, file: PublishedFile) -> list[str]:
        """Return where a file is offered, in the order in which to try."""
        return [mirror + file.name for mirror in self.mirrors]

    def bytes(self) -> int | None:
        """Return how much there is to fetch, or None where it is not published."""
        sizes = [file.bytes for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def publisher(self) -> str:
        """Return the host that is asked first."""
        return urlsplit(self.mirrors[0]).netloc if self.mirrors else ""


Catalogue = Mapping[str, Entry]
_MODEL: TypeAdapter[dict[str, Entry]] = TypeAdapter(dict[SetName, Entry])


def load(path: Path) -> Catalogue:
    """Return the sets that a file in the form of `catalogue.toml` describes.

    Raises:
        pydantic.ValidationError: an entry is not complete or does not go together: a mistake of ours.
    """
    return _MODEL.validate_python(tomllib.loads(path.read_text(encoding="utf-8")))


@functools.cache
def entries() -> Catalogue:
    """Return the sets that Sightline knows, by name."""
    return load(PATH)
