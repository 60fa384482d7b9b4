import pytest

from picturewise.reporting.figures.cost_frontier import draw_cost_frontier
from picturewise.reporting.figures.option_importance import draw_option_importance
from picturewise.reporting.figures.search_history import draw_search_history
from picturewise.reporting.search_facts import SearchedTrial, SearchFacts


def trial(number, accuracy, *, state="finished", cpu=10.0, ended=None):
    return SearchedTrial(number, state, {}, accuracy, 9, cpu, 30.0 * (number + 1) if ended is None else ended)


TRIALS = (
    trial(0, 0.80, cpu=20.0),
    trial(1, 0.50, state="pruned", cpu=2.0),
    trial(2, 0.78, cpu=5.0),
    trial(3, None, state="failed"),
    trial(4, 0.85, cpu=30.0),
    trial(5, 0.82, cpu=40.0),
)


def facts(trials=TRIALS):
    return SearchFacts(trials, 4, 100, 90, 180.0, {}, "", None)


def test_the_frontier_has_the_trials_that_no_cheaper_one_equals():
    assert [one.number for one in facts().frontier] == [2, 0, 4]
    assert [one.number for one in facts().finished] == [4, 5, 0, 2]
    assert facts().count("pruned") == 1


def test_the_history_shows_every_trial_and_the_best_so_far():
    axes = draw_search_history(TRIALS).axes[0]
    stopped, finished, best, default = axes.lines
    assert (list(stopped.get_xdata()), list(stopped.get_ydata())) == ([1.0], [0.50])  # minutes
    assert list(finished.get_ydata()) == [0.80, 0.78, 0.85, 0.82]
    assert list(best.get_ydata()) == [0.80, 0.80, 0.85, 0.85, 0.85]
    assert list(default.get_ydata()) == [0.80, 0.80]
    assert axes.get_xlabel() == "minutes of the search"


def test_trials_far_below_do_not_flatten_the_others():
    lowest, highest = draw_search_history((*TRIALS, trial(6, 0.01, state="pruned"))).axes[0].get_ylim()
    assert 0.5 < lowest < 0.78
    assert highest > 0.85


def test_the_cost_is_logarithmic_and_the_frontier_numbered():
    axes = draw_cost_frontier(facts().finished, facts().frontier).axes[0]
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.texts] == ["2", "0", "4"]
    assert list(axes.lines[2].get_xdata()) == [20.0]  # the default


@pytest.mark.parametrize(
    "draw", [lambda one: draw_search_history([one]), lambda one: draw_cost_frontier([one], [one])]
)
def test_a_single_trial_can_be_drawn(draw):
    assert draw(trial(0, 1.0)).axes[0].get_ylim()[0] < 1.0


def test_importance_has_a_bar_for_each_option_from_the_largest():
    axes = draw_option_importance({"Width": 0.1, "Network": 0.7, "Batch size": 0.2}).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.1, 0.2, 0.7]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Width", "Batch size", "Network"]
    assert [text.get_text() for text in axes.texts] == ["10 %", "20 %", "70 %"]
