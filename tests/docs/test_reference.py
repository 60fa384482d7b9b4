"""The tables of docs/reference say what the source says."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import fields
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def row(page: str, first: str) -> str:
    """Return the one row of a table that begins with this cell."""
    (found,) = re.findall(rf"^\| {re.escape(first)} \|.*$", text(page), re.MULTILINE)
    return found


def test_generated_tables_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    pages = generate.pages()
    assert [page.name for page in pages] == ["api.md", "command.md", "recipe.md"]
    old = [page.name for page, content in pages.items() if page.read_text(encoding="utf-8") != content]
    assert old == [], "run: python docs/generate.py"


def test_every_key_of_a_recipe_has_a_row_with_a_meaning() -> None:
    from picturewise.recipes.recipe import recipe_keys

    for key in recipe_keys():
        cells = row("reference/recipe.md", f"`{key}`").replace("\\|", "").strip("|").split(" | ")
        assert len(cells) == 4, key
        assert all(cell.strip() for cell in cells), key


def test_every_command_is_in_the_table_of_commands() -> None:
    from picturewise.cli.app import _COMMANDS

    rows = re.findall(r"^\| `picturewise ([\w-]+)", text("reference/command.md"), re.MULTILINE)
    assert set(rows) == set(_COMMANDS)


def test_every_exit_code_is_documented() -> None:
    from picturewise import errors

    codes = {one.exit_code for one in vars(errors).values() if hasattr(one, "exit_code")}
    page = text("reference/command.md").partition("## Exit codes")[2].partition("## JSON")[0]
    listed = {
        int(code)
        for cells in re.findall(r"^\| ([\d, ]+) \|", page, re.MULTILINE)
        for code in cells.split(",")
    }
    assert listed == codes | {0, 129, 130, 143}


@pytest.mark.parametrize(
    ("first", "model"),
    [
        ("`inspect`", "picturewise.tasks.inspect:Inspection"),
        ("`train --find-learning-rate`", "picturewise.tasks.find_rate:FoundRate"),
        ("`evaluate`", "picturewise.evaluation.evaluation:Evaluation"),
        ("`compare`", "picturewise.tasks.compare:RunComparison"),
        ("`predict-many`", "picturewise.tasks.predict_many:ManyPredicted"),
    ],
)
def test_every_key_of_the_json_is_documented(first: str, model: str) -> None:
    module, _, name = model.partition(":")
    keys = getattr(importlib.import_module(module), name).model_fields
    assert set(
        re.findall(r"`(\w+)`", row("reference/command.md", first).partition("|")[2].partition("|")[2])
    ) >= {*keys}


def test_every_column_of_the_history_and_every_key_of_a_classifier_is_documented() -> None:
    from picturewise.prediction.description import Description
    from picturewise.runs.history import Epoch

    history = row("reference/files.md", "`history.csv`")
    assert [field.name for field in fields(Epoch) if f"`{field.name}`" not in history] == []
    page = text("reference/files.md").partition("## A classifier")[2]
    assert [field.name for field in fields(Description) if f"`{field.name}`" not in page] == []


def test_every_kind_of_line_is_documented() -> None:
    from picturewise.preparing.augmentation_kinds import KINDS

    page = text("reference/augmentation.md")
    for kind in KINDS:
        assert re.search(rf"^\| `{kind}\b", page, re.MULTILINE), kind


def test_every_named_network_is_documented_with_its_parameters() -> None:
    from picturewise.architectures.lines import parse
    from picturewise.architectures.named import NETWORKS, named_lines
    from picturewise.architectures.summary import summarise

    for name in NETWORKS:
        (cells,) = re.findall(rf"^\| `{name}`.*$", text("reference/layers.md"), re.MULTILINE)
        count = summarise(parse(named_lines(name, (32, 32, 3))), (32, 32, 3), "dense 10").trainable
        assert cells.split("|")[3].strip() == f"{count:,}", name


def test_every_published_network_is_documented_with_its_parameters_and_its_size() -> None:
    from picturewise.architectures.lines import parse
    from picturewise.architectures.published import PUBLISHED, published_lines
    from picturewise.architectures.summary import summarise
    from picturewise.catalogue.entries import weights
    from picturewise.names import shown_bytes

    for name in PUBLISHED:
        cells, shape, found = row("how-to/pretrained.md", f"`{name}`"), PUBLISHED[name].shape, weights()[name]
        *_, output = (table := summarise(parse(published_lines(name, shape)), shape, "dense 1000")).rows
        assert [part.strip() for part in cells.split("|")[2:-1]] == [
            f"{found.parameters:,}",
            f"{table.trainable - output.count.total:,}",
            shown_bytes(found.package.bytes if found.package else found.bytes() or 0),
        ]
