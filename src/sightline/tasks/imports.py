"""The store for its users: what was imported from where, and taking it away."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from sightline.data import store
from sightline.data.dataset import SplitName
from sightline.tasks.load import source_of


class ImportedSource(BaseModel):
    """What the store holds of one source, read in one way."""

    model_config = ConfigDict(frozen=True)

    source: str
    height: int
    width: int
    channels: int
    pictures: dict[SplitName, int] = Field(description="Of each split that was imported.")
    bytes: int
    folder: Path


def list_imports(data: str | Path | None = None) -> list[ImportedSource]:
    """Return what the store holds, of all sources or of one.

    Args:
        data: a catalogue name or a path.
    """
    return [_shown(one) for one in _of(data)]


def remove_imports(data: str | Path | None = None) -> list[ImportedSource]:
    """Delete what the store holds, of all sources or of one, and return it; the sources are left as they are.

    Args:
        data: a catalogue name or a path.

    Raises:
        SaveError: something cannot be deleted.
    """
    found = _of(data)
    for one in found:
        store.remove(one)
    if data is None:
        store.sweep()
    return [_shown(one) for one in found]


def _of(data: str | Path | None) -> list[store.Import]:
    if data is None:
        return store.imports()
    names = {str(data), source_of(data), str(Path(data).absolute())}
    return [one for one in store.imports() if one.source in names]


def _shown(one: store.Import) -> ImportedSource:
    height, width, channels = one.shape
    return ImportedSource(
        source=one.source,
        height=height,
        width=width,
        channels=channels,
        pictures=dict(one.pictures),
        bytes=one.bytes,
        folder=one.folder,
    )
