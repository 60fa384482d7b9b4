"""Export a classifier for other programs, and prove that the result answers alike."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field

from picturewise import files, logs
from picturewise.arguments import checked
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.recognise import Data
from picturewise.errors import DataError, SaveError, UsageError
from picturewise.exporting.card import LICENCE
from picturewise.exporting.facts import as_texts, facts_of
from picturewise.exporting.hub import hub_folder
from picturewise.exporting.onnx_file import onnx_file
from picturewise.exporting.onnx_file import opened as session_of
from picturewise.exporting.page.page_file import page_file
from picturewise.exporting.parity import Parity, compare
from picturewise.exporting.triton import triton_folder
from picturewise.file_names import text_of
from picturewise.prediction.classifier import Classifier
from picturewise.printable import printable
from picturewise.results import Result
from picturewise.runs.run import Run
from picturewise.targets.sequences import is_sequences
from picturewise.tasks.card import card_of, opened
from picturewise.tasks.load import load, own_source

if TYPE_CHECKING:
    from torch import nn

    from picturewise.data.arrays.lazy_rows import Pictures

FormatName = Literal["onnx", "page", "huggingface", "triton"]
_DEFAULTS: dict[str, str] = {
    "onnx": "{}.onnx",
    "page": "{}.html",
    "huggingface": "{}-huggingface",
    "triton": "{}-triton",
}
"""Where each format is written if nothing is said; the name is the run's."""
IN_FLOAT32 = (
    "The classifier computes in bfloat16, and the exported model in float32, so a few answers may differ. It was "
    "compared with the classifier in float32."
)


class Export(Result):
    """What was written, and how it was compared with the classifier."""

    format: FormatName
    files: tuple[Path, ...]
    bytes: int = Field(description="Size of all files together.")
    parity: Parity | None = Field(
        description="None: the files have the classifier's own weights, and no graph."
    )
    notes: tuple[str, ...] = ()


class _Pictures(NamedTuple):
    pictures: Pictures | None
    origin: str
    notes: tuple[str, ...] = ()


class _Shipment(NamedTuple):
    """What is exported."""

    run: Run | None
    classifier: Classifier
    name: str
    version: str


@checked
def export(
    run: str | Path | Run | Classifier,
    to: FormatName = "onnx",
    *,
    out: str | Path | None = None,
    data: Data | None = None,
    hints: Hints = NO_HINTS,
    licence: str = LICENCE,
    network: nn.Module | None = None,
    progress: bool = True,
) -> Export:
    """Write a classifier in the form of another program, with everything that it does to a picture inside.

    An `onnx` file takes `images` (N, H, W, 1 or 3) uint8 of any size and gives `probabilities`, `logits` and `label`,
    or, if the classifier reads sequences, `length`, `digits`, `confidence` and `logits`;
    a JSON file with the same name has the class names, the preparation and where the classifier came from, which are in
    the ONNX file's metadata, too. `triton` is a model repository of the Triton Inference Server with that file,
    which does not have a form for sequences.
    `page` is one HTML file that classifies pictures in a browser, without a server and offline.
    `huggingface` is a folder for the Hugging Face Hub with weights, configuration, model card and figures.

    Before an ONNX file is written, 1,000 pictures and 50 of other sizes go through both, see `Export.parity`. All files
    compute in float32, also if the classifier's number format is another one, which a note says.

    Args:
        run: the run or its folder, or a classifier or its file.
        to: the format.
        out: the file or the folder to write; None: named after the run, in the current folder.
        data: pictures to compare with, as `train` accepts them; None: those of the run. Its validation split is used,
            or train if it has none. Without pictures, they are generated.
        hints: how to read `data` if its files do not determine it.
        licence: an identifier of the Hub, such as apache-2.0, for the model card.
        network: an instance of the class, if the run was started with one.
        progress: show the progress of reading, on a terminal.

    Raises:
        UsageError: there is no such format, the target exists, the network cannot be expressed, or the library onnx is
            missing.
        RunError: the run or classifier cannot be read, or the result does not answer as the classifier does.
        DataError: `data` cannot be read.
        SaveError: the files could not be written.
    """
    if licence != LICENCE and to != "huggingface":
        raise UsageError(f"licence is for the model card, which the format {to} does not have. Omit it.")
    shipment = _Shipment(*opened(run, network), version("picturewise"))
    if to == "triton" and is_sequences(shipment.classifier.description.target):
        raise UsageError(
            "Triton's labels are names of classes, but this classifier reads sequences of symbols. Export it as onnx."
        )
    target = Path(out) if out is not None else Path(_DEFAULTS[to].format(shipment.name))
    _check_target(target, to)
    if to == "huggingface":
        contents = _hub(shipment, licence)
        return _written(target, contents, to, None, ())
    chosen = _pictures(shipment.run, shipment.classifier, data, hints, progress=progress)
    notes = chosen.notes
    if shipment.classifier.description.number_format != "float32":
        shipment = shipment._replace(classifier=shipment.classifier.in_float32())
        notes += (IN_FLOAT32,)
    facts = facts_of(shipment.classifier, shipment.version)
    content = onnx_file(shipment.classifier, as_texts(facts), shipment.version)
    parity = compare(
        shipment.classifier,
        session_of(content, shipment.classifier.description.target),
        chosen.pictures,
        chosen.origin,
    )
    parity.check()
    facts = facts_of(shipment.classifier, shipment.version, parity)
    content = onnx_file(shipment.classifier, as_texts(facts), shipment.version)
    if to == "triton":
        contents = triton_folder(shipment.name, shipment.classifier.classes, content)
        return _written(target, contents, to, parity, notes)
    if to == "page":
        page = page_file(shipment.classifier, facts, shipment.version, content)
        files.write_bytes(target, page)
        logs.log("exported", format=to, place=str(target))
        return Export(format=to, files=(target,), bytes=len(page), parity=parity, notes=notes)
    described = (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
    files.write_bytes(target, content)
    files.write_bytes(target.with_suffix(".json"), described)
    logs.log("exported", format=to, place=str(target))
    return Export(
        format=to,
        files=(target, target.with_suffix(".json")),
        bytes=len(content) + len(described),
        parity=parity,
        notes=notes,
    )


def _check_target(target: Path, to: str) -> None:
    places = [target, target.with_suffix(".json")] if to == "onnx" else [target]
    for path in places:
        if path.exists() or path.is_symlink():
            raise UsageError(
                f"{printable(path)} already exists. Pass another place with --out, or remove it."
            )
    if to == "onnx" and target.suffix == ".json":
        raise UsageError(f"{printable(target)} ends in .json, which is the file beside the model. Use .onnx.")
    if not target.parent.is_dir():
        raise SaveError(
            f"There is no folder {printable(target.parent)}. Make it first, or pass another place with --out."
        )


def _written(
    target: Path, contents: dict[str, bytes], to: FormatName, parity: Parity | None, notes: tuple[str, ...]
) -> Export:
    files.write_tree(target, contents)
    logs.log("exported", format=to, place=str(target))
    return Export(
        format=to,
        files=tuple(target / name for name in contents),
        bytes=sum(map(len, contents.values())),
        parity=parity,
        notes=notes,
    )


def _hub(shipment: _Shipment, licence: str) -> dict[str, bytes]:
    run, classifier = shipment.run, shipment.classifier
    figures = (
        {} if run is None else {path.name: path.read_bytes() for path in sorted(run.figures.glob("*.png"))}
    )
    return hub_folder(
        facts_of(classifier, shipment.version),
        classifier.to_bytes(),
        card_of(run, classifier, shipment.name, licence=licence),
        figures,
    )


def _pictures(
    run: Run | None, classifier: Classifier, data: Data | None, hints: Hints, *, progress: bool
) -> _Pictures:
    """Return the pictures that go through both."""
    if run is None:
        if data is None:
            return _Pictures(None, "")
        from picturewise.data.read import read  # noqa: PLC0415 (only for other pictures)
        from picturewise.data.recognise import recognise  # noqa: PLC0415 (the same)

        source = recognise(data, hints=hints, sequences=is_sequences(classifier.description.target))
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
