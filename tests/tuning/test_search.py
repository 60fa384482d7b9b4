from __future__ import annotations

import json
from pathlib import Path

import pytest

from picturewise.data.recognise import recognise
from picturewise.errors import RunError
from picturewise.recipes.recipe import make_recipe
from picturewise.tasks.load import load
from picturewise.tasks.train import LEARNING_SPLITS
from picturewise.tuning.candidates import Candidates, make_candidates
from picturewise.tuning.search import Search
from picturewise.tuning.space import read_space
from picturewise.tuning.told import Candidate, Told

EPOCHS = 9


@pytest.fixture
def candidates(pictures: Path, space: Path) -> Candidates:
    recipe = make_recipe({"data": {"source": str(pictures)}, "training": {"epochs": EPOCHS}})
    return make_candidates(
        read_space(space), recipe, load(recognise(str(pictures)), recipe.data, splits=LEARNING_SPLITS)
    )


def accuracy(candidate: Candidate, epoch: int) -> float:
    """Return the accuracy of a trial whose best learning rate is twice the usual one."""
    rate = float(candidate.values["scale.learning_rate"])
    return 0.9 - 0.05 * abs(rate - 2) - 0.3 / (epoch + 1)


def train(search: Search, candidate: Candidate, *, until: int = EPOCHS) -> None:
    for epoch in range(1, until + 1):
        if not search.report(
            candidate.number, epoch, accuracy(candidate, epoch), cpu_seconds=epoch, seconds=epoch
        ):
            search.tell(
                Told(candidate.number, candidate.values, "pruned", "", accuracy(candidate, epoch), 1.0, epoch)
            )
            return
    if until == EPOCHS:
        search.tell(
            Told(candidate.number, candidate.values, "finished", "", accuracy(candidate, EPOCHS), 1.0, EPOCHS)
        )


def history(search: Search) -> list[tuple[object, ...]]:
    return [(told.number, dict(told.values), told.state, told.epochs) for told in search.trials()]


def test_the_first_trial_is_the_default(tmp_path: Path, candidates: Candidates) -> None:
    search = Search(tmp_path / "trials.jsonl", candidates, seed=0)
    assert search.ask() == Candidate(
        0, {"scale.learning_rate": 1.0, "scale.width": 1, "training.batch_size": 16}
    )


def test_the_search_finds_the_better_values_and_stops_bad_trials(
    tmp_path: Path, candidates: Candidates
) -> None:
    search = Search(tmp_path / "trials.jsonl", candidates, seed=0)
    for _ in range(30):
        train(search, search.ask())
    trials = search.trials()
    best = min((told for told in trials if told.state == "finished"), key=lambda told: told.rank)
    assert abs(best.values["scale.learning_rate"] - 2) < 0.3
    assert sum(told.state == "pruned" for told in trials) > 10
    importance = search.importance()
    assert importance is not None
    assert next(iter(importance.shares)) == "scale.learning_rate"
    assert sum(importance.shares.values()) == pytest.approx(1)


def test_the_default_is_never_stopped_early(tmp_path: Path, candidates: Candidates) -> None:
    search = Search(tmp_path / "trials.jsonl", candidates, seed=0)
    default, other = search.ask(), search.ask()
    for epoch in range(1, EPOCHS + 1):
        assert search.report(other.number, epoch, 0.9, cpu_seconds=0, seconds=0)
    assert all(
        search.report(default.number, epoch, 0.1, cpu_seconds=0, seconds=0) for epoch in range(1, EPOCHS + 1)
    )


@pytest.mark.parametrize("stopped_after", [0, 1, 3, 5])
def test_a_search_that_goes_on_does_what_it_would_have_done(
    tmp_path: Path, candidates: Candidates, stopped_after: int
) -> None:
    whole = Search(tmp_path / "whole.jsonl", candidates, seed=7)
    for _ in range(16):
        train(whole, whole.ask())
    path = tmp_path / "torn.jsonl"
    torn = Search(path, candidates, seed=7)
    for _ in range(12):
        train(torn, torn.ask())
    train(torn, torn.ask(), until=stopped_after)
    with path.open("ab") as file:
        file.write(b'{"op_code":5,"worker')  # what a killed process leaves
    again = Search(path, candidates, seed=7)
    for candidate in again.begun():
        train(again, candidate)
    while len(again.trials()) < 16:
        train(again, again.ask())
    assert history(again) == history(whole)


def test_the_time_and_the_processor_time_are_kept(tmp_path: Path, candidates: Candidates) -> None:
    search = Search(tmp_path / "trials.jsonl", candidates, seed=0)
    train(search, search.ask(), until=4)
    search.pause(0, 4.5)
    search.save_seconds(12.5)
    again = Search(tmp_path / "trials.jsonl", candidates, seed=0)
    assert (again.seconds, again.cpu_seconds(0), again.epochs(0)) == (12.5, 4.5, 4)


def test_the_file_is_lines_of_json(tmp_path: Path, candidates: Candidates) -> None:
    search = Search(tmp_path / "trials.jsonl", candidates, seed=0)
    train(search, search.ask())
    lines = (tmp_path / "trials.jsonl").read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert [path.name for path in tmp_path.glob("trials.jsonl*")] == ["trials.jsonl"]


@pytest.mark.parametrize(
    "content",
    [
        b'{"op_code": 4}\n',
        b"{}\n",
        b"[]\n",
        b"\x80\x04\x95.\n",
        b'{"op_code": 99, "worker_id": "a"}\n',
        b"12\n",
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, candidates: Candidates, content: bytes) -> None:
    (tmp_path / "trials.jsonl").write_bytes(content * 2)
    with pytest.raises(RunError, match="is damaged or belongs to another search"):
        Search(tmp_path / "trials.jsonl", candidates, seed=0)


def test_importance_needs_ten_trials(tmp_path: Path, candidates: Candidates) -> None:
    search = Search(tmp_path / "trials.jsonl", candidates, seed=0)
    for _ in range(9):
        train(search, search.ask())
    assert search.importance() is None


def test_a_trial_that_diverges_counts_as_bad(tmp_path: Path, candidates: Candidates) -> None:
    search = Search(tmp_path / "trials.jsonl", candidates, seed=0)
    train(search, search.ask())
    candidate = search.ask()
    search.tell(Told(candidate.number, candidate.values, "diverged", "The loss became nan."))
    assert [told.state for told in search.trials()] == ["finished", "diverged"]
    assert [told.accuracy for told in search.trials()][1] is None
