import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import jinja2
import pytest

from picturewise.errors import UsageError
from picturewise.reporting import report as report_file
from picturewise.reporting.report import render_report
from picturewise.reporting.run_report import comparison_sections
from picturewise.runs.section import Section

VOID = {"meta", "img", "br", "hr", "link", "input", "source"}


class Page(HTMLParser):
    """Reads a page, and fails where a tag is not closed in its turn."""

    def __init__(self, html):
        super().__init__()
        self.html = html
        self.open = []
        self.nested = []  # (tag, the attributes of each element around it)
        self.elements = []  # (tag, attributes, text) in the order of the start tags
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"an attribute stands twice in {tag}"
        self.handle_data(" ")  # cells and paragraphs are apart on the page too
        self.nested.append((tag, *(self.elements[index][1] for index in self.open)))
        self.elements.append([tag, dict(attrs), ""])
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_endtag(self, tag):
        assert self.elements[self.open.pop()][0] == tag
        self.handle_data(" ")

    def handle_data(self, data):
        for index in self.open:
            self.elements[index][2] += data

    def all(self, *tags):
        return [element for element in self.elements if element[0] in tags]

    def texts(self, *tags):
        return [" ".join(text.split()) for _, _, text in self.all(*tags)]

    @property
    def text(self):
        return " ".join(self.texts("body"))


def rendered(report):
    return render_report(report, comparison_sections(report))


@pytest.fixture
def page(report):
    return lambda *arguments: Page(rendered(report(*arguments)))


@pytest.fixture
def template(monkeypatch):
    """`template(name, text)`: a template of a section, found beside those of Picturewise during the test."""

    def add(name, text):
        environment = report_file._environment()
        added = jinja2.DictLoader({f"sections/{name}.html.jinja": text})
        monkeypatch.setattr(environment, "loader", jinja2.ChoiceLoader([environment.loader, added]))

    return add


@pytest.fixture
def hostile(page, strange_names):
    return page(dict(zip(strange_names, (0.9, 0.8, None), strict=False)), strange_names)


def test_names_are_shown_and_never_obeyed(hostile, strange_names):
    assert hostile.all("script") == []
    assert {attributes["src"][:22] for _, attributes, _ in hostile.all("img")} == {"data:image/png;base64,"}
    assert strange_names[1] in hostile.texts("bdi")
    assert strange_names[7] in hostile.texts("bdi")


def test_no_element_has_a_handler_or_a_style_of_its_own(hostile):
    names = {name for _, attributes, _ in hostile.elements for name in attributes}
    assert not {name for name in names if name.startswith("on") or name == "style"}


def test_nothing_is_loaded_from_anywhere(hostile):
    for tag, attributes, _ in hostile.elements:
        assert tag not in {"link", "iframe", "object", "embed", "form", "base", "script", "svg"}
        for name in ("href", "src", "action", "srcset", "data", "poster", "background"):
            assert re.match(r"#|data:image/png;", attributes.get(name) or "#")
    style = hostile.all("style")[0][2]
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_forbids_all_but_this_style_and_data_pictures(hostile):
    (policy,) = [
        attributes["content"]
        for _, attributes, _ in hostile.all("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    digest = base64.b64encode(hashlib.sha256(hostile.all("style")[0][2].encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_the_policy_comes_before_all_that_it_rules(hostile):
    tags = [tag for tag, _, _ in hostile.elements]
    policy = next(n for n, element in enumerate(hostile.elements) if "http-equiv" in element[1])
    assert policy < min(tags.index("style"), tags.index("title"), tags.index("img"))


def test_hidden_characters_are_visible_and_the_page_is_utf_8(hostile):
    assert r"\u202egpj.exe" in hostile.text
    assert r"broken\udcff" in hostile.text
    assert hostile.html.encode()


def test_headings_are_in_order(page):
    headings = [int(tag[1]) for tag, _, _ in page({"cnn": 0.9, "mlp": None}).all("h1", "h2", "h3", "h4")]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))


def test_every_figure_has_an_alternative_a_caption_and_its_size(page):
    whole = page({"cnn": 0.9})
    assert len(whole.all("figure")) == len(whole.all("figcaption")) == len(whole.all("img")) == 3
    for _, attributes, _ in whole.all("img"):
        assert attributes["alt"] == "Alt cat"
        assert attributes["width"] == "960"
        assert int(attributes["height"]) > 100


def test_every_table_has_a_caption_and_scopes(page):
    whole = page({"cnn": 0.9, "mlp": 0.8})
    assert len(whole.all("caption")) == len(whole.all("table"))
    assert all(attributes.get("scope") in {"row", "col"} for _, attributes, _ in whole.all("th"))


def test_every_table_and_figure_is_in_a_named_region_that_scrolls(page, study_row):
    whole = page({"cnn": 0.9, "mlp": 0.8})
    inside = {parent: [] for parent in ("table", "img")}
    for tag, *parents in whole.nested:
        if tag in inside:
            inside[tag].append(parents)
    assert len(inside["table"]) > 5
    assert len(inside["img"]) > 3
    for parents in (*inside["table"], *inside["img"]):
        regions = [attributes for attributes in parents if "scroll" in attributes.get("class", "").split()]
        assert len(regions) == 1
        assert regions[0]["role"] == "region"
        assert regions[0]["tabindex"] == "0"
        assert regions[0]["aria-label"].strip()


def test_one_number_of_parameters_is_told(page):
    whole = page({"cnn": 0.9, "mlp": 0.8})
    numbers = re.findall(r"[\w ]+arameters ([\d,]+)", whole.text)
    assert len(numbers) >= 3
    assert set(numbers) == {"50,498"}
    assert "cnn 50,498" in whole.texts("tr")[1]


def test_a_figure_follows_the_readers_choice_of_dark_pages_on_the_screen(report):
    whole = report({"cnn": 0.9})
    sheet = whole.figures[0].png
    page = Page(rendered(replace(whole, figures=(replace(whole.figures[0], dark=sheet + b"dark"),))))
    (source,) = [attributes for _, attributes, _ in page.all("source")]
    assert source["media"] == "screen and (prefers-color-scheme: dark)"
    assert base64.b64decode(source["srcset"].removeprefix("data:image/png;base64,")) == sheet + b"dark"
    regions = [
        attributes["class"] for _, attributes, _ in page.all("div") if "scroll" in attributes.get("class", "")
    ]
    assert regions.count("scroll paper") == 2  # the others, which have no dark side, lie on white paper
    assert len(page.all("img")) == 3


def test_no_line_ends_between_a_number_and_its_percent_sign(page):
    shown = page({"cnn": 0.9, "mlp": 0.8}).all("p", "li", "td", "span")
    assert [text for _, _, text in shown if re.search(r"\d\N{NO-BREAK SPACE}%", text)]
    assert not [text for _, _, text in shown if re.search(r"\d %", text)]


def test_no_class_is_called_hard_where_every_picture_is_recognised(report):
    whole = report({"cnn": 0.9})
    evaluation = whole.models[0].evaluation
    perfect = tuple(
        row.model_copy(update={"recall": row.recall.model_copy(update={"value": 1.0, "high": 1.0})})
        for row in evaluation.per_class
    )
    model = replace(whole.models[0], evaluation=evaluation.model_copy(update={"per_class": perfect}))
    assert "Hardest class" not in Page(rendered(replace(whole, models=(model,)))).text


def test_the_language_is_told_and_every_reference_has_its_target(page):
    whole = page({"cnn": 0.9, "mlp": 0.8})
    assert whole.all("html")[0][1]["lang"] == "en"
    names = [attributes["id"] for _, attributes, _ in whole.elements if "id" in attributes]
    assert len(set(names)) == len(names)
    for _, attributes, _ in whole.elements:
        for target in (attributes.get("href", "")[1:], attributes.get("aria-labelledby", "")):
            assert not target or target in names


def test_the_answer_comes_first(page):
    whole = page({"cnn": 0.9})
    assert whole.text.index("90.00 % of 200 test pictures") < 100
    assert whole.texts("h1") == ["pets: cnn"]


def test_every_score_stands_with_its_interval(page):
    text = page({"cnn": 0.9, "mlp": 0.8}).text
    assert len(re.findall(r"\d\.\d\d % \(\d", text)) > 10
    # Only the answer tells its interval in words.
    assert re.findall(r"\d+\.\d\d %(?! \(\d)", text) == ["90.00 %", "89.00 %", "91.00 %"]


def test_a_model_without_evaluation_says_how_to_get_one(page):
    whole = page({"cnn": None})
    assert "picturewise evaluate runs/cnn" in whole.texts("pre")
    assert "Not evaluated on the test split yet." in whole.text


def test_the_comparison_has_a_row_per_model(page):
    whole = page({"cnn": 0.9, "mlp": 0.8, "vgg": None})
    comparison = whole.texts("tr")[:4]
    assert comparison[1].startswith(
        "cnn 50,498 90.00 % (89.00–91.00) reference – 0.2500 (0.2400–0.2600) 1 min 23 s"
    )
    assert "−10.00 (−12.00 to −9.00) 0.040" in comparison[2]
    assert comparison[3].startswith("vgg 50,498 – – –")


def test_numbers_are_set_in_columns(page):
    whole = page({"cnn": 0.9})
    cells = [
        attributes.get("class") for _, attributes, text in whole.all("td") if re.fullmatch(r"[\d,.]+", text)
    ]
    assert cells
    assert set(cells) == {"n"}
    assert re.search(r"td\.n.*\{[^}]*text-align: right[^}]*tabular-nums", whole.all("style")[0][2])


def test_the_facts_of_data_and_training_are_there(page):
    whole = page({"cnn": 0.9})
    rows = whole.texts("tr")
    assert "train 2,000 " + "t" * 64 in rows
    assert "cat 1,000 100 100" in rows
    assert "Total 2,000 200 200" in rows
    assert "dog/broken.png The file ends early." in rows
    assert "conv 32 3x3 relu 28 × 28 × 32 320" in rows
    assert "Parameters 50,498" in rows
    assert "Frozen 64 of the parameters (not trained)" in whole.text
    assert "Statistics 96 values that are measured rather than trained" in whole.text
    assert "The validation split was held out from train." in whole.text
    assert "Best epoch (validation) 4" in whole.text
    assert "Optimizer adamw" in whole.text
    assert "Warm-up 3 epochs" in whole.text
    assert "processor a fast one" in whole.text
    assert "a" * 64 in whole.text


def test_the_most_frequent_errors_and_the_hardest_class_are_named(page):
    whole = page({"cnn": 0.9}, ("cat", "dog", "owl"))
    assert "cat dog 10 100" in whole.texts("tr")
    assert "Hardest class owl recall 50.00 % (49.00–51.00)" in whole.text


def test_the_recipe_is_kept_to_the_letter(page):
    (recipe,) = [text for _, _, text in page({"cnn": 0.9}).all("pre")]
    assert recipe == "seed = 0\n# </pre><script>alert(2)</script>\n"


def test_a_model_without_history_or_classes_counted_is_reported(report):
    whole = report({"cnn": 0.9})
    splits = tuple(replace(split, counts={}) for split in whole.datasets[0].splits)
    bare = replace(
        whole,
        models=(replace(whole.models[0], history=()),),
        datasets=(replace(whole.datasets[0], splits=splits, skipped=(), notes=()),),
        figures=(),
    )
    text = Page(rendered(bare)).text
    assert "Best epoch" not in text
    assert "Pictures of each class" not in text


def test_equal_reports_give_equal_pages(report):
    assert rendered(report({"cnn": 0.9})) == rendered(report({"cnn": 0.9}))


def test_a_figure_that_is_not_a_png_is_refused(report):
    whole = report({"cnn": 0.9})
    for wrong in ({"png": b"<svg/>"}, {"dark": b"<svg/>"}):
        with pytest.raises(UsageError, match="'Curves' is not a PNG"):
            rendered(replace(whole, figures=(replace(whole.figures[0], title="Curves", **wrong),)))


COLOURS = """\
{% from "macros.html.jinja" import facts, figures %}
<p>Mostly {{ section.facts.colour }}</p>
{{ facts(section.facts.shares) }}
{{ figures(section.figures) }}
"""


def test_a_new_kind_of_section_needs_its_template_and_its_facts_alone(report, template):
    template("colours", COLOURS)
    whole = report({"cnn": 0.9})
    colours = Section(
        title="Colours",
        anchor="colours",
        template="colours",
        facts={"colour": "green", "shares": {"green": "60 %"}},
        figures=(replace(whole.figures[0], title="Green things"),),
    )
    first, *others = comparison_sections(replace(whole, figures=()))[2:]
    page = Page(render_report(whole, [first, None, colours, *others]))
    assert page.texts("h2") == ["Result", "Model cnn", "Colours", "Data", "How to read the numbers"]
    assert page.texts("nav") == ["cnn Colours Data How to read the numbers"]
    assert [attributes["href"] for _, attributes, _ in page.all("a")] == [
        "#model-1", "#colours", "#data", "#reading",
    ]  # fmt: skip
    (section,) = [text for _, attributes, text in page.all("section") if attributes.get("id") == "colours"]
    assert " ".join(section.split()) == (
        "Colours Mostly green green 60 % Green things Caption dog Scroll sideways to see the whole figure."
    )
    assert page.texts("strong") == ["About cat", "Green things", "About cat"]


def test_names_in_a_new_kind_of_section_are_escaped(report, template, strange_names):
    template("colours", COLOURS)
    whole = report({"cnn": 0.9})
    for name in strange_names:
        shown = replace(whole.figures[0], title=name, caption=name, alt=name)
        facts = {"colour": name, "shares": {name: name}}
        for kind in ("", "Colour"):
            section = Section(name, "colours", "colours", facts, (shown,), kind)
            page = Page(render_report(whole, [section]))
            assert page.all("script") == []
            assert [attributes["src"][:15] for _, attributes, _ in page.all("img")] == ["data:image/png;"]
            seen = " ".join(name.replace("\u202e", r"\u202e").replace("\udcff", r"\udcff").split())
            assert page.texts("h2")[1] == f"{kind} {seen}".strip()
            assert f"Mostly {seen}" in page.texts("p")


def test_a_template_that_reads_a_fact_that_is_missing_is_refused(report, template):
    template("colours", COLOURS)
    with pytest.raises(jinja2.UndefinedError, match="colour"):
        render_report(report({"cnn": 0.9}), [Section("Colours", "colours", "colours", {})])


def test_a_section_that_is_not_listed_is_on_the_page_alone(report, template):
    template("colours", "<p>Green.</p>\n")
    section = Section("Colours", "colours", "colours", {}, listed=False)
    page = Page(render_report(report({"cnn": 0.9}), [section]))
    assert page.texts("h2") == ["Result", "Colours"]
    assert page.all("a") == []
