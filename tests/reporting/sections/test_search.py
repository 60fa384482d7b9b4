import re

import numpy as np

from picturewise.evaluation.over_seeds import compare_over_seeds
from picturewise.reporting.report import render_report
from picturewise.reporting.search_facts import SearchedTrial, SearchFacts
from picturewise.reporting.sections.search import MOST_ROWS, search_section

HOSTILE = '"><script>alert(1)</script>'


def trial(number, accuracy, state="finished"):
    return SearchedTrial(number, state, {"Network": HOSTILE}, accuracy, 9, 12.0, 30.0)


def page(report, trials, comparison=None):
    facts = SearchFacts(tuple(trials), 1, 100, 90, 90.0, {}, "Importance is not known.", comparison)
    return render_report(report({"cnn": 0.9}), [search_section(facts, ())])


def words(text):
    return " ".join(re.sub("<[^>]*>", " ", text.split("<main>")[1].split("</main>")[0]).split())


def test_the_section_says_how_many_trials_there_were_and_that_scores_are_optimistic(report):
    text = words(
        page(report, [trial(0, 0.8), trial(1, 0.9), trial(2, 0.4, "pruned"), trial(3, None, "failed")])
    )
    assert "4 trials in 1 min 30 s: 2 finished, 1 stopped early, 1 failed." in text
    assert "The test split was not read." in text
    assert "Their accuracies are optimistic" in text


def test_options_are_escaped(report):
    text = page(report, [trial(0, 0.8), trial(1, 0.9)])
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_the_default_is_in_the_table_even_if_it_is_not_among_the_best(report):
    trials = [trial(0, 0.1), *(trial(number, 0.5 + number / 100) for number in range(1, 30))]
    text = page(report, trials)
    assert text.count('<th scope="row">') == MOST_ROWS + 1
    assert "0 (default)" in text
    assert "The most accurate finished trials of 30." in words(text)


def test_a_comparison_has_a_row_for_each_seed(report):
    a, b = np.ones((2, 10), bool), np.ones((2, 10), bool)
    b[:, :2] = False
    text = words(page(report, [trial(0, 0.8), trial(1, 0.9)], compare_over_seeds(a, b, seeds=(1, 2))))
    assert "1 100.00 % 80.00 % +20.00 2 100.00 % 80.00 % +20.00" in text
    assert "Mean, over the seeds 100.00 % 80.00 % +20.00 (+20.00 to +20.00)" in text
