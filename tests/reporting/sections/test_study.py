import re
from dataclasses import replace

import pytest

from picturewise.evaluation.evaluation import Interval
from picturewise.reporting.contents import Published
from picturewise.reporting.report import render_report
from picturewise.reporting.sections import study_section


@pytest.fixture
def study(report, study_row):
    """`study(cnn={…}, mlp={…})`: the section on these models, with these facts in their rows."""

    def make(**models):
        whole = report(dict.fromkeys(models, 0.9))
        return replace(whole, study=tuple(study_row(name, **facts) for name, facts in models.items()))

    return make


def words(report):
    """Return the text of the section alone, in one line."""
    page = render_report(replace(report, about=""), [study_section(report)])
    return " ".join(re.sub("<[^>]*>", " ", page.split("<main>")[1].split("</main>")[0]).split())


def test_a_report_that_is_not_about_a_study_has_no_such_section(report):
    assert study_section(report({"cnn": 0.9})) is None


def test_every_model_has_a_row_and_the_best_one_is_marked(study):
    whole = study(cnn={}, mlp={})
    assert "cnn 10 5 3.0 s 90.00 % (89.00–91.00) 0.2500 (0.2400–0.2600)" in words(whole)
    assert study_section(whole).facts["best"] == "cnn"
    page = render_report(whole, [study_section(whole)])
    assert re.findall(r'<tr class="best">\s*<th scope="row"><bdi>(\w+)', page) == ["cnn"]


def test_the_data_are_named_where_there_are_several_sets(study):
    whole = study(cnn={})
    assert "cnn pets 10" not in words(whole)
    assert "cnn pets 10" in words(replace(whole, datasets=2 * whole.datasets))


def test_several_seeds_and_published_figures_have_tables_of_their_own(study):
    plain = words(study(cnn={}))
    assert "Runs" not in plain
    assert "Published" not in plain
    text = words(
        study(
            cnn={"seeds": (0.9, 0.8), "mean": Interval(value=0.85, low=0.2, high=1.0)},
            mlp={
                "published": (Published(accuracy=0.75, epochs=9, note="by hand"),),
                "kept_epoch": 4,
                "steps": 1000,
            },
        )
    )
    assert "cnn 2 85.00 % (20.00–100.00) 90.00 %, 80.00 %" in text
    assert (
        "Published 9 – – – 75.00 % – by hand mlp 4 of 5 – 1,000 – 90.00 % (89.00–91.00) 0.2500 (0.2400–0.2600)"
        in text
    )
