"""The search for a recipe: whether it keeps its budget, and what it finds compared with the default and with Optuna.

    python benchmarks/tuning.py budget OUT [--runs 20] [--minutes 0.5]
    python benchmarks/tuning.py found OUT --data cifar10=FOLDER --data svhn=FOLDER [--limit 5000] [--minutes 10]

`budget` runs `picturewise tune digits` again and again, and compares the time of the whole command, from its start to
its end, with the budget and the longest epoch. `found` searches on each data set with `picturewise tune`, and with
Optuna around `picturewise.train`, as its tutorial does, with as many processes and as much time. Then the default, what
`tune` found and what Optuna found are trained with the same seeds, and compared on validation pictures that chose
nothing, paired by seed. Prints Markdown. Run again, it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import picturewise
from picturewise.cores import CORES, available_cores
from picturewise.data.recognise import recognise
from picturewise.evaluation.answers import Answers
from picturewise.evaluation.over_seeds import compare_over_seeds
from picturewise.reporting.tables import percent, points_with_interval
from picturewise.runs.run import open_run
from picturewise.tasks.evaluate import evaluate_part
from picturewise.tasks.load import load


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["budget", "found", "optuna"])
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", action="append", default=[], metavar="NAME=PLACE")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--limit", type=int, default=5_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=available_cores())
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.what == "budget":
        keeps_budget(given.out, given.runs, given.minutes or 0.5, given.workers)
    elif given.what == "optuna":  # a process of `by_hand`
        optimise(given.out, given.data[0], given.limit, given.minutes)
    else:
        print("| pictures | recipe | mean of the seeds | minus the default | over other pictures | trials |")
        print("|---|---|---:|---:|---:|---:|")
        for named in given.data:
            name, _, place = named.partition("=")
            found(given.out / name, name, place, given)


def keeps_budget(out: Path, runs: int, minutes: float, workers: int) -> None:
    """Print how long each command took, whether that is within the budget and one epoch, and the load (in a minute)."""
    print("| run | budget | command | longest epoch | trials | load | kept |")
    print("|---:|---:|---:|---:|---:|---:|---|")
    kept = without = 0
    for number in range(1, runs + 1):
        folder = out / f"budget-{number}"
        command = [
            "tune",
            "digits",
            "--minutes",
            minutes,
            "--out",
            folder,
            "--seed",
            number,
            "--workers",
            workers,
        ]
        began = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, "-m", "picturewise", *map(str, command)],
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - began
        epochs = [
            row.seconds
            for path in (folder / "trials").glob("*/run.json")
            for row in open_run(path.parent).history
        ]
        too_short = " minutes were over " in ended.stderr  # which is said in time, too
        in_time = seconds <= 60 * minutes + max(epochs, default=0)
        is_kept = in_time and (ended.returncode == 0 or too_short)
        kept += is_kept
        without += is_kept and too_short
        trials = len(list((folder / "trials").glob("*/run.json")))
        said = "yes" if is_kept else "no"
        if ended.returncode:
            said += " (too short for a trial)" if too_short else f": {ended.stderr.strip()}"
        longest = f"{max(epochs):.2f} s" if epochs else "none was complete"
        print(
            f"| {number} | {60 * minutes:g} s | {seconds:.2f} s | {longest} | {trials} | {os.getloadavg()[0]:.1f} | "
            f"{said} |",
            flush=True,
        )
    print(
        f"\n{kept} of {runs} commands ended within the budget and one epoch, {without} of them without a trial."
    )


def found(out: Path, name: str, place: str, given: argparse.Namespace) -> None:
    """Print the rows of one data set."""
    minutes, seeds = given.minutes or 10.0, tuple(range(1, given.seeds + 1))
    if not (out / "tune" / "results.json").exists():
        begun = {"resume": out / "tune"} if (out / "tune" / "search.json").exists() else {"out": out / "tune"}
        data = {} if "resume" in begun else {"data": place, "limit": given.limit}
        picturewise.tune(**data, **begun, minutes=minutes, workers=given.workers, progress=False)
    result = json.loads((out / "tune" / "results.json").read_text())
    by_hand(out / "optuna", place, given.limit, minutes, given.workers)
    tried = trials_by_hand(out / "optuna")
    paths = {
        "default": out / "tune" / "trials" / "0000",
        f"picturewise tune, trial {result['best_trial']}": Path(trial_path(result)),
        "Optuna by hand": max(tried, key=lambda path: tried[path]),
    }
    right = dict[str, np.ndarray]()
    for called, path in paths.items():
        # The first trial of both searches is the default recipe, which need not be trained again.
        is_default = path.name in {"0000", "trial-0000"} and "default" in right
        right[called] = (
            right["default"] if is_default else trained(out / "final", called, open_run(path).recipe, seeds)
        )
    begun = len(list((out / "optuna").glob("trial-*/run.json")))
    counts = {"default": 1, "Optuna by hand": begun}
    for called, answers in right.items():
        compared = compare_over_seeds(answers, right["default"], seeds=seeds)
        print(
            f"| {name} | {called} | {percent(float(answers.mean()))} | {points_with_interval(compared.difference)} | "
            f"{points_with_interval(compared.over_pictures)} | {counts.get(called, len(result['trials']))} |",
            flush=True,
        )


def trial_path(result: dict[str, Any]) -> str:
    return next(trial["path"] for trial in result["trials"] if trial["number"] == result["best_trial"])


def trained(out: Path, called: str, recipe: Any, seeds: tuple[int, ...]) -> np.ndarray:
    """Return whether each picture of the reporting half is right with each seed, (S, N)."""
    rows = []
    for seed in seeds:
        path = out / f"{called.split(',', maxsplit=1)[0].replace(' ', '-').lower()}-{seed}"
        own = recipe.model_copy(update={"seed": seed})
        if (path / "run.json").exists():
            run = picturewise.resume(path, progress=False)
        else:
            run = picturewise.train(recipe=own, out=path, progress=False)
        options = recipe.data.model_copy(update={"valid_half": "reporting"})
        part = load(recognise(options.source), options, splits=["valid"], progress=False).split("valid")
        _, probabilities, labels = evaluate_part(run.classifier(), part, "", "valid")
        rows.append(Answers(run.target, probabilities, labels).right)
    return np.stack(rows)


def by_hand(out: Path, place: str, limit: int, minutes: float, workers: int) -> None:
    """Search with Optuna in several processes, which share a journal, as Optuna's documentation describes."""
    if (out / "done").exists():
        return
    command = [sys.executable, __file__, "optuna", str(out), "--data", place, "--limit", str(limit)]
    cores = str(max(1, available_cores() // workers))
    environment = {**os.environ, CORES: cores, "OMP_NUM_THREADS": cores}
    processes = [
        subprocess.Popen([*command, "--minutes", str(minutes)], env=environment, stderr=subprocess.DEVNULL)
        for _ in range(workers)
    ]
    if any(process.wait() for process in processes):
        sys.exit("Optuna by hand failed.")
    (out / "done").touch()


def optimise(out: Path, place: str, limit: int, minutes: float) -> None:
    """Run Optuna's usual loop around `picturewise.train`, in one process, until the time is over."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    class Reported(picturewise.Callback):
        def __init__(self, trial: optuna.Trial) -> None:
            self.trial, self.pruned = trial, False

        def on_epoch(self, trainer: Any, row: Any) -> None:
            self.trial.report(row.valid_accuracy, row.epoch)
            self.pruned = self.trial.should_prune()
            if self.pruned:
                trainer.stop("Pruned by Optuna.")

    def objective(trial: optuna.Trial) -> float:
        watch = Reported(trial)
        run = picturewise.train(
            place, limit=limit, valid_half="choosing", folds=0, progress=False, callbacks=[watch],
            out=out / f"trial-{trial.number:04}",
            **({} if trial.number == 0 else suggested(trial)),
        )  # fmt: skip
        if watch.pruned:
            raise optuna.TrialPruned
        return max(row.valid_accuracy for row in run.history)

    def suggested(trial: optuna.Trial) -> dict[str, Any]:
        return {
            "model": trial.suggest_categorical("model", ["small-airbench", "cnn", "small-cnn"]),
            "optimizer": trial.suggest_categorical("optimizer", ["adamw", "muon", "sgd"]),
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 0.5, log=True),
            "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128, 256]),
            "label_smoothing": trial.suggest_float("label_smoothing", 0, 0.3),
            "weight_decay": trial.suggest_float("weight_decay", 1e-4, 0.3, log=True),
            "augmentation": json.loads(
                trial.suggest_categorical("augmentation", ["[]", '["crop 2"]', '["crop 4"]'])
            ),
        }

    storage = optuna.storages.JournalStorage(JournalFileBackend(str(out / "journal.log")))
    study = optuna.create_study(
        storage=storage, study_name="by hand", direction="maximize", load_if_exists=True,
        pruner=optuna.pruners.SuccessiveHalvingPruner(), sampler=optuna.samplers.TPESampler(seed=os.getpid()),
    )  # fmt: skip
    study.optimize(objective, timeout=60 * minutes, catch=(picturewise.PicturewiseError,))


def trials_by_hand(out: Path) -> dict[Path, float]:
    """Return each finished run that was not pruned → its best validation accuracy."""
    runs = [open_run(path.parent) for path in sorted(out.glob("trial-*/run.json"))]
    return {
        run.path: max(row.valid_accuracy for row in run.history)
        for run in runs
        if run.record.status == "finished" and "Pruned" not in run.record.reason
    }


if __name__ == "__main__":
    main()
