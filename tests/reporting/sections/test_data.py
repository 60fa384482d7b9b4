from dataclasses import replace

from picturewise.reporting.report import render_report
from picturewise.reporting.sections import data_section


def test_one_data_set_needs_no_heading_of_its_own_and_several_do(report):
    whole = report({"cnn": 0.9})
    both = replace(whole, datasets=(*whole.datasets, replace(whole.datasets[0], name="birds")))
    assert "<h3>" not in render_report(whole, [data_section(whole)])
    page = render_report(both, [data_section(both)])
    assert page.index("<h3><bdi>pets</bdi></h3>") < page.index("<h3><bdi>birds</bdi></h3>")
