"""Are the weights the same for every number of workers, and after every kill? And what do shards and workers cost?

    python benchmarks/workers.py equal --out equal.csv
    python benchmarks/workers.py kills --kills 100 --out kills.csv
    python benchmarks/workers.py cost --data cifar10=FOLDER mnist=MNIST --out cost.csv
    python benchmarks/workers.py model --rounds 5
    python benchmarks/workers.py steps --data cnn=MNIST resnet20=CIFAR-10 --out steps.csv

`equal` trains several recipes for three epochs with 1, 2, 4 and 8 workers, and compares the SHA-256 of their weights.
`kills` trains a small network with two and four workers, and kills random ones at random moments, at most five times a
run, the process that starts them and the first worker among them; then it compares the final weights. `cost` trains for
one epoch with and without shards, and with two workers against one, in turns, each round with another seed: pictures a
second of training, and validation accuracy. `steps` names a network for each data set, and measures only the steps, of
128 pictures, with one worker and with two fast ones, in turns: milliseconds of processor time, of all workers together,
and of the clock. `model` measures the pieces of a step, and prints what up to 256 workers would reach by them; see
`workers_model.py`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, TextIO

STEPS = "take-steps"
WARM, COUNT = 3, 20  # steps that are not measured, and that are
COMMAND = [sys.executable, "-m", "picturewise"]
# The 1,295 training pictures of digits and batches of 86 have a last batch of 5.
SHARED = ["--no-folds", "--set", "training.batch_size=86", "--set", "training.shards=8"]
RECIPES = {
    "mlp": ["--model", "mlp", "--augment", "shift 1"],
    "cnn": ["--model", "cnn", "--augment", "rotate 10; cutmix 1", "--set", "training.ema=0.9"],
    "resnet20": ["--model", "resnet20", "--augment", "shift 1; flip"],
    "cnn, muon": ["--model", "cnn", "--augment", "mixup 0.2", "--optimizer", "muon"],
    "cnn, sgd, clipped": ["--model", "cnn", "--optimizer", "sgd", "--set", "training.clip_norm=1"],
    "frozen backbone": ["--layers", "conv 32 3x3 relu; maxpool 2; batchnorm; flatten; dense 64 relu",
                        "--set", "start.source=BEGINNING", "--set", "start.lines=3", "--freeze", "backbone",
                        "--set", "training.head_fit=steps"],
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["equal", "kills", "cost", "steps", "model"])
    parser.add_argument("--out", type=Path, default=Path(os.devnull))
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", nargs="*", default=[], metavar="NAME=PATH")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    if asked.what == "model":
        import workers_model

        workers_model.main(asked.rounds)
        return
    with tempfile.TemporaryDirectory(prefix="workers-") as name, asked.out.open("a", newline="") as file:
        measure = {"equal": equal, "kills": kills, "cost": cost, "steps": steps}[asked.what]
        measure(Path(name), csv.writer(file), file, asked)


def train(place: Path, *options: str, workers: int = 1, epochs: int = 3, data: str = "digits") -> str:
    """Train, and return the SHA-256 of the final weights."""
    shutil.rmtree(place, ignore_errors=True)
    command = [*COMMAND, "train", data, "--epochs", str(epochs), *options, "--workers", str(workers)]
    subprocess.run([*command, "--out", str(place)], check=True, capture_output=True)
    return digest(place)


def digest(place: Path) -> str:
    found: str = json.loads((place / "run.json").read_text())["final_weights_sha256"]
    return found


def equal(folder: Path, rows: Any, file: TextIO, asked: argparse.Namespace) -> None:
    beginning = folder / "beginning"
    train(beginning, *SHARED, *RECIPES["frozen backbone"][:2], epochs=1)
    for name, options in RECIPES.items():
        own = [option.replace("BEGINNING", str(beginning)) for option in options]
        found = {}
        for workers in (1, 2, 4, 8):
            began = time.perf_counter()
            found[workers] = train(folder / "run", *SHARED, *own, workers=workers)
            rows.writerow([name, workers, found[workers], round(time.perf_counter() - began, 1)])
            file.flush()
        print(
            f"{name}: {'equal' if len(set(found.values())) == 1 else 'DIFFERENT'} {found[1][:12]}", flush=True
        )


def kills(folder: Path, rows: Any, file: TextIO, asked: argparse.Namespace) -> None:
    options = [*SHARED, *RECIPES["cnn"], "--set", "training.checkpoint_minutes=0.003"]
    expected = train(folder / "undisturbed", *options, epochs=6)
    draw, done, run = random.Random(asked.seed), 0, 0
    while done < asked.kills:
        run += 1
        place, workers = folder / f"run-{run}", draw.choice([2, 4])
        ended = disturbed(place, options, workers, draw)
        done += len(ended)
        fine = digest(place) == expected
        rows.writerow([run, workers, *ended])
        file.flush()
        print(
            f"run {run}: {workers} workers, killed: {', '.join(ended) or 'none'}; {'equal' if fine else 'DIFFERENT'}",
            flush=True,
        )
        shutil.rmtree(place)
    print(f"{done} kills in {run} runs")


def disturbed(place: Path, options: list[str], workers: int, draw: random.Random) -> list[str]:
    """Train with kills, and return what was killed."""
    ended: list[str] = []
    command = [
        *COMMAND,
        "train",
        "digits",
        "--epochs",
        "6",
        *options,
        "--workers",
        str(workers),
        "--out",
        str(place),
    ]
    while True:
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while running.poll() is None:
            time.sleep(draw.uniform(0.5, 8))
            ids = children(running.pid)
            if len(ended) >= 5 or not (place / "run.json").exists() or len(ids) < workers:
                continue
            victim = draw.choice([*ids, running.pid])
            name = "launcher" if victim == running.pid else f"worker {ids.index(victim)}"
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                continue
            ended.append(name)
        said = running.stderr.read() if running.stderr else ""
        if running.returncode == 0:
            return ended
        if running.returncode not in (-signal.SIGKILL, 75):
            raise SystemExit(f"It ended with {running.returncode}: {said}")
        time.sleep(1)  # the workers save a checkpoint and end
        command = [*COMMAND, "resume", str(place), "--workers", str(workers)]


def children(parent: int) -> list[int]:
    """Return the process ids of the workers, by rank."""
    try:
        ids = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        found = {}
        for one in ids:
            if b"picturewise.tasks.worker" in Path(f"/proc/{one}/cmdline").read_bytes():
                variables = Path(f"/proc/{one}/environ").read_bytes().split(b"\0")
                (rank,) = (part[5:] for part in variables if part.startswith(b"RANK="))
                found[int(rank)] = int(one)
    except (OSError, ValueError):
        return []
    return [found[rank] for rank in sorted(found)]


def cost(folder: Path, rows: Any, file: TextIO, asked: argparse.Namespace) -> None:
    ways = {
        "whole batches": (["--set", "training.threads=1"], 1),
        "8 shards": (["--set", "training.shards=8"], 1),
        "8 shards, 2 workers": (["--set", "training.shards=8"], 2),
        "fast, 2 workers": (["--set", "training.distributed=fast", "--set", "training.threads=1"], 2),
    }
    for named in asked.data:
        name, _, data = named.partition("=")
        for number in range(asked.rounds):
            for way, (options, workers) in ways.items():
                said = [*options, "--no-folds", "--seed", str(number)]
                train(folder / "run", *said, workers=workers, epochs=1, data=data)
                with (folder / "run" / "history.csv").open() as history:
                    (row,) = csv.DictReader(history)
                rows.writerow([name, number, way, row["images_per_second"], row["valid_accuracy"]])
                file.flush()
                print(name, number, way, row["images_per_second"], flush=True)


def steps(folder: Path, rows: Any, file: TextIO, asked: argparse.Namespace) -> None:
    for number in range(asked.rounds):
        for named in asked.data:
            model, _, data = named.partition("=")
            for workers in (1, 2):
                with socket.socket() as free:
                    free.bind(("127.0.0.1", 0))
                    port = str(free.getsockname()[1])
                variables = {"WORLD_SIZE": str(workers), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
                running = [
                    subprocess.Popen(
                        [sys.executable, __file__, STEPS, model, data],
                        env=os.environ | variables | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
                        stdout=subprocess.PIPE, text=True,
                    )
                    for rank in range(workers)
                ]  # fmt: skip
                measured = [json.loads(one.communicate()[0]) for one in running]
                processor = round(sum(one[0] for one in measured), 1)
                clock = round(max(one[1] for one in measured), 1)
                rows.writerow([model, number, workers, processor, clock])
                file.flush()
                print(model, number, workers, processor, clock, flush=True)


def take_steps(model: str, data: str) -> None:
    """Print the milliseconds of processor time and of the clock that a step takes in this worker."""
    import picturewise
    from picturewise.recipes.recipe import make_recipe
    from picturewise.tasks.workers import group_of_workers
    from picturewise.training.make_learner import make_learner

    training = {"distributed": "fast", "threads": 1, "batch_size": 128, "epochs": 1, "folds": 0}
    recipe = make_recipe(
        {
            "data": {"source": data},
            "model": {"name": model},
            "preparation": {"augmentation": []},
            "training": training,
        }
    )
    dataset = picturewise.read_dataset(data)
    with group_of_workers() as group:
        learner, _ = make_learner(recipe, dataset, group=group)
        with learner.learning():
            order = learner.begin(1)
            for batch in range(WARM + COUNT):
                if batch == WARM:
                    began = time.process_time(), time.perf_counter()
                learner.step(order, 1, batch, 0.001).tolist()
            ended = time.process_time(), time.perf_counter()
    print(json.dumps([1000 * (stop - start) / COUNT for start, stop in zip(began, ended, strict=True)]))


if __name__ == "__main__":
    if sys.argv[1:2] == [STEPS]:
        take_steps(*sys.argv[2:])
    else:
        main()
