from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such alarms")

SCRIPT = """
import json, signal
from sightline.data.limits import Clock

clock, told = Clock(), []
for call in (lambda: clock.allow(2), clock.rest, lambda: clock.allow(3), lambda: clock.allow(0)):
    call()
    told.append([signal.getitimer(signal.ITIMER_PROF)[0], signal.getitimer(signal.ITIMER_REAL)[0]])
print(json.dumps(told))
"""


def test_the_alarms_stand_as_far_ahead_as_was_allowed() -> None:
    script = f"import sys; sys.path[:0] = {sys.path!r}\n{SCRIPT}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    allowed, resting, more, over = json.loads(done.stdout)
    assert allowed == pytest.approx([2, 80], abs=1)
    assert resting == pytest.approx([2, 0], abs=1)
    assert resting[1] == 0
    assert more == pytest.approx([3, 90], abs=1)
    assert over == [0, 0]
