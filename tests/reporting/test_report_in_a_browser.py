import html
import json
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from picturewise.reporting.figures import draw_sample_sheet, to_both_papers
from picturewise.reporting.figures.dark import PAPER
from picturewise.reporting.report import render_report
from picturewise.reporting.run_report import comparison_sections

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# The page that looks at the report: in frames of a phone's and a desk's width, from whose documents it reads
# how wide they became. It may run a script, the report in the frames may not.
OBSERVER = """<!doctype html><body>{frames}<pre id="seen"></pre><script>
window.onload = () => {{
  const seen = [...document.querySelectorAll("iframe")].map((frame) => {{
    const page = frame.contentDocument;
    const images = [...page.images];
    return {{
      width: frame.clientWidth,
      needed: page.documentElement.scrollWidth,
      height: page.documentElement.scrollHeight,
      margin: frame.contentWindow.getComputedStyle(page.body).marginTop,
      images: images.length,
      decoded: images.filter((image) => image.naturalWidth > 0).length,
      widest: Math.max(...images.map((image) => image.clientWidth)),
      dark: images.filter((image) => image.currentSrc !== image.src).length,
      paper: frame.contentWindow.getComputedStyle(page.body).backgroundColor,
      clipped: [...page.querySelectorAll(".scroll")].filter((area) => area.scrollWidth > area.clientWidth)
        .map((area) => area.getAttribute("aria-label")),
      scripts: page.scripts.length,
      poisoned: typeof window.poisoned + typeof frame.contentWindow.poisoned,
    }};
  }});
  document.getElementById("seen").textContent = JSON.stringify(seen);
}};
</script>"""


def look_at(page, folder, widths, *, dark=False):
    frames = "".join(
        f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{html.escape(page)}"></iframe>'
        for width in widths
    )
    observer = folder / "observer.html"
    observer.write_text(OBSERVER.format(frames=frames), encoding="utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={folder / 'profile'}", "--window-size=1400,1000", "--dump-dom",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}", observer.as_uri(),
    ]  # fmt: skip
    finished = subprocess.run(command, capture_output=True, timeout=60, check=True)
    return json.loads(re.search(r'<pre id="seen">(.*?)</pre>', finished.stdout.decode())[1])


@pytest.fixture
def browser(whole_campaign):
    if BROWSER is None:
        missing = pytest.fail if whole_campaign else pytest.skip
        missing("there is no Chromium to look at the report with")


@pytest.mark.campaign
def test_a_report_on_a_dark_page_shows_its_dark_figures(browser, report, tmp_path):
    whole = report({"cnn": 0.9})
    light, dark = to_both_papers(draw_sample_sheet(np.zeros((6, 8, 8, 1), np.uint8), [""] * 6))
    both = replace(whole, figures=(replace(whole.figures[0], png=light, dark=dark),))
    (seen,) = look_at(render_report(both, comparison_sections(both)), tmp_path, widths=(1280,), dark=True)
    assert seen["decoded"] == seen["images"] == 3
    assert seen["dark"] == 1
    assert seen["paper"] == f"rgb{PAPER}"


@pytest.mark.campaign
def test_the_report_fits_a_phone_and_a_desk(browser, report, study_row, strange_names, tmp_path):
    names = [*strange_names[:9], '"><script>parent.poisoned = window.poisoned = 1</script>']
    whole = report(dict(zip(names[-1::-1], (0.9, 0.8, None), strict=False)), names)
    rows = [study_row(name, seeds=(0.9, 0.8)) for name in names[-1:-4:-1]]
    whole = replace(whole, study=tuple(rows))
    page = render_report(whole, comparison_sections(whole))
    small_phone, phone, desk = look_at(page, tmp_path, widths=(360, 390, 1280))
    for seen in (small_phone, phone, desk):
        assert seen["needed"] <= seen["width"]  # nothing stands out to the side
        assert seen["margin"] == "0px"  # the policy let our style through
        assert seen["decoded"] == seen["images"] == 5
        assert seen["scripts"] == 0
        assert seen["poisoned"] == "undefinedundefined"
        assert seen["dark"] == 0
    assert desk["clipped"] == []
    assert desk["widest"] == 960
    assert phone["height"] > desk["height"]
