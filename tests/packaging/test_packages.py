"""The wheel and the sdist are complete, and what is installed from the wheel works outside the checkout.

Fresh environments take their packages from the index; test_base.py makes one of what is installed here.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.campaign


def run(*command: object, cwd: Path, **variables: str) -> str:
    """Run a command without the variables that show it the checkout, and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def checkout(whole_campaign: bool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tracked files alone, because what earlier builds left behind would be packaged too."""
    if not whole_campaign:
        pytest.skip("packages are built in `make campaign` only")
    copy = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def tracked(checkout: Path) -> set[str]:
    return {str(path.relative_to(checkout)) for path in checkout.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def packages(checkout: Path, tracked: set[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an sdist, made from the checkout, and of a wheel, made from the sdist."""
    folder = tmp_path_factory.mktemp("packages")
    run(
        sys.executable, "-m", "build", "--outdir", folder, checkout,
        cwd=folder, PYTHONPATH=os.environ.get("PYTHONPATH", ""), PIP_CONSTRAINT=str(ROOT / "constraints.txt"),
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def unpacked(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the sdist unpacks to."""
    (sdist,) = packages.glob("*.tar.gz")
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    return root


def test_the_sdist_holds_every_tracked_file(unpacked: Path, tracked: set[str]) -> None:
    held = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert tracked - held == set()
    made = {name for name in held - tracked if not name.startswith("src/picturewise.egg-info/")}
    assert made == {"PKG-INFO", "setup.cfg"}


def test_the_wheel_holds_the_package_with_its_data_and_licences(packages: Path, tracked: set[str]) -> None:
    (wheel,) = packages.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    described = f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"
    licences = {f"{described}/licenses/{name}" for name in ("LICENSE", "THIRD-PARTY-LICENCES.md")}
    written = {
        f"{described}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt")
    }
    assert (
        held
        == {name.removeprefix("src/") for name in tracked if name.startswith("src/")} | licences | written
    )
    for pattern in ("catalogue/*.toml", "studies/*.toml", "reporting/*.jinja", "py.typed"):
        assert any(Path(name).match(f"picturewise/{pattern}") for name in held), pattern


def test_the_quick_tests_pass_in_the_unpacked_sdist(unpacked: Path) -> None:
    said = run(
        sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "-m", "not slow",
        cwd=unpacked, PYTHONPATH=str(unpacked / "src"),
    )  # fmt: skip
    assert " passed" in said


def install(wheel: Path, extra: str, folder: Path) -> Path:
    """Return the programs of a fresh environment into which the wheel was installed with an extra, or "" for none."""
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    run(
        programs / "python", "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", f"{wheel}{extra}",
        cwd=folder,
    )  # fmt: skip
    return programs


@pytest.fixture(scope="module")
def programs(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel and the extra `train`."""
    (wheel,) = packages.glob("*.whl")
    return install(wheel, "[train]", tmp_path_factory.mktemp("environment"))


@pytest.fixture(scope="module")
def base_programs(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel alone."""
    (wheel,) = packages.glob("*.whl")
    return install(wheel, "", tmp_path_factory.mktemp("base"))


def test_the_base_installation_takes_at_most_200_mb(base_programs: Path) -> None:
    (packages,) = base_programs.parent.rglob("site-packages")
    tools = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")
    files = [
        path
        for path in packages.rglob("*")
        if path.is_file() and not path.relative_to(packages).parts[0].startswith(tools)
    ]
    size = sum(path.stat().st_size for path in files)
    assert 100e6 < size <= 200e6


def test_what_was_trained_in_one_environment_predicts_in_the_base(
    programs: Path, base_programs: Path, tmp_path: Path
) -> None:
    pixels = np.zeros((8, 8), np.uint8)
    pixels[1:7, 4] = 255
    Image.fromarray(pixels).save(tmp_path / "one.png")
    train = ("train", "digits", "--epochs", "1", "--model", "cnn", "--out", "run")
    said = run(programs / "picturewise", *train, cwd=tmp_path)
    assert "next    picturewise evaluate run" in said
    command = ("predict", "run", "one.png", "--json")
    (there,) = json.loads(run(programs / "picturewise", *command, "--engine", "torch", cwd=tmp_path))
    (here,) = json.loads(run(base_programs / "picturewise", *command, cwd=tmp_path))
    assert here["probabilities"] == pytest.approx(there["probabilities"], abs=1e-5)


def test_the_base_says_how_to_install_the_rest(base_programs: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [base_programs / "picturewise", "demo"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.endswith("not installed. Install it with: pip install 'picturewise[train]'\n")


def test_the_demo_runs_from_the_installed_wheel(programs: Path, tmp_path: Path) -> None:
    place = run(programs / "python", "-c", "import picturewise; print(picturewise.__file__)", cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(programs.parent)
    report = run(programs / "picturewise", "demo", cwd=tmp_path).splitlines()[-1]
    assert Path(report).is_relative_to(tmp_path)
    assert "Learning curves" in Path(report).read_text(encoding="utf-8")


def test_a_packaged_study_runs_from_the_installed_wheel(programs: Path, tmp_path: Path) -> None:
    random, source = np.random.default_rng(0), tmp_path / "mnist"
    source.mkdir()
    for name, count in (("train", 200), ("t10k", 50)):
        images = random.integers(0, 256, (count, 28, 28), np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 10
        for kind, values in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
            (source / f"{name}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + values.tobytes()))
    command = ("study", "mnist-dense", "--quick", "--only", "dense-512", "--data", source)
    said = run(programs / "picturewise", *command, cwd=tmp_path)
    report = Path("studies/mnist-dense-quick/report.html")
    assert str(report) in said
    assert "This is a quick run" in (tmp_path / report).read_text(encoding="utf-8")
