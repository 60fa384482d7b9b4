"""Stop commands in the middle of what they do: python stopped_commands.py FOLDER [--whole] → JSON, how each ended.

PyTorch is loaded once and every command runs in a child that is forked from there, as its entry point runs it. The
parent computes nothing itself, so no threads are lost in a fork.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch  # noqa: F401 (loaded once)

from picturewise import stopping
from picturewise.__main__ import main
from picturewise.reporting import album, run_report  # noqa: F401 (the same)
from picturewise.reporting.figures import look

TRAIN = ["train", "shapes", "--layers", "flatten; dense 4 relu", "--epochs", "2", "--json", "--out"]


class Stop(NamedTuple):
    """One command and when it is stopped: at the first call of a function, by signals one behind the other."""

    name: str
    arguments: list[str]
    place: str
    signals: list[int]
    pause: float = 0.0  # between two signals; 0: they come at once, in the function


def stops(*, whole: bool) -> list[Stop]:
    """Return what is stopped, in an order in which later ones find what they need; all of it, or a sample."""
    c, term, hup = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    batch, save = "picturewise.training.trainer:Trainer._train_batch", "picturewise.runs.checkpoint:save"
    report, draw = "picturewise.tasks.training_report:_report", "picturewise.reporting.album:Album.draw_data"
    evaluated = "picturewise.tasks.evaluate:evaluate_part"
    run, other = "r1", "r2"  # finished by then
    sample = [
        Stop("while pictures are read", [*TRAIN, "r0"], "picturewise.data.store.store:_import", [c]),
        Stop("in a batch", [*TRAIN, run], batch, [c]),
        Stop("in the report", [*TRAIN, other], report, [c]),
        Stop("in a batch by SIGTERM", [*TRAIN, "r3"], batch, [term]),
        Stop("twice in a checkpoint", [*TRAIN, "r4"], save, [c, c]),
        Stop("ten times in a batch", [*TRAIN, "r5"], batch, [c] * 10, 0.005),
        Stop("evaluate", ["evaluate", run, "--json"], evaluated, [c]),
        Stop("predict", ["predict", run, "shapes/a"], "picturewise.tasks.predicting:predicted_block", [c]),
        Stop("inspect by SIGTERM", ["inspect", "shapes"], draw, [term]),
        Stop("imports by SIGHUP", ["data", "imports"], "picturewise.tasks.imports:list_imports", [hup]),
    ]
    others = [
        Stop("in a batch by SIGHUP", [*TRAIN, "r6"], batch, [hup]),
        Stop("three times in a checkpoint", [*TRAIN, "r7"], save, [c, c, c]),
        Stop("in the report by SIGTERM", [*TRAIN, "r8"], report, [term]),
        Stop("in a batch, and again in the report", [*TRAIN, "r9"], batch, [c] * 2, 0.2),
        *(
            Stop(f"ten times every {pause * 1000:g} ms", [*TRAIN, f"r10-{number}"], batch, [c] * 10, pause)
            for number, pause in enumerate((0.0005, 0.05, 0.3))
        ),
        Stop("evaluate nine times", ["evaluate", run], evaluated, [c] * 9, 0.001),
        Stop("inspect", ["inspect", "shapes"], draw, [c]),
        Stop("compare", ["compare", run, other], "picturewise.tasks.compare:write_comparison_report", [c]),
        Stop("study", ["study", "two.toml", "--out", "s"], "picturewise.studies.runner:evaluate", [c]),
        Stop("rate", ["train", "shapes", "--find-learning-rate"], "picturewise.tasks.find_rate:_tested", [c]),
    ]
    return sample + others * whole


def stop_at(stop: Stop) -> None:
    """Have the function send the signals when it is first called."""
    module, _, path = stop.place.partition(":")
    holder: Any = importlib.import_module(module)
    *above, name = path.split(".")
    for part in above:
        holder = getattr(holder, part)
    original = getattr(holder, name)

    def press() -> None:
        for number in stop.signals:
            os.kill(os.getpid(), number)
            time.sleep(stop.pause)

    def pressing(*arguments: Any, **named: Any) -> Any:
        setattr(holder, name, original)
        if stop.pause:
            threading.Thread(target=press, daemon=True).start()
        else:
            press()
        return original(*arguments, **named)

    setattr(holder, name, pressing)


def command(arguments: list[str], before: Callable[[], None], ended: Path) -> dict[str, Any]:
    """Return how a command ended in a child, and what it said."""
    child = os.fork()
    if child == 0:
        code: object = 99
        try:
            for descriptor, name in ((1, "out"), (2, "err")):
                os.dup2(os.open(ended / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
            sys.argv = ["picturewise", *arguments]
            before()
            main()
        except SystemExit as end:
            code = end.code
        except BaseException:  # noqa: BLE001 (it is looked for)
            traceback.print_exc()
        stopping.stop_at_once()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(int(str(code)))
    _, status = os.waitpid(child, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "err": (ended / "err").read_text(encoding="utf-8"),
        "out": (ended / "out").read_text(encoding="utf-8"),
    }


def all_of_it(folder: Path, *, whole: bool) -> dict[str, Any]:
    """Return how each command ended, and how `resume` did after those that train."""
    os.chdir(folder)
    look.DPI = 20
    found = {}
    for stop in stops(whole=whole):
        ended = command(stop.arguments, lambda stop=stop: stop_at(stop), folder)  # type: ignore[misc]
        run = Path(stop.arguments[-1])
        if stop.arguments[-2] == "--out" and (run / "run.json").exists():
            again = command(["resume", str(run), "--json"], lambda: None, folder)
            ended |= {
                "resumed": again["code"],
                "resume_err": again["err"],
                "report": (run / "report.html").exists(),
            }
        found[stop.name] = ended
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(all_of_it(Path(sys.argv[1]), whole="--whole" in sys.argv)))
