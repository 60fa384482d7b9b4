"""`python -m picturewise`: how its process ends."""

from __future__ import annotations

import subprocess
import sys


def test_the_interpreter_does_not_search_for_cycles_when_it_ends() -> None:
    code = """
import atexit, gc, sys
from picturewise.__main__ import main
atexit.register(lambda: print("frozen:", gc.get_freeze_count() > 10_000))
sys.argv = ["picturewise", "--version"]
main()
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.startswith("picturewise ")
    assert found.stdout.endswith("frozen: True\n")
