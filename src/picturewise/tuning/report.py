"""The report of a search: its history, the importance of each option, accuracy against cost, and the best recipe."""

from __future__ import annotations

from typing import Any

from picturewise import files
from picturewise.reporting.album import Album
from picturewise.reporting.contents import Report
from picturewise.reporting.figures import to_both_papers
from picturewise.reporting.figures.cost_frontier import draw_cost_frontier
from picturewise.reporting.figures.option_importance import draw_option_importance
from picturewise.reporting.figures.search_history import draw_search_history
from picturewise.reporting.option_names import OPTION_NAMES
from picturewise.reporting.report import render_report
from picturewise.reporting.run_report import dataset_facts, model_facts
from picturewise.reporting.search_facts import SearchedTrial, SearchFacts
from picturewise.reporting.sections import data_section, model_sections
from picturewise.reporting.sections.search import search_section
from picturewise.runs.places import inside
from picturewise.runs.run import open_run
from picturewise.tuning.results import TrialResult, TuningResult
from picturewise.tuning.space import AUGMENTATION, MODEL, RATE, WIDTH
from picturewise.tuning.told import FEWEST_FOR_IMPORTANCE, Importance

NAMES = {
    **OPTION_NAMES,
    MODEL: "Network",
    "model.layers": "Layers",
    RATE: "Learning rate, times its default",
    AUGMENTATION: "Augmentation, times its default",
    WIDTH: "Width, times its default",
}
HISTORY, IMPORTANCE, FRONTIER = "search-history", "option-importance", "cost-frontier"


def write_report(result: TuningResult, importance: Importance | None) -> None:
    """Draw the figures into the folder of the search, and write report.html."""
    facts = SearchFacts(
        trials=tuple(map(_trial, result.trials)),
        best=result.best_trial,
        choosing=result.choosing_pictures,
        reporting=result.reporting_pictures,
        seconds=result.seconds,
        importance={}
        if importance is None
        else {_name(key): share for key, share in importance.shares.items()},
        importance_of=_about(importance),
        comparison=result.comparison,
    )
    album = Album(inside(result.path, "figures"))
    album.save(draw_search_history(facts.trials), HISTORY)
    if facts.importance:
        album.save(draw_option_importance(facts.importance), IMPORTANCE)
    else:
        album.remove(IMPORTANCE)
    album.save(draw_cost_frontier(facts.finished, facts.frontier), FRONTIER)
    numbers = dict.fromkeys(
        [result.best_trial, *([0] if any(_is_default(trial) for trial in facts.finished) else [])]
    )
    paths = {trial.number: trial.path for trial in result.trials}  # some may not have ended
    runs = [open_run(paths[number]) for number in numbers]
    report = Report(
        title=f"Search on {result.data}",
        datasets=(dataset_facts(runs),),
        models=tuple(model_facts(run, ()) for run in runs),
        answer=result.sentence,
        about=" ".join(result.notes),
        made_by=f"Picturewise {runs[0].record.picturewise}",
    )
    sections = [search_section(facts, album.get(HISTORY, IMPORTANCE, FRONTIER)), *model_sections(report)]
    files.write_text(result.report, render_report(report, [*sections, data_section(report)]))


def load_drawing() -> None:
    """Draw a figure that nobody sees, because the first one takes several times as long as the next."""
    trial = SearchedTrial(
        number=0, state="finished", options={}, accuracy=0.5, epochs=1, cpu_seconds=1.0, ended=1.0
    )
    to_both_papers(draw_search_history((trial,)))


def _is_default(trial: SearchedTrial) -> bool:
    return trial.number == 0


def _trial(trial: TrialResult) -> SearchedTrial:
    return SearchedTrial(
        number=trial.number,
        state=trial.state,
        options={_name(key): _word(value) for key, value in trial.values.items()},
        accuracy=trial.accuracy,
        epochs=trial.epochs,
        cpu_seconds=trial.cpu_seconds,
        ended=trial.ended,
    )


def _name(key: str) -> str:
    return NAMES.get(key, key)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    return "; ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _about(importance: Importance | None) -> str:
    if importance is None:
        return (
            f"The importance of the options is not known: that takes at least {FEWEST_FOR_IMPORTANCE} trials with "
            "different accuracies."
        )
    which = (
        f"the best validation accuracy of {importance.trials:,} finished trials"
        if importance.epochs is None
        else f"the best validation accuracy of the first {importance.epochs} epochs of {importance.trials:,} trials, "
        "because few are finished"
    )
    return (
        f"The importance of an option is its share in the variance of {which}, by functional ANOVA of a random forest. "
        "Options that only some networks have are left out."
    )
