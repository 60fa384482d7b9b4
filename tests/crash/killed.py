"""Kill a task at random moments, and see what is left: python killed.py TASK FOLDER MOMENTS SOURCE → JSON.

A moment is either an instant on the clock or one of the task's changes on the disk, by turns, drawn at random within
what the whole task takes. Everything runs in forked children: PyTorch is loaded once, and nothing is computed here.
What a child reports as done goes through a pipe, line by line, and so outlives it.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import json
import os
import random
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from picturewise.errors import Interrupted

TESTS = Path(__file__).parents[1]
sys.path += [str(TESTS / "data")]

STOPPED = 130
CHANGES = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.link", "os.truncate", "shutil.rmtree"}
Report = Callable[[Any], None]
Work = Callable[[Report], object]


class Ended(NamedTuple):
    """How a child ended: its exit code (-9: killed), what it reported, its seconds and its changes on the disk."""

    code: int
    reported: list[Any]
    seconds: float
    changes: int


class _Fuse:
    """Sends this process a signal at its `length`-th change on the disk; 0 only counts them."""

    def __init__(self, length: int, number: signal.Signals) -> None:
        self.length, self.number, self.done = length, number, 0
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if event in CHANGES or writes:
            self.done += 1
            if self.done == self.length:
                os.kill(os.getpid(), self.number)


def in_child(
    work: Work, *, fuse: int = 0, seconds: float | None = None, number: signal.Signals = signal.SIGKILL
) -> Ended:
    """Do `work` in a child that gets a signal after so many changes, or seconds from its start, or not at all."""
    reading, writing = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        burning = _Fuse(fuse, number)
        with contextlib.suppress(BaseException), _told():
            try:
                work(lambda what: _send(writing, what))
            except (KeyboardInterrupt, Interrupted):
                os._exit(STOPPED)
            _send(writing, {"changes": burning.done})
            os._exit(0)
        os._exit(1)
    os.close(writing)
    timer = None if seconds is None else threading.Timer(seconds, os.kill, (child, number))
    if timer is not None:
        timer.start()
    with os.fdopen(reading, "rb") as answers:
        lines = answers.read().split(b"\n")[:-1]  # what follows the last line end is half a line
    if timer is not None:
        timer.cancel()
        timer.join()  # before waiting for the child, so that no other process has its number
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said = [json.loads(line) for line in lines]
    changes = said.pop()["changes"] if code == 0 else 0
    return Ended(code, said, time.monotonic() - began, changes)


def _send(pipe: int, what: Any) -> None:
    os.write(pipe, json.dumps(what).encode() + b"\n")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BaseException:
        traceback.print_exc()
        raise


def answer(work: Work) -> Any:
    """Return the last thing that `work` reports, done in a child that is not killed."""
    ended = in_child(work)
    assert ended.code == 0, "see the traceback above"
    return ended.reported[-1]


def contents(folder: Path) -> dict[str, str]:
    """Return the hash of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name not in {".lock", ".holder.json"}  # which mean nothing without their process
    }


def leftovers(folder: Path) -> list[str]:
    """Return what an interrupted write left below a folder."""
    hidden = (".unfinished-", ".new-")
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.name.startswith(hidden))


class Runs:
    """Train and extend: a run is there and goes on to the very same end, or it is not there."""

    def __init__(self, folder: Path, source: str) -> None:
        self.folder, self.source = folder, source
        answer(lambda report: report(self._outcome(self._train(folder / "old"))))
        self.old = contents(folder / "old")

    def _train(self, path: Path) -> Path:
        import picturewise

        options = ["training.checkpoint_minutes=1e-9"]
        picturewise.train(self.source, layers="flatten", epochs=2, out=path, settings=options, progress=False)
        return path

    def _extend(self, path: Path) -> Path:
        import picturewise

        picturewise.extend(self.folder / "old", layers="dense 144 relu", epochs=2, out=path, progress=False)
        return path

    def work(self, path: Path, report: Report) -> None:
        """Extend, and tell when it has returned."""
        report(self._outcome(self._extend(path)))

    def expected(self) -> Any:
        """Return what a run comes to that nothing disturbs."""
        found = answer(lambda report: self.work(self.folder / "whole", report))
        shutil.rmtree(self.folder / "whole")
        return found

    def left(self, number: int, ended: Ended, expected: Any) -> list[str]:
        """Return what is wrong after the kill."""
        wrong, path = [], self.folder / "new"
        found = answer(lambda report: report(self._go_on(path)))
        if found["outcome"] != expected:
            wrong.append(f"another end: {found['outcome']} instead of {expected}")
        if ended.reported and not found["finished"]:
            wrong.append("it was reported as finished, and was not")
        if contents(self.folder / "old") != self.old:
            wrong.append("the older run was changed")
        if left := leftovers(self.folder):
            wrong.append(f"left behind: {left}")
        shutil.rmtree(path)
        return wrong

    def _go_on(self, path: Path) -> dict[str, Any]:
        import picturewise

        finished = False
        if path.exists():
            run = picturewise.open_run(path)
            finished = run.record.status == "finished"
            if run.history:
                run.classifier()
            picturewise.resume(path, progress=False)
        else:
            self._extend(path)
        return {"finished": finished, "outcome": self._outcome(path)}

    def _outcome(self, path: Path) -> dict[str, Any]:
        import picturewise

        run = picturewise.open_run(path)
        rows = [[row.epoch, row.train_loss, row.valid_loss, row.valid_accuracy] for row in run.history]
        return {
            "status": run.record.status,
            "weights": run.record.final_weights_sha256,
            "classifier": run.classifier_sha256(),
            "history": rows,
            "files": sorted(contents(path)),
        }


class Training(Runs):
    """The same for a new run."""

    def work(self, path: Path, report: Report) -> None:
        """Train, and tell when it has returned."""
        report(self._outcome(self._train(path)))

    def _extend(self, path: Path) -> Path:
        return self._train(path)


class Stopped(Training):
    """The same where Ctrl-C ends it, which tidies up, or tries to."""

    signal = signal.SIGINT


class Study:
    """A cell that was reported as finished stays unchanged, and the same command finishes the study in the same way."""

    def __init__(self, folder: Path, source: str) -> None:
        self.folder, self.source = folder, source
        model = '[[models]]\nname = "{0}"\nrecipe.model.layers = ["flatten", {1}]\n'
        (folder / "two.toml").write_text(
            'title = "Two"\n[needs]\nbars = "bars"\n[recipe.training]\nepochs = 1\n[recipe.data]\nsource = "bars"\n'
            + model.format("line", "")
            + model.format("two", '"dense 4 relu"')
        )

    def work(self, path: Path, report: Report) -> None:
        """Do the study, and tell each run that is done."""
        from picturewise.studies.runner import study

        def tell(plan: Any, run: Any) -> None:
            if run is not None:
                report(self._cell(run))

        found = study(self.folder / "two.toml", data=self.source, out=path, tell=tell, progress=False)
        report({"models": [[model.name, model.accuracy.value, model.loss.value] for model in found.models]})

    def _cell(self, run: Any) -> dict[str, Any]:
        evaluation, probabilities = run.evaluated()
        return {
            "name": run.name,
            "accuracy": evaluation.accuracy.value,
            "probabilities": hashlib.sha256(probabilities.tobytes()).hexdigest(),
            "weights": run.record.final_weights_sha256,
            "written": (run.path / "run.json").stat().st_mtime_ns,
        }

    def expected(self) -> Any:
        """Return the numbers of a study that nothing disturbs."""
        found = answer(lambda report: self.work(self.folder / "whole", report))
        shutil.rmtree(self.folder / "whole")
        return found

    def left(self, number: int, ended: Ended, expected: Any) -> list[str]:
        """Return what is wrong after the kill."""
        wrong, path = [], self.folder / "new"
        again = in_child(lambda report: self.work(path, report))
        if again.code != 0 or again.reported[-1] != expected:
            wrong.append(f"another end: {again.reported[-1:]} instead of {expected}")
        cells = {cell["name"]: cell for cell in again.reported if "name" in cell}
        told = [cell for cell in ended.reported if "name" in cell]
        wrong += [f"{cell} was reported as done" for cell in told if cells.get(cell["name"]) != cell]
        # What a killed evaluation left in a finished run goes with an evaluation an hour later: another may be at work.
        if left := [name for name in leftovers(path) if not name.startswith("seed-")]:
            wrong.append(f"left behind: {left}")
        shutil.rmtree(path)
        return wrong


class Import:
    """What was imported is read again without importing, and what was not is imported whole."""

    def __init__(self, folder: Path, source: str) -> None:
        from reading_here import work_through

        from picturewise.data.pictures import decode_files

        decode_files.work_through = work_through  # confined children take seconds to start, and write nothing
        self.folder, self.pictures = folder, Path(source)

    def work(self, path: Path, report: Report) -> None:
        """Read, and tell the fingerprints."""
        from read_place import read_place

        from picturewise.data.options import DataOptions

        dataset = read_place(DataOptions(source=str(self.pictures)))
        report({split: part.fingerprint for split, part in dataset.splits().items()})

    def expected(self) -> Any:
        """Return the fingerprints, read with a store of its own."""

        def elsewhere(report: Report) -> None:
            os.environ["PICTUREWISE_HOME"] = str(self.folder / "elsewhere")
            self.work(self.folder, report)

        return answer(elsewhere)

    def left(self, number: int, ended: Ended, expected: Any) -> list[str]:
        """Return what is wrong after the kill; the import is removed, so that the next moment finds none."""
        from picturewise.cache_folder import imports_folder

        wrong = []
        before = self._stored()
        if answer(lambda report: self.work(self.folder, report)) != expected:
            wrong.append("other pictures were read")
        after = self._stored()
        if ended.reported and before != after:
            wrong.append("it was reported as read, and is imported anew")
        # A folder that is empty goes with the next import.
        if left := [
            name for name in leftovers(imports_folder()) if list((imports_folder() / name).rglob("*"))
        ]:
            wrong.append(f"left behind: {left}")
        if len(after) != len(list(self._names(expected))):
            wrong.append(f"{len(after)} imports: {sorted(after)}")
        for place in imports_folder().glob("[0-9a-f]*"):
            shutil.rmtree(place)
        return wrong

    def _stored(self) -> dict[str, int]:
        from picturewise.cache_folder import imports_folder

        return {
            str(path): path.stat().st_mtime_ns for path in imports_folder().glob("[0-9a-f]*/*/dataset.json")
        }

    def _names(self, expected: dict[str, str]) -> Iterator[str]:
        return (split for split in expected if split == "train")  # the others are held out from it


class Evaluate:
    """What was evaluated stays, with its probabilities, until the next evaluation is there with its own."""

    ENGINES = ("torch", "numpy")  # which differ in the last bits

    def __init__(self, folder: Path, source: str) -> None:
        self.folder = folder
        Runs(folder, source)
        self.run = folder / "old"
        self.known = {engine: self._pair(engine) for engine in self.ENGINES}
        self.kept = self.ENGINES[-1]

    def _pair(self, engine: str) -> str:
        found: str = answer(lambda report: report(self._evaluate(engine)))
        return found

    def _evaluate(self, engine: str) -> str:
        import picturewise

        picturewise.evaluate(self.run, engine=engine, progress=False)
        return self._found()

    def _found(self) -> str:
        import picturewise

        pair = picturewise.open_run(self.run).evaluated()
        assert pair is not None
        return hashlib.sha256(pair[0].model_dump_json().encode() + pair[1].tobytes()).hexdigest()

    def work(self, path: Path, report: Report) -> None:
        """Evaluate by the other engine than the last time, and tell when it has returned."""
        report(self._evaluate(self._other()))

    def _other(self) -> str:
        return self.ENGINES[self.kept == self.ENGINES[0]]

    def expected(self) -> Any:
        """Return what the two engines come to; they must differ, or nothing could be distinguished."""
        assert len(set(self.known.values())) == len(self.known)
        return self.known

    def left(self, number: int, ended: Ended, expected: Any) -> list[str]:
        """Return what is wrong after the kill."""
        wrong = []
        found = answer(lambda report: report(self._found()))
        kept = {pair: engine for engine, pair in expected.items()}.get(found)
        if kept is None:
            wrong.append("neither the older evaluation nor the new one is there")
        elif ended.reported and kept != self._other():
            wrong.append("it was reported as done, and the older one is there")
        if b"</html>" not in (self.run / "report.html").read_bytes()[-20:]:
            wrong.append("the report is not whole")
        self.kept = kept or self.kept
        if answer(lambda report: report(self._evaluate(self._other()))) != expected[self._other()]:
            wrong.append("evaluating again comes to something else")
        self.kept = self._other()
        return wrong


class Fetch:
    """A set's folder holds only complete files, earlier ones stay, and the next fetch downloads the others."""

    def __init__(self, folder: Path, source: str) -> None:
        from picturewise.catalogue.entries import SetEntry
        from picturewise.catalogue.installed import Installed

        self.places = [
            Installed(name, SetEntry.model_validate(entry)) for name, entry in json.loads(source).items()
        ]
        self.random = random.Random(0)
        self.before: dict[str, str] = {}
        self._place = self.places[0]

    def work(self, path: Path, report: Report) -> None:
        """Fetch, and tell when it has returned."""
        from picturewise.catalogue.fetch import fetch

        fetch(self._place)
        report("fetched")

    def expected(self) -> Any:
        """Return the files of each set."""
        found = {}
        for place in self.places:
            self._place = place
            answer(lambda report: self.work(Path(), report))
            found[self._place.name] = self._files()
        self._begin()
        return found

    def _files(self) -> dict[str, str]:
        hidden = {name: digest for name, digest in contents(self._place.folder).items() if name[0] != "."}
        return dict(hidden)

    def _begin(self) -> None:
        """Choose a set, and take away all of its files or some, as a moment before would have left them."""
        self._place = self.random.choice(self.places)
        folder = self._place.folder
        if self.random.random() < 0.5:
            shutil.rmtree(folder, ignore_errors=True)
        elif folder.exists():
            for path in sorted(path for path in folder.iterdir() if path.name[0] != "."):
                if self.random.random() < 0.5:
                    path.unlink()
        self.before = self._files() if folder.exists() else {}

    def left(self, number: int, ended: Ended, expected: Any) -> list[str]:
        """Return what is wrong after the kill."""
        wrong, published = [], expected[self._place.name]
        found = self._files()
        if not found.items() <= published.items():
            wrong.append(f"half a file: {found}")
        if not self.before.items() <= found.items():
            wrong.append("a file that was there is gone")
        if ended.reported and found != published:
            wrong.append("it was reported as fetched, and is not here")
        answer(lambda report: self.work(Path(), report))
        if self._files() != published:
            wrong.append("fetching again did not bring all")
        if left := leftovers(self._place.folder):
            wrong.append(f"left behind: {left}")
        self._begin()
        return wrong


TASKS = {
    "train": Training,
    "stop": Stopped,
    "extend": Runs,
    "study": Study,
    "import": Import,
    "evaluate": Evaluate,
    "fetch": Fetch,
}


def main(name: str, folder: Path, moments: int, source: str) -> dict[str, Any]:
    """Kill a task at so many random moments, and return what was found wrong after each."""
    task = TASKS[name](folder, source)
    expected = task.expected()

    def work(report: Report) -> None:
        task.work(folder / "new", report)

    chance = random.Random(name)
    whole = in_child(work)  # how long it takes, and how many changes it makes
    assert whole.code == 0
    wrong = {"not killed": task.left(0, whole, expected)}
    killed: dict[str, int] = {"clock": 0, "change": 0}
    number_sent = getattr(task, "signal", signal.SIGKILL)
    expected_code = -signal.SIGKILL if number_sent == signal.SIGKILL else STOPPED
    number = 0
    while sum(killed.values()) < moments and number < 3 * moments:
        number += 1
        if number % 2:
            kind, moment = "change", float(chance.randint(1, whole.changes))
            ended = in_child(work, fuse=int(moment), number=number_sent)
        else:
            kind, moment = "clock", chance.uniform(0, whole.seconds)
            ended = in_child(work, seconds=moment, number=number_sent)
        killed[kind] += ended.code == expected_code
        if ended.code not in (0, expected_code):
            wrong[f"{number} {kind} {moment}"] = [f"it ended with {ended.code}"]
        wrong.setdefault(f"{number} {kind} {moment}", []).extend(task.left(number, ended, expected))
    return {
        "killed": killed,
        "changes": whole.changes,
        "seconds": whole.seconds,
        "wrong": {moment: found for moment, found in wrong.items() if found},
    }


def load_all() -> None:
    """Load what children need, so that no child has to, and let figures be written without being drawn.

    Every file is written all the same; loading and drawing would take nine tenths of the time.
    """
    from PIL import Image

    for module in ("torch", "scipy.optimize", "scipy.special", "onnxruntime", "picturewise.studies.runner"):
        importlib.import_module(module)
    from picturewise.reporting import figures
    from picturewise.reporting.figures import png
    from picturewise.reporting.report import _environment

    buffer = io.BytesIO()
    Image.new("L", (2, 2)).save(buffer, "png")
    png.to_png = lambda figure: buffer.getvalue()
    figures.to_both_papers = lambda figure: (buffer.getvalue(), buffer.getvalue())
    os.fsync = lambda _: None  # the kernel outlives the process, so nothing needs to reach the disk
    for name in figures.__all__:
        if name.startswith("draw_"):
            setattr(figures, name, lambda *_, **__: None)
    for template in _environment().list_templates():
        if template.endswith(".jinja"):
            _environment().get_template(template)


if __name__ == "__main__":
    load_all()
    found = main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    sys.stdout.write(json.dumps(found))
