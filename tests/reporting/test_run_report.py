from dataclasses import replace

from picturewise.reporting.run_report import comparison_sections


def anchors(report):
    return [section.anchor for section in comparison_sections(report) if section is not None]


def test_a_comparison_goes_from_the_answer_to_the_details(report):
    assert anchors(report({"cnn": 0.9, "mlp": 0.8})) == [
        "comparison", "model-1", "model-2", "data", "reading",
    ]  # fmt: skip


def test_a_study_begins_with_its_models(report, study_row):
    whole = replace(report({"cnn": 0.9, "mlp": 0.8}), study=(study_row("cnn"), study_row("mlp")))
    assert anchors(whole) == ["study", "comparison", "model-1", "model-2", "data", "reading"]
