"""Small data sets on disk that several rooms read, one thread for each test, and timm where it is installed."""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import itertools
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

# Tests compute many small things, and threads that wait for each other cost more than they bring. The variable
# is read once, when NumPy or PyTorch is first imported, so it is set before. Runs of larger networks take all cores all
# the same; their threads sleep while they wait, because beside other tests spinning doubled the processor time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import hypothesis
import numpy as np
import pytest
from PIL import Image

# How long an example takes says how busy the machine is; no test asserts a time.
hypothesis.settings.register_profile(
    "without a clock", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("without a clock")

# A shell starts what it runs in the background with Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

SavePicture = Callable[..., Path]
MakeClasses = Callable[..., Path]
WriteIdx = Callable[..., Path]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--whole`, which `make campaign` gives."""
    parser.addoption(
        "--whole", action="store_true", help="run campaigns whole instead of a sample, see CONTRIBUTING.md"
    )


@pytest.fixture(scope="session")
def whole_campaign(pytestconfig: pytest.Config) -> bool:
    """Whether the tests marked `campaign` try everything (with `--whole`) or a short sample."""
    return bool(pytestconfig.getoption("--whole"))


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Empty folders, one after the other; pytest's own way to make them lists all that are there, for each."""
    above = tmp_path_factory.mktemp("homes")
    return (above / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def picturewise_home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own for what Picturewise keeps, so that no test sees what is fetched on this machine."""
    folder = next(homes)
    folder.mkdir()
    monkeypatch.setenv("PICTUREWISE_HOME", str(folder))
    return folder


@pytest.fixture(scope="session", autouse=True)
def _blank_figures() -> Iterator[Any]:
    """Compose figures without drawing them, except in tests/reporting: drawing is most of the work of a small run."""
    from picturewise.reporting.figures import png

    real = png._drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(png, "_drawn", lambda _: (np.full((8, 8, 3), 255, np.uint8), []))
        yield real


@pytest.fixture
def drawn_figures(_blank_figures: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw figures all the same."""
    monkeypatch.setattr("picturewise.reporting.figures.png._drawn", _blank_figures)


@pytest.fixture
def idx_folder(tmp_path: Path) -> Path:
    """Four IDX files, 60 pictures to learn from and 20 to test: a horizontal (0) or a vertical (1) bar."""
    random, folder = np.random.default_rng(0), tmp_path / "bars"
    folder.mkdir()
    for prefix, count in (("train", 60), ("t10k", 20)):
        labels = (np.arange(count) % 2).astype(np.uint8)
        images = random.integers(0, 60, (count, 12, 12), dtype=np.uint8)
        for image, label, place in zip(images, labels, random.integers(1, 9, count), strict=True):
            (image if label == 0 else image.T)[place : place + 3] += 180
        header = bytes([0, 0, 8, 3]) + struct.pack(">III", *images.shape)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = bytes([0, 0, 8, 1]) + struct.pack(">I", count)
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
    return folder


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    """A folder per class, 30 PNG files of 16x16 in each: reddish and bluish noise."""
    random, folder = np.random.default_rng(0), tmp_path / "colours"
    for name, channel in (("red", 0), ("blue", 2)):
        (folder / name).mkdir(parents=True)
        for number in range(30):
            pixels = random.integers(0, 120, (16, 16, 3), dtype=np.uint8)
            pixels[:, :, channel] += 120
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """The module `tiny_run` of the tests of training; scripts in child processes import it under the same name."""
    return _of_training("tiny_run")


@pytest.fixture(scope="session")
def blocks() -> ModuleType:
    """The module `sequences_run` of the tests of training: pictures of up to three blocks, and a run on them."""
    return _of_training("sequences_run")


def _of_training(name: str) -> ModuleType:
    path = Path(__file__).with_name("training") / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def timm() -> ModuleType:
    """The real timm, with a stand-in for torchvision where that is not installed or does not go with PyTorch."""
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    try:
        importlib.import_module("torchvision")
    except Exception:  # noqa: BLE001 (one that does not go with PyTorch raises RuntimeError and more)
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        sys.path.insert(0, str(Path(__file__).parent / "standins"))
        importlib.invalidate_caches()
    return importlib.import_module("timm")


@pytest.fixture
def save_picture() -> SavePicture:
    """Save a picture of random pixels, different for each seed, in the format that the name ends with."""

    def save(path: Path, height: int = 8, width: int = 8, mode: str = "RGB", seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (height, width, 3) if mode == "RGB" else (height, width)
        pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pixels).convert(mode).save(path)
        return path

    return save


@pytest.fixture
def make_classes(save_picture: SavePicture) -> MakeClasses:
    """Fill one folder per class with `count` different pictures each."""

    def make(root: Path, classes: Sequence[str] = ("cat", "dog"), count: int = 10, **picture: object) -> Path:
        for number, name in enumerate(classes):
            for index in range(count):
                save_picture(root / name / f"{index}.png", seed=1000 * number + index, **picture)
        return root

    return make


@pytest.fixture
def write_idx() -> WriteIdx:
    """Write an IDX file from its parts; gzipped where the name says so."""

    def write(path: Path, values: Sequence[int] | bytes, shape: Sequence[int], kind: int = 8) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        header = bytes([0, 0, kind, len(shape)]) + b"".join(struct.pack(">I", size) for size in shape)
        content = header + bytes(values)
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return path

    return write
