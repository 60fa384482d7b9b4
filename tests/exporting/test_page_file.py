from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import pages
import pytest

from picturewise.errors import UsageError
from picturewise.exporting.facts import facts_of
from picturewise.exporting.page import page_file as page_file_module
from picturewise.exporting.page.page_file import page_file
from picturewise.exporting.page.refresh import FILES, FOLDER, PACKAGE, VERSION
from picturewise.exporting.page.service_page import service_page
from picturewise.exporting.whole_model import whole_model

HOSTILE = (
    "{{ script }}",
    "</script><script>poisoned=1</script>",
    '"><img src=x onerror=poisoned=1>',
    "<!--<script>",
    "=1+1",
    "\u202erose",
)


@pytest.fixture(scope="module")
def page() -> str:
    return pages.page_of(pages.classifier()).decode()


def policy_of(page: str) -> dict[str, list[str]]:
    (content,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    return {name: values for name, *values in (part.split() for part in content.split(";"))}


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_allows_these_scripts_and_this_style_and_nothing_else(page: str) -> None:
    policy = policy_of(page)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert len(scripts) == 2
    assert sorted(policy.pop("script-src")) == sorted([*map(digest, scripts), "'wasm-unsafe-eval'"])
    assert policy.pop("style-src") == [digest(style)]
    assert policy == {
        "default-src": ["'none'"],
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }


def test_no_element_names_an_address_outside_the_page(page: str) -> None:
    assert re.findall(
        r"""\b(?:src|href|action|srcset|data)=["']?([^"'\s>]*)""", page.split("<script", 1)[0]
    ) == ["data:,"]
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert "://" not in markup
    assert "@import" not in page
    assert "sourceMappingURL" not in page
    assert "url(" not in re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0]


def test_hostile_names_stay_within_the_data() -> None:
    page = pages.page_of(pages.classifier(HOSTILE)).decode()
    assert len(re.findall(r"<script", page)) == 5
    assert page.count("<!--") == 0
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data)["classes"] == list(HOSTILE)
    assert not set("<>&") & set(data)


def test_the_model_and_the_runtime_are_inside_unchanged(page: str) -> None:
    one = pages.classifier()
    model, wasm = (
        gzip.decompress(base64.b64decode(re.findall(rf'id="{name}">([^<]*)</script>', page)[0]))
        for name in ("model", "wasm")
    )
    assert b"weights_sha256" in model
    assert one.weights_sha256.encode() in model
    assert wasm.startswith(b"\0asm")


def test_equal_classifiers_give_equal_pages(page: str) -> None:
    assert pages.page_of(pages.classifier()).decode() == page


def test_the_vendored_files_are_those_of_the_record() -> None:
    record = json.loads((FOLDER / "runtime.json").read_text(encoding="utf-8"))
    assert (record["package"], record["version"]) == (PACKAGE, VERSION)
    assert set(record["files"]) == set(FILES)
    for name, facts in record["files"].items():
        compressed = (FOLDER / f"{name}.gz").read_bytes()
        assert hashlib.sha256(compressed).hexdigest() == facts["gz_sha256"]
        content = gzip.decompress(compressed)
        assert (len(content), hashlib.sha256(content).hexdigest()) == (facts["bytes"], facts["sha256"])
    assert (FOLDER / "LICENSE.txt").read_text(encoding="utf-8").startswith("MIT License")
    licences = (Path(__file__).parents[2] / "THIRD-PARTY-LICENCES.md").read_text(encoding="utf-8")
    assert f"ONNX Runtime Web {VERSION}" in licences


def test_every_script_is_in_a_page(page: str) -> None:
    assets = Path(page_file_module.__file__).parent / "assets"
    both = page + service_page("", 1).decode()
    for script in assets.glob("*.js"):
        assert script.read_text(encoding="utf-8").strip() in both, script.name
    assert not re.search(r"\{\{ \w+ \}\}", both)


def test_a_model_that_is_too_large_for_a_page_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    one = pages.classifier()
    monkeypatch.setattr(page_file_module, "MOST_BYTES", 1000)
    with pytest.raises(
        UsageError, match=r"^The model has 0 MB, but a page can hold 0 MB\. Export it as ONNX instead\.$"
    ):
        page_file(one, facts_of(one, ""), "", whole_model(one.description, one.arrays, {}))
