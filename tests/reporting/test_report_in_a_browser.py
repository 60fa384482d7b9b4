import html
import json
import re
import shutil
import subprocess

import pytest

from picturewise.reporting.report import render_report

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
      scripts: page.scripts.length,
      poisoned: typeof window.poisoned + typeof frame.contentWindow.poisoned,
    }};
  }});
  document.getElementById("seen").textContent = JSON.stringify(seen);
}};
</script>"""


def look_at(page, folder, widths):
    frames = "".join(
        f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{html.escape(page)}"></iframe>'
        for width in widths
    )
    observer = folder / "observer.html"
    observer.write_text(OBSERVER.format(frames=frames), encoding="utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={folder / 'profile'}", "--window-size=1400,1000", "--dump-dom", observer.as_uri(),
    ]  # fmt: skip
    finished = subprocess.run(command, capture_output=True, timeout=60, check=True)
    return json.loads(re.search(r'<pre id="seen">(.*?)</pre>', finished.stdout.decode())[1])


@pytest.mark.campaign
def test_the_report_fits_a_phone_and_a_desk(report, strange_names, tmp_path, whole_campaign):
    if BROWSER is None:
        missing = pytest.fail if whole_campaign else pytest.skip
        missing("there is no Chromium to look at the report with")
    names = [*strange_names[:9], '"><script>parent.poisoned = window.poisoned = 1</script>']
    whole = report(dict(zip(names[-1::-1], (0.9, 0.8, None), strict=False)), names)
    phone, desk = look_at(render_report(whole), tmp_path, widths=(360, 1280))
    for seen in (phone, desk):
        assert seen["needed"] <= seen["width"]  # nothing stands out to the side
        assert seen["margin"] == "0px"  # the policy let our style through
        assert seen["decoded"] == seen["images"] == 5
        assert seen["scripts"] == 0
        assert seen["poisoned"] == "undefinedundefined"
    assert desk["widest"] == 960
    assert phone["height"] > desk["height"]
