"""HDF5 files made to harm whoever opens them: each must come to one clear error, quickly and in little memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hostile import hdf5
from hostile.file import Hostile

from sightline.data.options import DataOptions
from sightline.data.source import read
from sightline.errors import DataError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows knows no limits on memory")


@pytest.mark.parametrize("file", hdf5.FILES, ids=lambda file: file.name)
def test_a_hostile_file_comes_to_a_sentence_quickly_and_in_little_memory(
    file: Hostile, refusal: Callable[..., str]
) -> None:
    refusal(file)


def test_no_hostile_file_took_much_memory(tmp_path: Path) -> None:
    """In a process of its own, for the system keeps only the most that any child took."""
    script = (
        "import resource, sys, tempfile\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from hostile import hdf5\n"
        "from sightline.data.options import DataOptions\n"
        "from sightline.data.source import read\n"
        "from sightline.errors import DataError\n"
        "bombs = 'gzip in gzip', 'lzf nonsense', 'fill value', 'one huge chunk', 'gzip zeros'\n"
        "for file in hdf5.FILES:\n"
        "    if file.name not in bombs: continue\n"
        f"    place = Path(tempfile.mkdtemp(dir={str(tmp_path)!r}))\n"
        "    try: read(DataOptions(source=str(file.write(place))))\n"
        "    except DataError: print(file.name)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    *refused, most = done.stdout.splitlines()
    assert len(refused) == 5
    assert int(most) << 10 < 300 << 20


FUZZ = """
import resource, sys
from pathlib import Path
import numpy as np
from sightline.data.confined_child import Output, limit
from sightline.data.readers import hdf5_file
from sightline.errors import DataError
whole, folder, first, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
whole = Path(whole).read_bytes()
limit(1 << 30, 20, 1 << 24)
path = folder / "mutated.h5"
for number in range(first, first + count):
    random = np.random.default_rng(number)
    content = bytearray(whole)
    within = len(content) if random.random() < 0.3 else 4000
    for place in random.integers(0, within, random.integers(1, 6)):
        content[place] = random.choice([0, 1, 127, 128, 255, random.integers(0, 256)])
    path.write_bytes(content)
    try:
        words = ["x", "y"]
        hdf5_file.describe(path, {"words": words}, None)
        with open(folder / "answer", "wb") as file:
            names = {"pictures": "X_train", "labels": "y_train", "like": "X_train"}
            hdf5_file.read(path, names | {"factor": None}, Output(file))
        kind = "read"
    except DataError as error:
        kind = "refused" if str(error).isprintable() else "UNPRINTABLE"
    except Exception as error:
        kind = "damaged"  # what the child's main turns into a sentence
    print(number, kind, flush=True)
"""


def test_mutated_files_harm_a_child_at_most(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "whole.h5", "w") as file:
        data = np.random.default_rng(0).integers(0, 256, (20, 8, 8), np.uint8)
        file.create_dataset("X_train", data=data, chunks=(5, 8, 8), compression="gzip", shuffle=True)
        file["y_train"] = np.arange(20)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HDF5_PLUGIN_PRELOAD": "::"}
    outcomes: list[str] = []
    crashes = 0
    while len(outcomes) < 300:
        arguments = [str(tmp_path / "whole.h5"), str(tmp_path), str(len(outcomes)), str(300 - len(outcomes))]
        done = subprocess.run(
            [sys.executable, "-c", FUZZ, *arguments],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        outcomes += [line.split()[1] for line in done.stdout.splitlines()]
        if done.returncode:  # the library crashed or took too long: a child's fate, told in a sentence
            crashes += 1
            outcomes.append("crashed")
    assert crashes < 30
    assert set(outcomes) <= {"read", "refused", "damaged", "crashed"}
    assert {"read", "damaged"} <= set(outcomes)


def test_mutated_files_come_to_sentences(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "whole.h5", "w") as file:
        hdf5.pictures(file)
        file["y_train"] = [0, 1, 0, 1]
    whole, said = (tmp_path / "whole.h5").read_bytes(), []
    for number in range(15):
        random = np.random.default_rng(number)
        content = bytearray(whole)
        for place in random.integers(8, len(content), 40):
            content[place] = random.integers(0, 256)
        path = tmp_path / "mutated.h5"
        path.write_bytes(content)
        try:
            read(DataOptions(source=str(path)), ["train"])
        except DataError as error:
            said.append(str(error))
    assert said
    assert all(sentence.isprintable() for sentence in said)
