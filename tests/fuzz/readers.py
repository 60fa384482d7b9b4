"""The readers that are fuzzed: their seeds, and how each reads a case."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import array_seeds
import kept_seeds
import numpy as np
import picture_seeds
import weight_seeds
from seeds import Seed

from picturewise.data import read
from picturewise.data.options import DataOptions
from picturewise.data.recognise import find_reader, recognise
from picturewise.data.store import store

PICTURES = np.zeros((2, 5, 7, 3), np.uint8)  # to be predicted

Read = Callable[[Path, Seed, Random], str | None]


@dataclass(frozen=True)
class Reader:
    """What is fuzzed under one name.

    Attributes:
        seeds: returns the valid files that cases are made of.
        read: reads a case as a user would, and uses what came of it; raises what the user would meet. It returns a
            digest of pictures and labels, or None where files were left out, or nobody compares.
        children: whether foreign libraries read it in child processes.
    """

    name: str
    seeds: Callable[[], Sequence[Seed]]
    read: Read
    children: bool = False


def read_source(folder: Path, seed: Seed, random: Random) -> str | None:
    """Read all splits through the store, as every command does, and look at all that they hold."""
    options = DataOptions(
        source=str(folder / seed.source),
        size=random.choice((None, None, (6, 9))),
        resize=random.choice(("crop", "pad", "stretch")),
        skip_bad=random.random() < 0.5,
    )
    return _use(options)


def read_store(folder: Path, seed: Seed, random: Random) -> None:
    """Put the case's imports where the store looks for them, and read their source."""
    del random
    options = DataOptions(source=str(folder), size=(3, 3) if seed.name.endswith("(3, 3)") else None)
    recognised = find_reader(folder)
    imported = store._folder(recognised, str(folder), options)
    for split, place in store._places(recognised, recognised.splits, imported).items():
        place.parent.mkdir(parents=True, exist_ok=True)
        (folder / kept_seeds.STORE / split).rename(place)
    store.imports()
    _use(options)


def read_run(folder: Path, seed: Seed, random: Random) -> None:
    """Ask a run for all that it holds; of what cannot be had, the rest is still asked for."""
    del seed, random
    # torch makes a process so large that forking it takes longer, and only runs and weights need it.
    from picturewise.runs import checkpoint
    from picturewise.runs.run import open_run

    refused: Exception | None = None
    run = open_run(folder)
    for ask in (
        lambda: run.record,
        lambda: run.recipe,
        lambda: run.history,
        run.skipped,
        run.evaluation,
        run.probabilities,
        run.classifier_sha256,
        lambda: run.classifier().probabilities(PICTURES),
        lambda: checkpoint.newest(run.checkpoints),
    ):
        try:
            ask()
        except read.DataError as error:
            refused = error
    if refused is not None:
        try:
            raise refused
        finally:
            refused = None  # it holds this frame, which holds it: the memory of neither would be given back


def read_weights(folder: Path, seed: Seed, random: Random) -> str:
    """Read weights that another program wrote, and look at every number."""
    del random
    from picturewise.networks import weights
    from picturewise.networks.weight_files import read_weight_file

    return weights.fingerprint(read_weight_file(folder / seed.source))


def _use(options: DataOptions) -> str | None:
    dataset = read.read(recognise(options.source), options)
    # Which pictures are held out is decided by the bytes of their files, so they may be in other splits than before.
    pictures: list[bytes] = []
    splits = dataset.splits()
    for part in splits.values():
        images = part.images[: len(part)]
        labels = np.zeros(len(part), np.int64) if part.labels is None else part.labels
        pictures += [image.tobytes() + label.tobytes() for image, label in zip(images, labels, strict=True)]
        part.fingerprint  # noqa: B018 (computed when asked for)
        part.counts()
        part.statistics.totals()
        assert part.images[: len(part)].shape == (len(part), *part.shape)
        assert part.names is None or len(part.names) == len(part)
    sizes = [(split, part.classes, part.shape, len(part)) for split, part in splits.items()]
    found = hashlib.sha256(repr(sizes).encode() + b"".join(sorted(pictures)))
    return None if dataset.skipped else found.hexdigest()


READERS = (
    Reader("idx", array_seeds.idx, read_source),
    Reader("svhn", array_seeds.svhn, read_source),
    Reader("cifar", array_seeds.cifar, read_source),
    Reader("npz", array_seeds.npz, read_source),
    Reader("pickles", array_seeds.pickles, read_source),
    Reader("pixel-csv", array_seeds.pixel_csv, read_source),
    Reader("usps", array_seeds.usps, read_source),
    Reader("lists", picture_seeds.lists, read_source, children=True),
    Reader("pictures", picture_seeds.folders, read_source, children=True),
    Reader("hdf5", array_seeds.hdf5, read_source, children=True),
    Reader("parquet", picture_seeds.parquet, read_source, children=True),
    Reader("store", kept_seeds.store, read_store),
    Reader("runs", kept_seeds.runs, read_run),
    Reader("weights", weight_seeds.weights, read_weights),
)
