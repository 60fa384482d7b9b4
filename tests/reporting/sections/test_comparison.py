from dataclasses import replace

from picturewise.reporting.sections import comparison_section


def test_tables_and_shared_figures_make_a_comparison(report):
    whole = report({"cnn": 0.9, "mlp": 0.8})
    section = comparison_section(whole)
    assert (section.title, section.listed) == ("Comparison", True)
    assert section.facts == {"tables": whole.comparisons, "best": "cnn"}
    assert section.figures == whole.figures


def test_figures_without_a_table_are_shown_but_not_listed(report):
    section = comparison_section(report({"cnn": 0.9}))
    assert (section.title, section.listed) == ("At a glance", False)


def test_without_tables_and_figures_there_is_no_section(report):
    assert comparison_section(replace(report({"cnn": 0.9}), figures=())) is None


def test_no_model_is_called_the_best_before_one_is_evaluated(report):
    assert comparison_section(report({"cnn": None})).facts["best"] is None
