"""Importing the room is cheap: what is heavy is imported where it is used."""

import subprocess
import sys


def test_importing_the_room_loads_neither_scipy_nor_scikit_learn_nor_torch():
    code = "import sys, picturewise.evaluation; print(sorted({'scipy', 'sklearn', 'torch'} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
