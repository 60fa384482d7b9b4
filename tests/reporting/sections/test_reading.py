import re

from picturewise.reporting.report import render_report
from picturewise.reporting.sections import reading_section


def test_the_scores_of_a_report_are_explained(report):
    content = report({"cnn": 0.9})
    page = render_report(content, [reading_section(content)])
    explained = re.findall("<dt>([^<]*)</dt><dd>[^<]", page.split("<main>")[1])
    assert {"Accuracy", "Loss", "Calibration error", "Precision", "Recall", "F1", "p value"} <= set(explained)
