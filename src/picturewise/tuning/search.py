"""`Search`: what Optuna knows and decides, in one file: which values to try next, and which trials to stop early.

Values come from a tree-structured Parzen estimator (Bergstra et al., "Algorithms for Hyper-Parameter Optimization",
2011), and trials are stopped by asynchronous successive halving (Li et al., "A System for Massively Parallel
Hyperparameter Tuning", 2020). The file is a journal in JSON lines, to which each event is appended; it is read without
running anything in it. Only one process at a time works with it.
"""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from picturewise.errors import RunError, SaveError
from picturewise.seeds import derive
from picturewise.tuning.candidates import Candidates
from picturewise.tuning.space import DEFAULT, MODEL, Choices, Range
from picturewise.tuning.told import FEWEST_FOR_IMPORTANCE, Candidate, Importance, State, Told

NAME = "tune"
SPREAD_TRIALS = 8
"""After the default recipe, spread over the space; then the values depend on the results."""
REDUCTION = 3
"""A third of the trials goes on after a third of the epochs; earlier, low rates and little augmentation lead."""
_STATES: dict[State, TrialState] = {
    "finished": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "diverged": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "repeated": TrialState.FAIL,  # so that it does not count twice
}


class Search:
    """The state of a search in its file; a new file begins with the default recipe.

    Args:
        path: of the file; the caller holds the lock of its folder.
        candidates: what the space describes.
        seed: of the suggestions: with one worker, equal results lead to equal suggestions.

    Raises:
        RunError: the file is damaged, or belongs to another space.
    """

    def __init__(self, path: Path, candidates: Candidates, *, seed: int) -> None:
        self._candidates, self._seed, self._path = candidates, seed, path
        self._first_rung = max(1, candidates.default.training.epochs // REDUCTION)
        pruner = optuna.pruners.SuccessiveHalvingPruner(
            min_resource=self._first_rung, reduction_factor=REDUCTION
        )
        with self._quiet(), self._intact():
            _cut_torn_line(path)
            storage = JournalStorage(JournalFileBackend(str(path), lock_obj=_NoLock()))
            self._study = optuna.create_study(
                storage=storage, study_name=NAME, direction="maximize", pruner=pruner, load_if_exists=True
            )
            if not self._study.get_trials(deepcopy=False):
                options = candidates.space.options
                for values in (self._default_values(), *candidates.space.spread(SPREAD_TRIALS, seed)):
                    self._study.enqueue_trial(
                        {key: _stored(options[key], value) for key, value in values.items()}
                    )
            self._running = {
                found.number: Trial(self._study, found._trial_id)  # noqa: SLF001 (Optuna has no other way to go on)
                for found in self._study.get_trials(deepcopy=False, states=[TrialState.RUNNING])
            }
            self._earlier = {
                number: float(trial.user_attrs.get("cpu_seconds", 0.0))
                for number, trial in self._running.items()
            }
            for trial in self._running.values():  # a process that was killed may not have drawn all values
                self._draw(trial)

    @property
    def seconds(self) -> float:
        """How long the search has taken, as it was last saved."""
        return float(self._study.user_attrs.get("seconds", 0.0))

    def save_seconds(self, seconds: float) -> None:
        """Save how long the search has taken."""
        with self._quiet():
            self._study.set_user_attr("seconds", seconds)

    def begun(self) -> list[Candidate]:
        """Return the trials that were begun and have not ended, because a process was stopped."""
        return [Candidate(number, _values(trial.params)) for number, trial in sorted(self._running.items())]

    def ask(self) -> Candidate:
        """Begin a trial, and return its values; trial 0 has those of the default recipe."""
        with self._quiet():
            number = len(self._study.get_trials(deepcopy=False, states=[*_ENDED, TrialState.RUNNING]))
            # A new sampler for each trial, so that a search that goes on suggests what it would have suggested.
            self._study.sampler = optuna.samplers.TPESampler(
                n_startup_trials=SPREAD_TRIALS + 1,
                constant_liar=True,  # trials that are running count as bad, so that workers try different values
                seed=derive(self._seed, "suggest", number) % 2**32,
            )
            trial = self._study.ask()
            self._draw(trial)
            self._running[trial.number] = trial
            return Candidate(trial.number, _values(trial.params))

    def cpu_seconds(self, number: int) -> float:
        """Return the processor time of a trial that was begun in earlier sessions."""
        return self._earlier.get(number, 0.0)

    def pause(self, number: int, cpu_seconds: float) -> None:
        """Note that a trial will be continued in another session, and its processor time so far."""
        with self._quiet():
            self._running[number].set_user_attr("cpu_seconds", cpu_seconds)

    def epochs(self, number: int) -> int:
        """Return how many epochs of a trial were reported so far."""
        return max(self._frozen(number).intermediate_values, default=0)

    def report(self, number: int, epoch: int, accuracy: float, *, cpu_seconds: float, seconds: float) -> bool:
        """Note the validation accuracy of an epoch, from 1; return whether the trial should go on.

        The default recipe always goes on, because the others are compared with it.
        """
        with self._quiet():
            trial = self._running[number]
            self._study.set_user_attr("seconds", seconds)
            trial.set_user_attr("cpu_seconds", self.cpu_seconds(number) + cpu_seconds)
            if "pruned" in trial.user_attrs:  # before the process was stopped
                return False
            if epoch in self._frozen(number).intermediate_values:  # the same
                return True
            trial.report(accuracy, epoch)
            if number == 0 or not trial.should_prune():
                return True
            trial.set_user_attr("pruned", epoch)
            return False

    def tell(self, told: Told) -> None:
        """End a trial that was begun."""
        with self._quiet():
            trial = self._running[told.number]
            facts = {
                "state": told.state,
                "reason": told.reason,
                "accuracy": told.accuracy,
                "loss": told.loss,
                "epochs": told.epochs,
                "cpu_seconds": told.cpu_seconds,
                "ended": told.ended,
            }
            trial.set_user_attr("told", facts)
            if told.state == "diverged":  # so that its values are avoided
                trial.report(0.0, told.epochs + 1)
            state = _STATES[told.state]
            self._study.tell(trial, told.accuracy if state == TrialState.COMPLETE else None, state=state)
            del self._running[told.number]

    def trials(self) -> list[Told]:
        """Return the trials that have ended, in the order of their numbers."""
        with self._intact():
            return [
                Told(found.number, _values(found.params), **found.user_attrs["told"])
                for found in self._study.get_trials(deepcopy=False, states=_ENDED)
            ]

    def importance(self) -> Importance | None:
        """Return how much each option matters; None if there are too few trials, or all are equally accurate.

        If fewer than ten trials are finished, the accuracies of all trials after the epochs of the first rung count.
        The method is functional ANOVA (Hutter et al., "An Efficient Approach for Assessing Hyperparameter Importance",
        2014), for the options that all these trials have.
        """
        trials = self._study.get_trials(deepcopy=False, states=_ENDED)
        found = [(trial, trial.value) for trial in trials if trial.state == TrialState.COMPLETE]
        epochs = None
        if len(found) < FEWEST_FOR_IMPORTANCE:
            epochs = self._first_rung
            early = (
                (trial, max(value for epoch, value in trial.intermediate_values.items() if epoch <= epochs))
                for trial in trials
                if trial.state != TrialState.FAIL
                and min(trial.intermediate_values, default=epochs + 1) <= epochs
            )
            found = list(early)
        if len(found) < FEWEST_FOR_IMPORTANCE or len({value for _, value in found}) < 2:
            return None
        with self._quiet():
            study = optuna.create_study(direction="maximize")
            study.add_trials(
                [
                    optuna.create_trial(params=trial.params, distributions=trial.distributions, value=value)
                    for trial, value in found
                ]
            )
            shares = _importances(study, derive(self._seed, "importance") % 2**32)
        return Importance({key: float(share) for key, share in shares.items()}, len(found), epochs)

    def load_importance(self) -> None:
        """Load what `importance` needs: for the first importances, that takes ten times as long as computing them."""
        with self._quiet():
            study = optuna.create_study(direction="maximize")
            values = optuna.distributions.FloatDistribution(0.0, 1.0)
            study.add_trials(
                [
                    optuna.create_trial(params={"x": value}, distributions={"x": values}, value=value)
                    for value in (0.0, 0.5, 1.0)
                ]
            )
            _importances(study, 0)

    def _frozen(self, number: int) -> FrozenTrial:
        return self._study.get_trials(deepcopy=False)[number]

    def _default_values(self) -> dict[str, Any]:
        return self._candidates.default_values()

    def _draw(self, trial: Trial) -> None:
        """Let a trial have values for the options that its network has; those that it already has stay."""
        options, model = self._candidates.space.options, DEFAULT
        if MODEL in options:
            model = json.loads(_drawn(trial, MODEL, options[MODEL]))
        only = self._default_values() if trial.number == 0 else self._candidates.options(model)
        for key, values in self._candidates.options(model).items():
            if key in only:
                _drawn(trial, key, values)

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        """In the block, Optuna prints nothing, and its errors are Picturewise's."""
        before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except OSError as error:
            raise SaveError(
                f"{self._path} cannot be written: {error.strerror}. Continue when it can."
            ) from error
        finally:
            optuna.logging.set_verbosity(before)

    @contextlib.contextmanager
    def _intact(self) -> Iterator[None]:
        try:
            yield
        except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise RunError(
                f"{self._path} is damaged or belongs to another search ({type(error).__name__}: {error}). Restore the "
                "original file, or start a new search."
            ) from error


def _importances(study: optuna.Study, seed: int) -> dict[str, float]:
    return optuna.importance.get_param_importances(  # type: ignore[no-any-return]  # its types are not followed
        study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=seed)
    )


_ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
assert set(_STATES) == set(get_args(State))  # noqa: S101 (one for each)


class _NoLock:
    """The folder's lock keeps other processes away; a lock file of Optuna would outlive a killed process."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def _cut_torn_line(path: Path) -> None:
    """Remove a last line without an end, which a process that was killed while writing has left."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)


def _drawn(trial: Trial, key: str, values: Choices | Range) -> Any:
    if isinstance(values, Choices):
        return trial.suggest_categorical(key, [_stored(values, value) for value in values.values])
    if values.whole:
        step = int(values.step or 1)
        return trial.suggest_int(key, int(values.low), int(values.high), log=values.log, step=step)
    return trial.suggest_float(key, float(values.low), float(values.high), log=values.log, step=values.step)


def _stored(values: Choices | Range, value: Any) -> Any:
    """Return a value as Optuna stores it: choices as JSON, because a choice may be a list."""
    return json.dumps(value) if isinstance(values, Choices) else value


def _values(params: Mapping[str, Any]) -> dict[str, Any]:
    return {key: json.loads(value) if isinstance(value, str) else value for key, value in params.items()}
