from __future__ import annotations

import re
from pathlib import Path

import pytest

from picturewise.architectures.lines import parse
from picturewise.architectures.summary import summarise
from picturewise.errors import UsageError
from picturewise.recipes.recipe import make_recipe
from picturewise.studies.study import AS_PUBLISHED, packaged, parse_study, read_study
from picturewise.tasks.default_network import SEQUENCES

WHOLE = """
title = "Two networks"
about = "Which is better?"
seeds = 2

[recipe.data]
source = "digits"

[recipe.training]
epochs = 3
optimizer = "sgd"

[[models]]
name = "small"
published = { accuracy = 0.9, note = "somebody" }
recipe.model.layers = ["flatten"]

[[models]]
name = "larger"
begins_with = "small"
recipe.model.layers = ["dense 8 relu"]

[[models]]
name = "alone"
alone = true
recipe.model.name = "mlp"
"""


def test_each_model_has_the_shared_recipe_and_its_own_over_it() -> None:
    study = parse_study(WHOLE, "a test")
    small, larger, alone = (study.recipe_of(model, 1, quick=False) for model in study.models)
    assert (small.model.layers, larger.model.layers) == (("flatten",), ("dense 8 relu",))
    assert {recipe.seed for recipe in (small, larger, alone)} == {1}
    assert {recipe.data.source for recipe in (small, larger, alone)} == {"digits"}
    assert (small.training.epochs, small.training.optimizer) == (3, "sgd")
    assert (alone.training.epochs, alone.training.optimizer) == (None, None)


def test_quick_takes_few_pictures_and_epochs() -> None:
    study = parse_study(WHOLE, "a test")
    recipe = study.recipe_of(study.model("small"), 0, quick=True)
    assert (recipe.data.limit, recipe.training.epochs) == (1000, 2)
    own = parse_study(WHOLE.replace("[[models]]", "[quick.training]\nepochs = 1\n[[models]]", 1), "a test")
    recipe = own.recipe_of(own.model("small"), 0, quick=True)
    assert (recipe.data.limit, recipe.training.epochs) == (None, 1)


def test_what_was_read_is_written_and_read_back() -> None:
    study = parse_study(WHOLE, "a test")
    assert parse_study(study.to_toml(), "another") == study


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seeds = 2", "seed = 2", "unknown key 'seed'.*Did you mean 'seeds'"),
        ("seeds = 2", "seeds = 0", "'seeds' is 0: input should be greater than or equal to 1"),
        ('title = "Two networks"', "", "'title' is missing"),
        (
            'begins_with = "small"',
            'begins_with = "alone"',
            "'larger' begins with 'alone', which is not an earlier model",
        ),
        ('name = "larger"', 'name = "small"', "two models have the name 'small'"),
        ('name = "larger"', 'name = "../up"', r"'models number 2.name' is '../up'"),
        (
            "note =",
            "remark =",
            "unknown key 'models number 1.published number 1.remark'. Choose from accuracy, loss",
        ),
        (
            'note = "somebody" }',
            'note = "somebody" }\nas_published.training.epoch = 3',
            "Model 'small' of the study: Unknown recipe key 'training.epoch'",
        ),
        (
            'name = "larger"',
            'name = "larger"\nas_published.training.keep = "last"',
            "model 'larger' has as_published, but nothing that was published",
        ),
        (
            'name = "alone"',
            'name = "alone-as-published"',
            "ends with '-as-published', which --as-published adds",
        ),
        ("epochs = 3", "epoch = 3", "Model 'small' of the study: Unknown recipe key 'training.epoch'"),
        ('name = "mlp"', "name = 3", "Model 'alone' of the study: model.name is 3"),
        (
            '"dense 8 relu"]',
            '"dense 8 relu"]\nrecipe.start.source = "x"',
            "'larger' of the study has both begins_with and start.source",
        ),
        ("title", "title title", "is not valid TOML"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(old: str, new: str, said: str) -> None:
    assert old in WHOLE
    with pytest.raises(UsageError, match=said):
        parse_study(WHOLE.replace(old, new, 1), "a test")


def test_an_unknown_name_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Unknown study 'mnist-dens'.*Did you mean 'mnist-dense'"):
        read_study("mnist-dens")
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_study(tmp_path / "mine.toml")
    (tmp_path / "mine.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(UsageError, match=r"is not encoded in UTF-8 \(line 1 contains the byte 0xff\)"):
        read_study(tmp_path / "mine.toml")


def test_a_file_is_named_after_itself(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(WHOLE)
    assert read_study(tmp_path / "mine.toml") == ("mine", parse_study(WHOLE, "a test"))


def test_the_packaged_studies_are_the_five_projects_and_whole_numbers() -> None:
    assert list(packaged()) == [
        "mnist-architectures", "mnist-cifar10-cnn", "mnist-dense", "svhn-grey-batchnorm", "svhn-mlp-vs-cnn",
        "svhn-whole-numbers",
    ]  # fmt: skip


def test_the_classifier_of_digits_is_that_of_the_course() -> None:
    numbers, course = packaged()["svhn-whole-numbers"], packaged()["svhn-mlp-vs-cnn"]
    digits = numbers.recipe_of(numbers.model("digits"), 0, quick=False)
    cnn = course.recipe_of(course.model("cnn"), 0, quick=False)
    assert (digits.model, digits.preparation, digits.training) == (cnn.model, cnn.preparation, cnn.training)


def test_the_best_model_of_whole_numbers_is_trained_as_by_default() -> None:
    study = packaged()["svhn-whole-numbers"]
    recipe = study.recipe_of(study.model("picturewise"), 0, quick=False)
    given = {"data": study.recipe["data"], "seed": 0}
    assert recipe == make_recipe(given, SEQUENCES)


def counts(study: str, shape: tuple[int, int, int]) -> dict[str, tuple[int, int]]:
    """Trainable and fixed parameters of the models of a packaged study that do not begin with another."""
    found = {}
    for model in packaged()[study].models:
        layers = packaged()[study].recipe_of(model, 0, quick=False).model.layers
        if model.begins_with is None and layers:
            summary = summarise(parse(layers), shape, "dense 10")
            found[model.name] = (summary.trainable, summary.fixed)
    return found


def test_the_dense_networks_have_the_published_numbers_of_parameters() -> None:
    dense = counts("mnist-dense", (28, 28, 1))
    assert dense["dense-512"] == (669_706, 0)
    assert dense["tanh"] == dense["sigmoid"] == (567_434, 0)
    for name, share in (("half", 2), ("quarter", 4), ("tenth", 10)):
        assert dense[name][0] == pytest.approx(669_706 / share, rel=0.011)


def test_the_network_with_batch_normalisation_has_the_published_numbers_of_parameters() -> None:
    grey = counts("svhn-grey-batchnorm", (32, 32, 1))
    plain = 4_198_400 + 4_195_328 + 262_400 + 16_448 + 1_040 + 170
    assert grey["plain"] == (plain, 0)
    normalisations = [4 * units for units in (4096, 1024, 256, 64, 16)]
    assert normalisations[:2] == [16_384, 4_096]
    assert sum(grey["batchnorm"]) == plain + sum(normalisations)


def test_the_convolutional_network_has_fewer_parameters_than_the_mlp() -> None:
    found = counts("svhn-mlp-vs-cnn", (32, 32, 1))
    assert found["cnn"][0] < found["mlp"][0] / 5


def test_as_published_overrides_the_recipe_of_a_model() -> None:
    text = WHOLE.replace('note = "somebody" }', 'note = "somebody" }\nas_published.training.keep = "last"')
    study = parse_study(text, "a test")
    own, theirs = (
        study.recipe_of(study.model("small"), 0, quick=False, as_published=published)
        for published in (False, True)
    )
    assert own.training.keep == "best"
    assert theirs == own.model_copy(update={"training": own.training.model_copy(update={"keep": "last"})})
    assert parse_study(study.to_toml(), "another") == study


def test_published_results_are_those_of_the_authors() -> None:
    grey, dense = packaged()["svhn-grey-batchnorm"], packaged()["mnist-dense"]
    first, last = grey.model("batchnorm").published
    assert (first.accuracy, first.epochs) == (0.17, 2)
    assert (last.accuracy, last.train_accuracy, last.epochs, last.steps) == (0.6434, 0.8652, 100, 4200)
    assert grey.model("batchnorm-steps").published == (first, last)
    for name, batch_size in (("dense-512", 256), ("tanh", 512)):
        (result,) = dense.model(name).published
        assert (result.epochs, result.steps) == (20, 20 * -(-60_000 // batch_size))
        recipe = dense.recipe_of(dense.model(name), 0, quick=False, as_published=True)
        assert (recipe.training.keep, recipe.training.epochs, recipe.training.batch_size) == (
            "last", 20, batch_size,
        )  # fmt: skip


def test_the_row_with_as_many_steps_has_the_published_number_of_them() -> None:
    study = packaged()["svhn-grey-batchnorm"]
    recipe = study.recipe_of(study.model("batchnorm-steps"), 0, quick=False)
    assert recipe.data.limit is not None
    assert recipe.training.epochs is not None
    assert recipe.training.batch_size is not None
    steps = recipe.training.epochs * -(-recipe.data.limit // recipe.training.batch_size)
    assert steps == study.model("batchnorm").published[1].steps
    assert recipe.model == study.recipe_of(study.model("batchnorm"), 0, quick=False).model


def test_every_row_that_the_page_on_the_course_projects_names_is_in_its_study() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/course-projects.md").read_text(encoding="utf-8")
    headings = {
        "SVHN: an MLP and a CNN": "svhn-mlp-vs-cnn",
        "SVHN in grey: batch normalisation": "svhn-grey-batchnorm",
        "MNIST: dense layers": "mnist-dense",
        "MNIST and CIFAR-10: a small CNN": "mnist-cifar10-cnn",
        "MNIST: four families of networks": "mnist-architectures",
    }
    for heading, name in headings.items():
        table = page.split(f"## {heading}\n")[1].split("\n## ")[0]
        cells = [line.split("|")[3].strip() for line in table.splitlines() if line.startswith("|")][2:]
        assert all(cells)
        named = {
            row.removesuffix(AS_PUBLISHED)
            for cell in cells
            for rows in re.findall(r"\brows? (.*?)(?:$|; )", cell)
            for row in re.findall("`([a-z][^` ]*)`", rows)
        }
        models = {model.name for model in packaged()[name].models}
        assert named <= models, name
        assert models - named <= {"picturewise", "mnist-picturewise", "cifar10-picturewise"}, name
