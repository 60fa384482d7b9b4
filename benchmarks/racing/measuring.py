"""From a workload and those who take part to their turns."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from contenders.job import Job, JobTask
from racing.entrants import Entrant
from racing.races import Racer, Turn, race, whole_process
from racing.sets import count_files, write_arrays, write_jpeg_folders, write_png
from racing.workloads import CLASSES, NETWORKS, Network, Task, Workload

SCRIPTS = Path(__file__).parents[1] / "contenders"
PREDICTED, IMPORTED = 10_000, 60_000
PREDICTION_BATCH = 256
"""Pictures a call, for peers that must be told; as many as Picturewise takes of small pictures."""
SAVED_FROM = 64
"""Pictures that a network sees before it is saved for a later process."""


@dataclass(frozen=True)
class Measuring:
    """How a run of the benchmark measures, and what it learns about the versions on the way.

    Attributes:
        folder: for what is written on the way.
        rounds: turns of each contender.
        peers_python: the interpreter of all contenders but Picturewise; None: this one.
        images: pictures a turn; None: those of the workload.
        batch_size: pictures a training step; None: that of the network.
        pictures: a folder of class folders to import; None: one that is made.
        seconds: the least of a turn in training and prediction; what is shorter is done again.
        between: is called before each round and after the last.
        versions: library → version, as the contenders gave them.
    """

    folder: Path
    rounds: int
    peers_python: Path | None
    images: int | None = None
    batch_size: int | None = None
    pictures: Path | None = None
    seconds: float = 0.0
    between: Callable[[], object] = lambda: None
    versions: dict[str, str] = field(default_factory=dict)

    def images_of(self, workload: Workload) -> int:
        """Return how many pictures a turn of a workload takes; a training epoch has whole batches only."""
        if workload.task == "import":
            return self.images or IMPORTED if self.pictures is None else count_files(self.pictures)
        if workload.task == "predict":
            return self.images or PREDICTED
        if workload.task == "picture":
            return 1
        network = self.network(workload)
        images = self.images or network.images
        return max(2, images // network.batch_size) * network.batch_size

    def network(self, workload: Workload) -> Network:
        """Return the network of a workload as it is measured."""
        network = NETWORKS[workload.network]
        return replace(network, batch_size=self.batch_size or network.batch_size)

    def turns(self, workload: Workload, entrants: Mapping[str, Entrant]) -> dict[str, list[Turn]]:
        """Return the turns of all that take part, by their titles."""
        found = [entrant for entrant in entrants.values() if entrant.takes_part(workload)]
        with ExitStack() as stack:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self.folder)))
            by_task: dict[Task, Callable[[], dict[str, Callable[[], Turn]]]] = {
                "train": lambda: self._racers(workload, found, place, stack),
                "predict": lambda: self._racers(workload, found, place, stack),
                "picture": lambda: self._picture_commands(workload, found, place),
                "import": lambda: self._import_commands(workload, found, place),
            }
            return race(by_task[workload.task](), range(self.rounds), self.between)

    def _racers(
        self, workload: Workload, entrants: list[Entrant], place: Path, stack: ExitStack
    ) -> dict[str, Callable[[], Turn]]:
        """Start a process for each, wait until it is warm, and return how it takes a turn."""
        write_arrays(place / "data.npz", self.images_of(workload), NETWORKS[workload.network].shape)
        found = {}
        for number, entrant in enumerate(entrants):
            job = self._job(workload, entrant, "train" if workload.task == "train" else "predict", place)
            command = self._command(entrant, f"{entrant.scripts}_batches.py", written(job, place, number))
            racer = stack.enter_context(Racer(entrant.title, command, entrant.variables()))
            racer.warm_up()
            self.versions.update(racer.versions)
            found[entrant.title] = partial(racer.turn, self.seconds)
        return found

    def _picture_commands(
        self, workload: Workload, entrants: list[Entrant], place: Path
    ) -> dict[str, Callable[[], Turn]]:
        """Save a network of each and return how a new process says with it what is on a picture."""
        write_arrays(place / "data.npz", SAVED_FROM, NETWORKS[workload.network].shape)
        picture = place / "picture.png"
        write_png(picture, NETWORKS[workload.network].shape)
        found = {}
        for number, entrant in enumerate(entrants):
            model = place / f"{number}.keras"  # the one ending that Keras insists on
            job = self._job(workload, entrant, "save", place, model)
            saving = self._command(entrant, f"{entrant.scripts}_batches.py", written(job, place, number))
            whole_process(f"{entrant.title}, saving,", saving, entrant.variables(), 0)
            command = self._command(entrant, f"{entrant.scripts}_picture.py", str(model), str(picture))
            if entrant.scripts == "picturewise":
                command = [sys.executable, "-m", "picturewise", "predict", str(model), str(picture)]
            found[entrant.title] = partial(whole_process, entrant.title, command, entrant.variables(), 1)
        for take_turn in found.values():
            take_turn()  # so that every file was read once before
        return found

    def _import_commands(
        self, workload: Workload, entrants: list[Entrant], place: Path
    ) -> dict[str, Callable[[], Turn]]:
        """Return how each reads a folder of picture files, from the start of a process."""
        images, folder = self.images_of(workload), self.pictures or place / "pictures"
        if self.pictures is None:
            write_jpeg_folders(folder, images)

        def take_turn(entrant: Entrant) -> Turn:
            command = self._command(
                entrant, f"{entrant.scripts}_import.py", str(folder), str(entrant.workers)
            )
            with tempfile.TemporaryDirectory(dir=place) as home:  # nothing is imported there yet
                variables = entrant.variables() | {"PICTUREWISE_HOME": home}
                return whole_process(entrant.title, command, variables, images)

        return {entrant.title: partial(take_turn, entrant) for entrant in entrants}

    def _job(
        self, workload: Workload, entrant: Entrant, task: JobTask, place: Path, model: Path | None = None
    ) -> Job:
        """Return what an entrant is asked to do; a network that is only saved sees few pictures."""
        network = self.network(workload)
        return Job(
            task=task,
            layers=network.layers(),
            parameters=network.summary.trainable,
            shape=network.shape,
            classes=CLASSES,
            batch_size=min(network.batch_size, SAVED_FROM) if task == "save" else network.batch_size,
            prediction_batch=PREDICTION_BATCH,
            optimizer=network.optimizer,
            learning_rate=network.learning_rate,
            momentum=network.momentum,
            data=str(place / "data.npz"),
            model="" if model is None else str(model),
            precision=entrant.precision,
        )

    def _command(self, entrant: Entrant, script: str, *arguments: str) -> list[str]:
        ours = entrant.scripts == "picturewise" or self.peers_python is None
        return [sys.executable if ours else str(self.peers_python), str(SCRIPTS / script), *arguments]


def written(job: Job, place: Path, number: int) -> str:
    """Write a job below `place` and return its file."""
    path = place / f"{number}.json"
    job.write(path)
    return str(path)


class PeakMeter:
    """Measures what the machine can do at most, whenever it is asked; see contenders/torch_peak.py.

    Args:
        side: of the matrices.
        seconds: for each operation.
        cores: threads.
        formats: of numbers, by PyTorch's names.

    Attributes:
        found: operation → number of threads → GFLOP in a processor second, each time.
    """

    def __init__(self, side: int, seconds: float, cores: int, formats: list[str]) -> None:
        command = [
            sys.executable,
            str(SCRIPTS / "torch_peak.py"),
            *map(str, (side, seconds, cores)),
            *formats,
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.found: dict[str, dict[str, list[float]]] = {}

    def __enter__(self) -> PeakMeter:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.__exit__(None, None, None)  # closes the pipes and waits

    def measure(self) -> None:
        """Measure all operations once more."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        for operation, rates in json.loads(self._process.stdout.readline()).items():
            for threads, rate in rates.items():
                self.found.setdefault(operation, {}).setdefault(threads, []).append(rate)

    def peak(self) -> float:
        """Return the median of the best operation."""
        return max(statistics.median(rates) for threads in self.found.values() for rates in threads.values())
