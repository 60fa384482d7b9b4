"""The import store for its users: list the imports, and remove them."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from picturewise.arguments import checked
from picturewise.cache_folder import features_folder
from picturewise.catalogue import entries
from picturewise.data.store import store
from picturewise.errors import SaveError, UsageError, nearest
from picturewise.file_names import path_of, text_of
from picturewise.printable import printable
from picturewise.results import Result
from picturewise.split_names import SplitName


class ImportedSource(Result):
    """The stored import of one source, read with one set of options."""

    source: str
    height: int
    width: int
    channels: int
    pictures: dict[SplitName, int] = Field(description="Number of pictures in each imported split.")
    bytes: int
    folder: Path


@checked
def list_imports(data: str | Path | None = None) -> list[ImportedSource]:
    """Return the stored imports of all sources, or of one.

    Args:
        data: a catalogue name or a path.

    Raises:
        UsageError: it is neither, and nothing is imported from it.
    """
    return [_shown(one) for one in _of(data)]


@checked
def remove_imports(data: str | Path | None = None) -> list[ImportedSource]:
    """Delete the stored imports of all sources, or of one, and return what was deleted; the sources are not changed.

    With all imports, the features that frozen layers computed of them are deleted too.

    Args:
        data: a catalogue name or a path.

    Raises:
        UsageError: `data` is neither of them, and nothing is imported from it.
        SaveError: something cannot be deleted.
    """
    found = _of(data)
    for one in found:
        store.remove(one)
    if data is None:
        store.sweep()
        _remove_features()
    return [_shown(one) for one in found]


def _remove_features() -> None:
    for kept in features_folder().glob("*.safetensors"):
        try:
            kept.unlink(missing_ok=True)
        except OSError as error:
            raise SaveError(f"{kept} cannot be deleted: {error.strerror or error}.") from error


def _of(data: str | Path | None) -> list[store.Import]:
    if data is None:
        return store.imports()
    known = entries.entries()
    names = {str(data), text_of(path_of(data).absolute())}
    place = None if str(data) in known else path_of(data).resolve()  # the same by a link is imported once
    found = [
        one
        for one in store.imports()
        if one.source in names or (Path(one.source).is_absolute() and path_of(one.source).resolve() == place)
    ]
    if not found and str(data) not in known and not path_of(data).exists():
        raise UsageError(
            f"'{printable(data)}' has no imports, and is neither an existing path nor a catalogue name. List all "
            f"imports with `picturewise data imports`.{nearest(str(data), known)}"
        )
    return found


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
