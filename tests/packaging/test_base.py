"""The base installation predicts without the packages of the extra `train`, and says how to install them.

Its environment is made without the network: the wheel is built and unpacked beside links to those installed packages
that it asks for, and to nothing else.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

from picturewise.cli.app import _COMMANDS
from picturewise.extras import TRAIN

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NEEDS_TRAIN = re.compile(
    r"picturewise: .* needs (.*), which is not installed\. Install it with: pip install 'picturewise\[train\]'\n"
)

COMMANDS = """
import contextlib, io, json, sys
from picturewise.cli.app import run
found = []
for arguments in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = run(arguments)
    found.append((code, out.getvalue(), err.getvalue()))
print(json.dumps(found))
"""
MODULES = """
import importlib, json, pkgutil, picturewise
failed = {}
for module in pkgutil.walk_packages(picturewise.__path__, "picturewise."):
    if module.name != "picturewise.__main__":
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            failed[module.name] = str(error)
print(json.dumps(failed))
"""
FORMS = {
    **{f"one.{kind}": 1 for kind in ("png", "jpg", "gif", "webp", "bmp", "tiff", "ppm")},
    "classes/a": 4,
    "classes": 8,
    "pictures.npy": 8,
    "pictures.npz": 8,
    "t10k-images-idx3-ubyte": 8,
    "pixels.csv": 8,
}
"""Files and folders of the scene, and how many pictures they have."""
MISSING = {
    "train classes": "PyTorch",
    "train classes --find-learning-rate": "PyTorch",
    "resume run --json": "PyTorch",
    "resume run --json --track tensorboard": "PyTorch",
    "extend run classes": "Matplotlib",
    "evaluate classifier.safetensors --data classes": "Matplotlib",
    "evaluate-many classifier.safetensors classes --out out": "Matplotlib",
    "compare run run": "Matplotlib",
    "inspect classes": "Matplotlib",
    "study mnist-dense": "Matplotlib",
    "tune classes": "PyTorch",
    "demo": "Matplotlib",
    "summary classes": "PyTorch",
    "data fetch mnist": "pooch",
    "predict classifier.safetensors one.png --engine torch": "PyTorch",
    "predict doubles.safetensors one.png": "PyTorch",
    "export doubles.safetensors": "PyTorch",
    "card doubles.safetensors": "PyTorch",
    "predict classifier.safetensors digits": "scikit-learn",
}
"""Commands that need the extra, and the first package of it that each misses."""
ROOMS_THAT_NEED_MORE = (
    "estimator",
    "networks",
    "prediction.torch_engine",
    "preparing",
    "reporting",
    "runs.checkpoint",
    "scaling.predictions",
    "serving",
    "studies",
    "tasks.compare",
    "tasks.demo",
    "tasks.evaluate",
    "tasks.evaluate_many",
    "tasks.extend",
    "tasks.inspect",
    "tasks.look",
    "tasks.slide",
    "timm_adapter",
    "tracking",
    "training",
    "tuning",
)
"""No command or function of the base imports these before it asks for the extra."""


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    output: str
    errors: str


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel and the packages of the base."""
    folder = tmp_path_factory.mktemp("base")
    source, environment = folder / "source", folder / "environment"
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "THIRD-PARTY-LICENCES.md"):
        shutil.copy2(ROOT / name, source)
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, folder], cwd=source, capture_output=True, check=True)
    venv.create(environment, symlinks=os.name != "nt")
    (packages,) = (environment / "lib").glob("python*/site-packages")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    link_requirements(packages)
    return environment / "bin" / "python"


def link_requirements(packages: Path) -> None:
    """Link everything that the unpacked wheel needs without extras, and what that needs, into its folder."""
    (metadata,) = packages.glob("picturewise-*.dist-info")
    waiting = list(map(Requirement, importlib.metadata.Distribution.at(metadata).requires or ()))
    seen = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        found = importlib.metadata.distribution(name)
        waiting += map(Requirement, found.requires or ())
        for top in {Path(file).parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(str(found.locate_file(top))))


@pytest.fixture(scope="module")
def scene(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run without a report, classifiers, one only for PyTorch, and pictures in every form."""
    from picturewise.architectures.lines import parse
    from picturewise.networks.builder import build
    from picturewise.prediction.classifier import Classifier
    from picturewise.prediction.description import Description
    from picturewise.preparing.preparation import Preparation

    folder = tmp_path_factory.mktemp("scene")
    tiny.start(folder / "run").fit()
    lines = ("conv 4 relu", "batchnorm", "avgpool global")
    description = Description(
        layers=lines,
        shape=(8, 8, 3),
        resize="crop",
        classes=("a", "b"),
        preparation=Preparation(mean=(100.0,) * 3, std=(50.0,) * 3),
    )
    network = build(parse(lines), (8, 8, 3), "dense 2", seed=0)
    Classifier(network, description).save(folder / "classifier.safetensors")
    Classifier(network.double(), description).save(
        folder / "doubles.safetensors"
    )  # only PyTorch computes those
    pictures = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), np.uint8)
    labels = np.arange(8) % 2
    for kind in ("png", "jpg", "gif", "webp", "bmp", "tiff", "ppm"):
        Image.fromarray(pictures[0]).save(folder / f"one.{kind}")
    for number, picture in enumerate(pictures):
        place = folder / "classes" / "ab"[labels[number]]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{number}.png")
    np.save(folder / "pictures.npy", pictures)
    np.savez(folder / "pictures.npz", x_test=pictures, y_test=labels)
    grey = pictures[..., 0]
    (folder / "t10k-images-idx3-ubyte").write_bytes(
        struct.pack(">4B3I", 0, 0, 8, 3, *grey.shape) + grey.tobytes()
    )
    heading = ",".join(["label", *(f"pixel{place}" for place in range(64))])
    rows = [",".join(map(str, (label, *row.ravel()))) for label, row in zip(labels, grey, strict=True)]
    (folder / "pixels.csv").write_text("\n".join([heading, *rows, ""]))
    with h5py.File(folder / "pictures.h5", "w") as file:
        file["images"] = pictures
    return folder


def python(base: Path, scene: Path, script: str, given: object = None) -> Any:
    """Return what a script in the base environment prints as JSON."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [base, "-c", script], cwd=scene, env=environment, input=json.dumps(given),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def found(base: Path, scene: Path) -> dict[str, Outcome]:
    """What each command does, all of them in one process, because starting one takes seconds."""
    commands = ["--help", *(f"{name} --help" for name in _COMMANDS), "data list", "data show mnist"]
    commands += [f"predict classifier.safetensors {name} --json" for name in (*FORMS, "pictures.h5")]
    commands += ["predict classifier.safetensors one.png --json --engine numpy"]
    commands += ["summary classifier.safetensors", "summary run", "predict run one.png", *MISSING]
    commands += [
        "card run",
        "serve run",
        "export run --to huggingface --out hub",
        "export run --out run.onnx",
    ]
    outcomes = python(base, scene, COMMANDS, [command.split() for command in commands])
    return {command: Outcome(*outcome) for command, outcome in zip(commands, outcomes, strict=True)}


def test_the_environment_has_the_wheel_and_nothing_of_the_extra(base: Path, scene: Path) -> None:
    script = (
        "import json, importlib.util, picturewise, sys; names = json.load(sys.stdin); "
        "print(json.dumps([picturewise.__file__, [name for name in names if importlib.util.find_spec(name)]]))"
    )
    place, installed = python(base, scene, script, [*TRAIN, "onnx", "pyarrow"])
    assert Path(place).is_relative_to(base.parents[1])
    assert installed == []


def test_every_command_has_help(found: dict[str, Outcome]) -> None:
    for name in _COMMANDS:
        assert found[f"{name} --help"].code == 0
        assert name in found["--help"].output


def test_the_catalogue_is_in_the_wheel(found: dict[str, Outcome]) -> None:
    assert "mnist" in found["data list"].output
    assert "t10k-labels-idx1-ubyte.gz" in found["data show mnist"].output


@pytest.mark.parametrize(("name", "pictures"), FORMS.items())
def test_it_predicts_pictures_in_every_form(found: dict[str, Outcome], name: str, pictures: int) -> None:
    outcome = found[f"predict classifier.safetensors {name} --json"]
    assert outcome.code == 0, outcome.errors
    assert len(json.loads(outcome.output)["predictions"]) == pictures


@pytest.mark.parametrize("options", ["", " --engine numpy"])
def test_its_probabilities_are_those_of_pytorch(found: dict[str, Outcome], scene: Path, options: str) -> None:
    from picturewise.prediction.classifier import load_classifier

    (told,) = json.loads(found[f"predict classifier.safetensors one.png --json{options}"].output)[
        "predictions"
    ]
    classifier = load_classifier(scene / "classifier.safetensors").by_engine("torch")
    expected = classifier.predict_proba(scene / "one.png")
    assert list(told["probabilities"].values()) == pytest.approx(expected, abs=1e-5)


def test_runs_and_the_summary_of_a_classifier_need_nothing_more(found: dict[str, Outcome]) -> None:
    assert "dense 2" in found["summary classifier.safetensors"].output
    assert "parameters" in found["summary run"].output
    assert found["predict run one.png"].output.startswith("one.png: ")


def test_a_run_is_described_and_exported_without_more_than_its_own_extra(found: dict[str, Outcome]) -> None:
    assert "license:" in found["card run"].output
    assert "model.safetensors" in found["export run --to huggingface --out hub"].output
    code, _, errors = found["export run --out run.onnx"]
    assert code == 2
    assert "needs the library onnx, which is not installed" in errors
    assert errors.endswith("pip install 'picturewise[export]'\n")


def test_serving_names_its_own_extra(found: dict[str, Outcome]) -> None:
    code, output, errors = found["serve run"]
    assert (code, output) == (2, "")
    assert re.search(r"Serving needs the library \w+, which is not installed\. Install it with: pip", errors)
    assert errors.endswith("'picturewise[serve]'\n")


@pytest.mark.parametrize(("command", "package"), MISSING.items())
def test_a_command_says_which_package_is_missing(
    found: dict[str, Outcome], command: str, package: str
) -> None:
    code, output, errors = found[command]
    said = NEEDS_TRAIN.fullmatch(errors)
    assert said is not None, errors
    assert (said[1], code, output) == (package, 2, "")


def test_no_command_is_left_out_and_none_leaves_anything(found: dict[str, Outcome], scene: Path) -> None:
    assert {command.split()[0] for command in MISSING} == set(_COMMANDS) - {
        "predict-many",
        "serve",
    }  # of other extras
    assert not (scene / "runs").exists()
    assert not list(scene.glob("inspect-*"))


def test_a_confined_reader_says_which_package_is_missing(found: dict[str, Outcome]) -> None:
    code, _, errors = found["predict classifier.safetensors pictures.h5 --json"]
    assert code == 3
    assert errors.startswith(
        "picturewise: pictures.h5 is an HDF5 file, which needs h5py. Install it with: pip "
    )


def test_python_predicts_and_says_what_is_missing(base: Path, scene: Path) -> None:
    script = """
import json, sys
import numpy as np
import picturewise

classifier = picturewise.load_classifier("classifier.safetensors")
table = classifier.predict_proba(np.zeros((3, 8, 8, 3), np.uint8))
found = picturewise.predict(classifier, "classes")
dataset = picturewise.read_dataset("classes")
shown = [found._repr_html_(), found[0][0]._repr_html_(), classifier._repr_html_(), dataset._repr_html_()]
said = []
for one in json.load(sys.stdin):
    try:
        eval(one)
    except ImportError as error:
        said.append(f"{type(error).__name__}: {error}")
    else:
        said.append(f"{one} works")
print(json.dumps([table.shape, found[0][0].name, [len(html) > 100 for html in shown], said]))
"""
    attempts = {
        "picturewise.evaluate": "picturewise.evaluate needs Matplotlib",
        "picturewise.Callback": "picturewise.Callback needs PyTorch",
        "picturewise.types.Inspection": "picturewise.types.Inspection needs Matplotlib",
        "__import__('picturewise.estimator')": "picturewise.estimator needs scikit-learn",
        "picturewise.train('classes')": "Training needs PyTorch",
        "picturewise.load_classifier('classifier.safetensors').network": "A classifier's PyTorch module needs PyTorch",
        "classifier.plot_architecture()": "This figure needs Matplotlib",
        "picturewise.fetch_set('mnist')": "Downloading needs pooch",
    }
    shape, name, shown, said = python(base, scene, script, list(attempts))
    assert shape == [3, 2]
    assert name == "a/0.png"
    assert shown == [True] * 4
    assert said == [
        f"MissingPackageError: {start}, which is not installed. Install it with: pip install 'picturewise[train]'"
        for start in attempts.values()
    ]


def test_only_some_rooms_cannot_be_imported(base: Path, scene: Path) -> None:
    failed = python(base, scene, MODULES)
    rooms = tuple(f"picturewise.{room}" for room in ROOMS_THAT_NEED_MORE)
    assert [name for name in failed if not f"{name}.".startswith(tuple(f"{room}." for room in rooms))] == []
    assert [room for room in rooms if not any(f"{name}.".startswith(f"{room}.") for name in failed)] == []
