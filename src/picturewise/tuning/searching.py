"""`Searching`: one session of a search: begins trials, ends them, compares the best with the default, and reports."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from picturewise import files
from picturewise.data.dataset import Dataset
from picturewise.errors import PicturewiseError, UsageError
from picturewise.printable import printable
from picturewise.recipes.recipe import Recipe
from picturewise.tuning import final
from picturewise.tuning.candidates import Candidates
from picturewise.tuning.crew import Crew
from picturewise.tuning.record import BEST, JOURNAL, Clock, SearchRecord
from picturewise.tuning.report import load_drawing, write_report
from picturewise.tuning.results import TrialResult, TuningResult, sentence_of
from picturewise.tuning.search import Search
from picturewise.tuning.told import Candidate, Told
from picturewise.tuning.trial import Outcome, Pictures, Work
from picturewise.tuning.workers import End, Next, Report, train_here, train_in_workers

TRIALS = "trials"
"""The folder of their runs."""
MOST_REPEATED = 100
"""Suggestions in a row of recipes that were already tried: then there are hardly any others."""
MOST_FAILED = 5
"""Trials in a row that failed."""


class Searching:
    """One session of a search in its folder.

    Args:
        folder: of the search; the caller holds its lock.
        candidates: what the space describes.
        record: of the search.
        pictures: of the search.
        crew: processes that train; None: this one does.
        tell: called after each trial.

    Attributes:
        search: the suggestions and results so far.
    """

    def __init__(
        self,
        folder: Path,
        candidates: Candidates,
        record: SearchRecord,
        pictures: Pictures,
        *,
        crew: Crew | None,
        tell: Callable[[Told], None] | None,
    ) -> None:
        self.search = Search(folder / JOURNAL, candidates, seed=record.seed)
        self._folder, self._candidates, self._record = folder, candidates, record
        self._pictures, self._crew, self._tell = pictures, crew, tell
        self._open: dict[str, Candidate] = {}
        self._recipes: dict[str, int] = {}  # text of a recipe → the first trial with it
        self._exhausted = self._failed = 0

    def keep(self, dataset: Dataset) -> None:
        """Keep pictures that were read with the options of the trials, so that they are not read again."""
        self._pictures.read[self._trial_recipe({}).data] = dataset

    def run(self, clock: Clock) -> None:
        """Begin and continue trials until the budget is used, or the space has no more recipes.

        Raises:
            UsageError: not a single trial was complete.
            PicturewiseError: the default recipe, or too many trials in a row, failed.
        """
        waiting = deque(self.search.begun())
        self._check_default()
        for told in self.search.trials():
            if told.state != "failed":  # its values may not go together
                self._note(told.number, told.values)

        def take() -> Work | None:
            while not clock.is_over and self._exhausted < MOST_REPEATED:
                if waiting:
                    candidate = waiting.popleft()
                elif self._has_enough():
                    return None
                else:
                    candidate = self.search.ask()
                work = self._work(candidate, clock)
                if work is not None:
                    return work
            return None

        def report(work: Work, epoch: int, accuracy: float, cpu_seconds: float) -> bool:
            number = self._open[work.key].number
            return self.search.report(number, epoch, accuracy, cpu_seconds=cpu_seconds, seconds=clock.seconds)

        def end(work: Work, outcome: Outcome) -> None:
            self._end(self._open.pop(work.key), outcome, clock)

        files.make_folder(self._folder / TRIALS)  # workers on other machines check that they share it
        if not clock.is_over:  # otherwise workers would be started for nothing
            self._train(
                take, report, end, self._load if clock.until is not None else lambda: None, lambda: clock.left
            )
        self.search.save_seconds(clock.seconds)
        if not self._finished():
            raise UsageError(self._too_short(clock))

    def result(self, seconds: float, *, seeds: int) -> TuningResult:
        """Return what was found so far, and write the best recipe and the report.

        Args:
            seconds: of the search.
            seeds: with which the best recipe and the default are trained again; 0: they are not.
        """
        trials = self.search.trials()
        best = min(self._finished(), key=lambda told: told.rank)
        comparison, reporting = None, self._reporting_pictures()
        if seeds and best.number != 0:
            # Other seeds than that of the trials, whose luck helped to choose the best.
            chosen = tuple(self._record.seed + number for number in range(1, seeds + 1))
            recipes = {
                best.number: self._trial_recipe(best.values),
                0: self._trial_recipe(self._values_of(0, trials)),
            }
            self._train_finally(final.final_works(self._folder, recipes, chosen))
            comparison = final.compared(self._folder, best.number, chosen, self._pictures)
        importance = self.search.importance()
        result = TuningResult(
            data=self._record.data,
            seconds=seconds,
            path=self._folder,
            report=self._folder / "report.html",
            best=self._whole_recipe(best.values),
            best_trial=best.number,
            choosing_pictures=len(self._choosing.split("valid")),
            reporting_pictures=reporting,
            trials=tuple(self._trial_result(told) for told in trials),
            importance={} if importance is None else dict(importance.shares),
            comparison=comparison,
            sentence=sentence_of(best, len(trials), len(self._choosing.split("valid")), comparison),
            notes=self._notes(),
        )
        files.write_text(self._folder / BEST, result.best.to_toml())
        write_report(result, importance)
        files.write_text(self._folder / "results.json", result.model_dump_json(indent=1) + "\n")
        return result

    @property
    def _choosing(self) -> Dataset:
        return self._pictures.get(self._trial_recipe({}).data)

    def _reporting_pictures(self) -> int:
        options = self._trial_recipe({}).data.model_copy(update={"valid_half": "reporting"})
        return len(self._pictures.get(options).split("valid"))

    def _train(
        self,
        take: Next,
        report: Report,
        end: End,
        meanwhile: Callable[[], None] = lambda: None,
        left: Callable[[], float | None] = lambda: None,
    ) -> None:
        if self._crew is None:
            train_here(take, report, end, self._pictures, meanwhile)
        else:
            files.make_folder(
                self._folder / TRIALS
            )  # by it, workers on other machines see that they share the folder
            files.make_folder(self._folder / final.FOLDER)
            train_in_workers(take, report, end, self._crew, meanwhile, left)

    def _load(self) -> None:
        """Load what the end of the search needs: with it, that takes a third of the time (0.7 s, not 2.1 s)."""
        self.search.load_importance()
        load_drawing()

    def _train_finally(self, works: list[Work]) -> None:
        files.make_folder(self._folder / final.FOLDER)  # as in `run`
        waiting = deque(works)
        self._train(lambda: waiting.popleft() if waiting else None, lambda *_: True, final.check_final)

    def _check_default(self) -> None:
        default = next((told for told in self.search.trials() if told.number == 0), None)
        if default is not None and default.state in {"failed", "diverged"}:
            raise PicturewiseError(
                f"The default recipe, with which a search begins, failed: {default.reason}"
            )

    def _has_enough(self) -> bool:
        """Return whether as many trials as the budget allows have begun; repeated ones do not count."""
        if self._record.trials is None:
            return False
        ended = sum(told.state != "repeated" for told in self.search.trials())
        return ended + len(self._open) >= self._record.trials

    def _work(self, candidate: Candidate, clock: Clock) -> Work | None:
        """Return the run of a trial; None: it ended at once, because it fails or was tried before."""
        try:
            recipe = self._trial_recipe(candidate.values)
        except UsageError as error:
            self._end(candidate, Outcome("failed", str(error)), clock)
            return None
        first = self._note(candidate.number, candidate.values)
        if first != candidate.number:
            self._exhausted += 1
            before = next((told for told in self.search.trials() if told.number == first), None)
            same = Told(
                candidate.number, candidate.values, "repeated", f"It has the recipe of trial {first}."
            )
            if before is not None and before.state == "finished":
                same = replace(same, accuracy=before.accuracy, loss=before.loss)
            self._told(replace(same, ended=clock.seconds))
            return None
        self._exhausted = 0
        key = f"{candidate.number:04}"
        self._open[key] = candidate
        return Work(key, self._folder / TRIALS / key, recipe, clock.until)

    def _end(self, candidate: Candidate, outcome: Outcome, clock: Clock) -> None:
        cpu_seconds = self.search.cpu_seconds(candidate.number) + outcome.cpu_seconds
        if outcome.state == "paused":
            self.search.pause(candidate.number, cpu_seconds)
            return
        self._failed = self._failed + 1 if outcome.state == "failed" else 0
        self._told(
            Told(
                candidate.number, candidate.values, outcome.state, outcome.reason, outcome.accuracy, outcome.loss,
                outcome.epochs, cpu_seconds, clock.seconds,
            )
        )  # fmt: skip
        self._check_default()
        if self._failed >= MOST_FAILED:
            raise PicturewiseError(
                f"{MOST_FAILED} trials in a row failed, the last one with: {outcome.reason}"
            )

    def _told(self, told: Told) -> None:
        self.search.tell(told)
        if self._tell is not None:
            self._tell(told)

    def _note(self, number: int, values: Any) -> int:
        """Return the first trial with the same recipe, which may be this one."""
        return self._recipes.setdefault(self._trial_recipe(values).to_toml(), number)

    def _finished(self) -> list[Told]:
        return [told for told in self.search.trials() if told.state == "finished"]

    def _trial_recipe(self, values: Any) -> Recipe:
        """Return the recipe of a trial: it chooses with one half of the validation split."""
        recipe = self._candidates.recipe(values)
        data = recipe.data.model_copy(update={"valid_half": "choosing"})
        return recipe.model_copy(update={"data": data, "seed": self._record.seed})

    def _whole_recipe(self, values: Any) -> Recipe:
        recipe = self._candidates.recipe(values)
        return recipe.model_copy(update={"seed": self._record.seed})

    def _values_of(self, number: int, trials: list[Told]) -> Any:
        return next(
            (told.values for told in trials if told.number == number), self._candidates.default_values()
        )

    def _trial_result(self, told: Told) -> TrialResult:
        path = self._folder / TRIALS / f"{told.number:04}"
        return TrialResult(
            number=told.number, values=dict(told.values), state=told.state, reason=told.reason, accuracy=told.accuracy,
            loss=told.loss, epochs=told.epochs, cpu_seconds=told.cpu_seconds, ended=told.ended, path=path,
        )  # fmt: skip

    def _notes(self) -> tuple[str, ...]:
        notes = self._candidates.notes
        if self._exhausted >= MOST_REPEATED:
            notes += ("The search ended early, because nearly every recipe of the space has been tried.",)
        return notes

    def _too_short(self, clock: Clock) -> str:
        """Return the sentence about a budget that ended before any trial did."""
        whole, seconds = self._candidates.default.training.epochs, clock.seconds
        done = self.search.epochs(0)
        again = f"picturewise tune --resume {printable(self._folder)}"
        if self._record.minutes is None:
            return f"No trial was complete. Continue with: {again}"
        needed = 2 * seconds * whole / max(done, 1) / 60
        return (
            f"The {self._record.minutes:g} minutes were over after {done} of {whole} epochs of the default recipe, "
            f"before any trial was complete. Nothing is lost; continue with: {again} --minutes {round(needed + 0.5)}"
        )
