"""Export a classifier for other programs, and prove that the result answers alike."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field

from picturewise import files
from picturewise.arguments import checked
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.recognise import Data
from picturewise.errors import DataError, SaveError, UsageError, unknown
from picturewise.exporting.facts import as_texts, facts_of
from picturewise.exporting.onnx_file import onnx_file, opened
from picturewise.exporting.parity import Parity, compare
from picturewise.file_names import path_of, text_of
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.printable import printable
from picturewise.results import Result
from picturewise.runs.record import has_record
from picturewise.runs.run import Run, open_run
from picturewise.tasks.load import load, own_source

if TYPE_CHECKING:
    from torch import nn

    from picturewise.data.arrays.lazy_rows import Pictures

FormatName = Literal["onnx"]
_ENDINGS: dict[str, str] = {"onnx": ".onnx"}


class Export(Result):
    """What was written, and how it was compared with the classifier."""

    format: FormatName
    files: tuple[Path, ...]
    bytes: int = Field(description="Size of all files together.")
    parity: Parity
    notes: tuple[str, ...] = ()


class _Pictures(NamedTuple):
    pictures: Pictures | None
    origin: str
    notes: tuple[str, ...] = ()


@checked
def export(
    run: str | Path | Run | Classifier,
    to: FormatName = "onnx",
    *,
    out: str | Path | None = None,
    data: Data | None = None,
    hints: Hints = NO_HINTS,
    network: nn.Module | None = None,
    progress: bool = True,
) -> Export:
    """Write a classifier in the form of another program, with everything that it does to a picture inside.

    An ONNX file takes `images` (N, H, W, 1 or 3) uint8 of any size and gives `probabilities`, `logits` and `label`;
    a JSON file with the same name has the class names, the preparation and where the classifier came from, which are in
    the ONNX file's metadata, too.

    Before anything is written, 1,000 pictures and 50 of other sizes go through both, see `Export.parity`.

    Args:
        run: the run or its folder, or a classifier or its file.
        to: the format.
        out: the file to write; None: named after the run, in the current folder.
        data: pictures to compare with, as `train` accepts them; None: those of the run. Its validation split is used,
            or train if it has none. Without pictures, they are generated.
        hints: how to read `data` if its files do not determine it.
        network: an instance of the class, if the run was started with one.
        progress: show the progress of reading, on a terminal.

    Raises:
        UsageError: there is no such format, the target exists, the network cannot be expressed, or the library onnx is
            missing.
        RunError: the run or classifier cannot be read, or the result does not answer as the classifier does.
        DataError: `data` cannot be read.
        SaveError: the files could not be written.
    """
    if to not in _ENDINGS:
        raise unknown("format", to, _ENDINGS)
    opened_run, classifier, name = _opened(run, network)
    target = Path(out) if out is not None else Path(f"{name}{_ENDINGS[to]}")
    beside = target.with_suffix(".json")
    for path in (target, beside):
        if path.exists() or path.is_symlink():
            raise UsageError(f"{printable(path)} already exists. Pass another file with --out, or remove it.")
    if beside == target:
        raise UsageError(f"{printable(target)} ends in .json, which is the file beside the model. Use .onnx.")
    if not target.parent.is_dir():
        raise SaveError(
            f"There is no folder {printable(target.parent)}. Make it first, or pass another file with --out."
        )
    own = version("picturewise")
    chosen = _pictures(opened_run, classifier, data, hints, progress=progress)
    content = onnx_file(classifier, as_texts(facts_of(classifier, own)), own)
    parity = compare(classifier, opened(content), chosen.pictures, chosen.origin)
    parity.check()
    facts = facts_of(classifier, own, parity)
    content = onnx_file(classifier, as_texts(facts), own)
    described = (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
    files.write_bytes(target, content)
    files.write_bytes(beside, described)
    return Export(
        format=to,
        files=(target, beside),
        bytes=len(content) + len(described),
        parity=parity,
        notes=chosen.notes,
    )


def _opened(
    run: str | Path | Run | Classifier, network: nn.Module | None
) -> tuple[Run | None, Classifier, str]:
    """Return the run, if there is one around it, its classifier, and the name of the export."""
    if isinstance(run, Classifier):
        return None, run, "classifier"
    if isinstance(run, str | Path) and path_of(run).is_file():
        path = path_of(run)
        around = open_run(path.parent) if has_record(path.parent) else None
        own = around is not None and path.name == around.classifier_path.name
        name = path.resolve().parent.name if own else path.stem
        return around if own else None, load_classifier(path, network), name
    found = run if isinstance(run, Run) else open_run(run)
    return found, found.classifier(network), found.path.resolve().name


def _pictures(
    run: Run | None, classifier: Classifier, data: Data | None, hints: Hints, *, progress: bool
) -> _Pictures:
    """Return the pictures that go through both."""
    if run is None and data is None:
        return _Pictures(None, "")
    if run is None:
        from picturewise.data.read import read  # noqa: PLC0415 (only for other pictures)
        from picturewise.data.recognise import recognise  # noqa: PLC0415 (the same)

        source = recognise(data, hints=hints)
        dataset = read(source, classifier.description.read_options(), ["train"])
        return _Pictures(dataset.split("train").images, f"pictures of {text_of(source.name)}")
    try:
        source = own_source(run, data, hints)
        dataset = load(source, run.recipe.data, splits={"train", "valid"}, progress=progress)
        run.check_pictures(dataset)
    except DataError as error:
        if data is not None:
            raise
        note = f"The run's pictures are not at hand, so generated pictures were compared: {error}"
        return _Pictures(None, "", (note,))
    name, part = ("validation", dataset.valid) if dataset.valid is not None else ("training", dataset.train)
    assert part is not None  # noqa: S101 (a run has training pictures)
    return _Pictures(part.images, f"pictures of the {name} split")
