from __future__ import annotations

import sys
from pathlib import Path

# The modules here are a program, `fuzz.py`, which finds them beside itself.
sys.path.insert(0, str(Path(__file__).parent))
collect_ignore = [
    path.name for path in Path(__file__).parent.glob("*.py") if not path.name.startswith("test_")
]
