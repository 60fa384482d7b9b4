"""What Picturewise keeps and reads back: imports in the store, and the folder of a run."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import array_seeds
from seeds import Files, Seed

from picturewise.cache_folder import VARIABLE, imports_folder
from picturewise.data import read
from picturewise.data.options import DataOptions
from picturewise.data.recognise import recognise

STORE = "store"  # below it, a folder for each split as `stored_split` describes it
_KINDS = {".npy": "npy/bytes", ".json": "json", ".txt": "lines"}


def store() -> list[Seed]:
    """Imports of pictures with labels and without, with names and digests of what they were."""
    seeds = [array_seeds.idx()[0], *array_seeds.cifar()[:1]]
    return [_imported(seed, size) for seed in seeds for size in (None, (3, 3))]


def _imported(seed: Seed, size: tuple[int, int] | None) -> Seed:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in seed.files.items():
            Path(folder, name).write_bytes(content)
        with mock.patch.dict(os.environ, {VARIABLE: str(Path(folder, "home"))}):
            read.read(recognise(folder), DataOptions(source=str(folder), size=size))
            parts = list(imports_folder().glob("[0-9a-f]*/*-*"))
            kept = {
                f"{STORE}/{part.name.partition('-')[0]}/{path.name}": path.read_bytes().replace(
                    folder.encode(), b"somewhere"
                )
                for part in sorted(parts)
                for path in sorted(part.iterdir())
            }
    _sign_store(kept)
    kinds = {name: _KINDS[Path(name).suffix] for name in kept}
    return Seed(f"{seed.name}, {size}", {**seed.files, **kept}, kinds, sign=_sign_store)


def _sign_store(files: Files) -> None:
    """Put the checksums right that dataset.json holds of the files beside it."""
    for name in [name for name in files if name.endswith("/dataset.json")]:
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            facts = json.loads(files[name])
            folder = name.removesuffix("dataset.json")
            for other in list(facts["sha256"]):
                if folder + other in files:
                    facts["sha256"][other] = hashlib.sha256(files[folder + other]).hexdigest()
            files[name] = json.dumps(facts, indent=1).encode()


def runs() -> list[Seed]:
    """A finished run of a tiny network, with everything that is read back from it."""
    import numpy as np
    import torch

    from picturewise.data.dataset import Dataset
    from picturewise.data.imageset import ImageSet
    from picturewise.recipes.recipe import make_recipe
    from picturewise.runs.history import to_csv
    from picturewise.runs.run import open_run
    from picturewise.tasks.evaluate import evaluate_part
    from picturewise.training import start

    torch.set_num_threads(1)
    random = np.random.default_rng(0)

    def part(count: int) -> ImageSet:
        images = random.integers(0, 256, (count, 6, 6, 1)).astype(np.uint8)
        return ImageSet(images, np.arange(count) % 3, ("a", "b", "c"), "made by a test")

    recipe = make_recipe(
        {
            "seed": 1,
            "data": {"source": "made by a test"},
            "model": {
                "name": None,
                "layers": ["conv 2 3x3", "batchnorm", "relu", "flatten", "dense 4 relu"],
            },
            "training": {"epochs": 2, "batch_size": 8, "precision": "float32", "device": "cpu"},
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run")
        trainer = start.start(recipe, Dataset("tiny", train=part(24), valid=part(9)), path)
        trainer.fit()
        run, pictures = open_run(path), part(12)
        classifier = run.classifier()
        evaluation, probabilities, _ = evaluate_part(classifier, pictures, "tiny", "test")
        run.save_evaluation(evaluation, probabilities, classifier.weights_sha256)
        files = {
            str(found.relative_to(path)): found.read_bytes()
            for found in sorted(path.rglob("*"))
            if found.is_file() and found.suffix in {".json", ".toml", ".csv", ".safetensors", ".npy"}
        }
        # What a clock measured differs each time.
        clocked = {"seconds": 0.25, "images_per_second": 96.0, "valid_seconds": 0.125}
        files["history.csv"] = to_csv([replace(row, **clocked) for row in run.history]).encode()
    files["skipped.csv"] = b'file,reason\na.png,"no picture"\nb.png,empty\n'
    kinds = {
        ".json": "json",
        ".toml": "toml",
        ".csv": "csv",
        ".safetensors": "safetensors/bytes",
        ".npy": "npy/bytes",
    }
    known = {name: kinds[Path(name).suffix] for name in files}
    return [
        Seed("a run", files, known, sign=_sign_run),
        # Most of the format is in two files.
        Seed("its classifier", files, {"classifier.safetensors": "classifier"}, sign=_sign_run),
        Seed("its recipe", files, {"recipe.toml": "toml"}, sign=_sign_run),
    ]


def _sign_run(files: Files) -> None:
    """Put the checksums right that files of a run hold of each other, and of themselves."""
    for name, key, of in (
        ("run.json", "recipe_sha256", "recipe.toml"),
        ("evaluation.json", "probabilities_sha256", "probabilities.npy"),
    ):
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            table = json.loads(files[name])
            table[key] = hashlib.sha256(files[of]).hexdigest()
            files[name] = json.dumps(table, indent=1).encode()
    with contextlib.suppress(Exception):  # whatever torch says of a file that is damaged
        _sign_classifier(files)
    for folder in {name.rpartition("/")[0] for name in files if name.endswith("/state.json")}:
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            _sign_checkpoint(files, folder)


def _sign_classifier(files: Files) -> None:
    from picturewise.networks import weights

    content = files["classifier.safetensors"]
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    key = next(iter(header["__metadata__"]))
    stored: dict[str, Any] = json.loads(header["__metadata__"][key])
    stored["sha256"] = weights.fingerprint(weights.from_bytes(content))
    stored["classifier_sha256"] = hashlib.sha256(stored["classifier"].encode()).hexdigest()
    header["__metadata__"][key] = json.dumps(stored)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    files["classifier.safetensors"] = len(text).to_bytes(8, "little") + text + content[8 + length :]


def _sign_checkpoint(files: Files, folder: str) -> None:
    state = json.loads(files[f"{folder}/state.json"])
    for name in state["sha256"]:
        content = json.dumps(state["position"]).encode() if name == "position" else files[f"{folder}/{name}"]
        state["sha256"][name] = hashlib.sha256(content).hexdigest()
    files[f"{folder}/state.json"] = json.dumps(state).encode()
