"""HDF5 files made to do harm: each must give one clear error, quickly and with little memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile import hdf5
from hostile.cases import cases
from hostile.file import Hostile

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows knows no limits on memory")


@pytest.mark.parametrize("file", cases(hdf5.FILES, "gzip in gzip", "thousands of groups"))
def test_a_hostile_file_comes_to_a_sentence_quickly_and_in_little_memory(
    file: Hostile, refusal: Callable[..., str]
) -> None:
    refusal(file)


@pytest.mark.slow
def test_no_hostile_file_took_much_memory(tmp_path: Path) -> None:
    """In a separate process, because the system only keeps the maximum over all children."""
    script = (
        "import resource, sys, tempfile\nfrom pathlib import Path\n"
        f"sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[1] / 'data')]!r}\n"
        "from hostile import hdf5\n"
        "from picturewise.data.options import DataOptions\n"
        "from read_place import read_place\n"
        "from picturewise.errors import DataError\n"
        "bombs = 'gzip in gzip', 'lzf nonsense', 'fill value', 'one huge chunk', 'gzip zeros'\n"
        "for file in hdf5.FILES:\n"
        "    if file.name not in bombs: continue\n"
        f"    place = Path(tempfile.mkdtemp(dir={str(tmp_path)!r}))\n"
        "    try: read_place(DataOptions(source=str(file.write(place))))\n"
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
