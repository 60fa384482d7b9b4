"""The output layer of sequences: from the data or from the recipe, and what does not fit together."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError, PicturewiseError, UsageError
from picturewise.prediction.classifier import load_classifier
from picturewise.recipes.recipe import Recipe, make_recipe
from picturewise.targets import Ctc, OneClass, Places
from picturewise.targets.sequences import DIGITS, labels_of
from picturewise.training.heads import asked_head, labelled_for, with_head
from picturewise.training.make_learner import make_learner, summarise_learner
from picturewise.training.start import start


def pictures(texts: list[str], places: int, alphabet: tuple[str, ...] = DIGITS, **options: Any) -> ImageSet:
    images = np.random.default_rng(0).integers(0, 256, (len(texts), 6, 9, 1)).astype(np.uint8)
    labels = labels_of(texts, alphabet, places, "made by a test")
    return ImageSet(
        images, labels, alphabet, "made by a test", make_target=partial(Places, places=places), **options
    )


def classes() -> ImageSet:
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 9, 1)).astype(np.uint8)
    return ImageSet(images, np.arange(4) % 2, ("cat", "dog"), "made by a test")


def recipe(layers: str = "flatten", head: str | None = None, **training: Any) -> Recipe:
    return make_recipe(
        {
            "data": {"source": "made by a test"},
            "model": {"name": None, "layers": layers.split("; "), "head": head},
            "preparation": {"augmentation": []},
            "training": {"epochs": 1, "batch_size": 4, "device": "cpu", "precision": "float32", **training},
        }
    )


def settled(asked: Recipe, part: ImageSet) -> Recipe:
    return with_head(asked_head(asked), part)


NUMBERS = ["1", "07", "123", "9"]


def test_without_a_line_there_are_as_many_places_as_the_longest_label_has() -> None:
    found = settled(recipe(), pictures(NUMBERS, 3))
    assert (found.model.head, found.model.layers) == ("numbers 3", ("flatten",))
    letters = pictures(["ab", "c"], 2, ("a", "b", "c"))
    assert settled(recipe(), letters).model.head == "numbers 2 of 3"


@pytest.mark.parametrize("line", ["numbers 5", "numbers 5 of 10", "NUMBERS 5"])
@pytest.mark.parametrize("where", ["layers", "head"])
def test_a_named_layer_may_have_more_places(line: str, where: str) -> None:
    asked = recipe(f"flatten; {line}") if where == "layers" else recipe(head=line)
    part = pictures(NUMBERS, 3)
    found = settled(asked, part)
    assert (found.model.head, found.model.layers) == ("numbers 5", ("flatten",))
    fitted = labelled_for(found, part)
    assert fitted.target == Places(DIGITS, 5)
    assert [fitted.target.text(label) for label in fitted.required_labels] == NUMBERS


def test_a_learner_has_this_layer() -> None:
    data = Dataset("numbers", train=pictures(NUMBERS, 3), valid=pictures(["4", "31"], 3))
    learner, _ = make_learner(recipe("flatten; numbers 4"), data)
    assert learner.train.target == learner.valid.target == Places(DIGITS, 4)
    assert learner.network(np_zeros()).shape == (2, 46)
    assert learner.recipe.model.head == "numbers 4"
    summary = summarise_learner(recipe("flatten; numbers 4"), data)
    assert [row.line for row in summary.rows][-1] == "numbers 4"


def np_zeros() -> Any:
    import torch

    return torch.zeros(2, 1, 6, 9)


def test_a_number_of_validation_may_be_longer_than_the_network_reads() -> None:
    data = Dataset("numbers", train=pictures(NUMBERS, 3), valid=pictures(["12345", "31"], 3))
    learner, _ = make_learner(recipe(), data)
    assert learner.valid.required_labels.tolist() == [[4, 1, 2, 3], [2, 3, 1, -1]]


def test_classes_keep_their_output_layer() -> None:
    found = settled(recipe(), classes())
    assert (found.model.head, labelled_for(found, classes()).target) == (None, OneClass(("cat", "dog")))


@pytest.mark.parametrize(
    ("asked", "part", "kind", "said"),
    [
        (
            recipe("flatten; numbers 2"),
            pictures(NUMBERS, 3),
            DataError,
            (
                "made by a test: picture 2 (counted from 0) has the label '123', but the output layer 'numbers 2' "
                "reads at most 2 symbols. Use 'numbers 3'."
            ),
        ),
        (
            recipe(head="numbers 1"),
            pictures(NUMBERS, 3, names=["a.png", "b.png", "c.png", "d.png"]),
            DataError,
            (
                "made by a test: 'b.png' has the label '07', but the output layer 'numbers 1' reads at most 1 "
                "symbols. Use 'numbers 3'."
            ),
        ),
        (
            recipe("flatten; numbers 5"),
            classes(),
            UsageError,
            (
                "The output layer 'numbers 5' reads sequences of symbols, but the labels are classes. Use --target "
                "sequence if they are sequences, or remove this line."
            ),
        ),
        (
            recipe("flatten; numbers 3 of 36"),
            pictures(NUMBERS, 3),
            UsageError,
            "The output layer 'numbers 3 of 36' is for 36 symbols, but the labels have 10. Omit 'of' and the number.",
        ),
        (
            recipe(head="dense 35"),
            pictures(NUMBERS, 3),
            UsageError,
            "The output layer 'dense 35' does not read sequences of symbols. Use 'numbers 3' or 'ctc'.",
        ),
        (
            recipe("flatten; numbers 3", head="numbers 4"),
            pictures(NUMBERS, 3),
            UsageError,
            "The last layer line is 'numbers 3', but model.head is 'numbers 4'. Remove one of them.",
        ),
        (recipe(head="numbers 65"), pictures(NUMBERS, 3), UsageError, None),
        (recipe(head="numbers"), pictures(NUMBERS, 3), UsageError, None),
    ],
)
def test_what_does_not_fit_is_refused(
    asked: Recipe, part: ImageSet, kind: type[PicturewiseError], said: str | None
) -> None:
    with pytest.raises(kind) as caught:
        settled(asked, part)
    assert said is None or str(caught.value) == said


def test_the_line_in_the_middle_is_refused() -> None:
    data = Dataset("numbers", train=pictures(NUMBERS, 3), valid=pictures(NUMBERS, 3))
    with pytest.raises(UsageError, match=r"Layer line 2, 'numbers 3', .* It can only be the last line"):
        make_learner(recipe("flatten; numbers 3; dense 4"), data)


def test_a_recipe_without_lines_or_without_the_line_stays() -> None:
    plain = recipe()
    assert asked_head(plain) == plain
    named = make_recipe({"data": {"source": "x"}, "model": {"name": "cnn", "head": "numbers 5"}})
    assert asked_head(named) == named


@pytest.mark.parametrize(
    ("training", "augmentation", "said"),
    [
        (
            {"class_weights": "balanced"},
            [],
            "training.class_weights weighs classes, but the labels are sequences",
        ),
        (
            {},
            ["cutmix 1"],
            "'cutmix 1' pastes a part of another picture, which does not show a whole sequence",
        ),
    ],
)
def test_options_of_classes_are_refused(training: dict[str, Any], augmentation: list[str], said: str) -> None:
    data = Dataset("numbers", train=pictures(NUMBERS, 3), valid=pictures(NUMBERS, 3))
    asked = recipe(**training)
    preparation = asked.preparation.model_copy(update={"augmentation": tuple(augmentation)})
    with pytest.raises(UsageError, match=said):
        make_learner(asked.model_copy(update={"preparation": preparation}), data)


@pytest.mark.parametrize(
    ("name", "head", "columns", "last"),
    [("reader", "ctc", 3, "dropout 0.3"), ("cnn", "ctc 3", 9, "relu"), ("cnn", "ctc beam 4", 9, "relu")],
)
def test_a_named_network_keeps_enough_columns(name: str, head: str, columns: int, last: str) -> None:
    part = pictures(["1", "07"], 2) if name == "reader" else pictures(NUMBERS, 3)
    asked = make_recipe({"data": {"source": "made by a test"}, "model": {"name": name, "head": head}})
    if name == "reader":  # 9 pixels of width are too few for its pooling
        part = ImageSet(
            np.zeros((2, 16, 16, 1), np.uint8),
            part.labels,
            DIGITS,
            "made by a test",
            make_target=part.make_target,
        )
    found = settled(asked, part)
    beam = " beam 4" if "beam" in head else ""
    places = part.target.places
    assert found.model.head == f"ctc {places} {columns}{beam}" or columns == 3
    assert found.model.layers[-1] == last
    target = labelled_for(found, part).target
    assert isinstance(target, Ctc)
    assert target.columns >= 2 * places + 1 or name == "reader"


def test_ctc_reads_the_columns_of_typed_layers() -> None:
    found = settled(recipe("conv 4 3x3 relu; maxpool 2; ctc"), pictures(NUMBERS, 3))
    assert (found.model.head, found.model.layers) == ("ctc 3 4", ("conv 4 3x3 relu", "maxpool 2"))
    learner, _ = make_learner(
        recipe("conv 4 3x3 relu; maxpool 2; ctc"),
        Dataset("numbers", train=pictures(NUMBERS, 3), valid=pictures(["4"], 3)),
    )
    assert learner.train.target == Ctc(DIGITS, 3, 4)
    assert learner.network(np_zeros()).shape == (2, 44)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            recipe("conv 4; maxpool 2; maxpool 2; ctc"),
            "reads up to 3 symbols, but the last maps have only 2 columns",
        ),
        (recipe("flatten; ctc"), "ctc reads the columns of maps; remove 'flatten'"),
        (
            recipe("conv 4; ctc", label_smoothing=0.1),
            "label_smoothing is 0.1, but the loss of ctc has no labels to spread",
        ),
        (recipe("conv 4; ctc", engine="numpy"), "'numpy', which does not support 'ctc'"),
        (recipe("conv 4; ctc", class_weights="balanced"), "class_weights weighs classes"),
        (
            recipe("conv 4; ctc 2"),
            "has the label '123', but the output layer 'ctc 2' reads at most 2 symbols",
        ),
        (recipe("conv 4; ctc of 12"), "is for 12 symbols, but the labels have 10"),
    ],
)
def test_what_does_not_suit_ctc_is_refused(asked: Recipe, said: str) -> None:
    with pytest.raises(PicturewiseError, match=re.escape(said)):
        make_learner(asked, Dataset("n", train=pictures(NUMBERS, 3), valid=pictures(["4"], 3)))


@pytest.mark.parametrize("line", ["mixup 0.4", "cutmix 1"])
def test_labels_of_ctc_are_not_blended(line: str) -> None:
    asked = make_recipe(recipe("conv 4; ctc").model_dump(), {"preparation": {"augmentation": [line]}})
    with pytest.raises(UsageError, match=f"'{line}' .*Remove this line"):
        settled(asked, pictures(NUMBERS, 3))


def test_equal_symbols_need_columns_of_their_own() -> None:
    with pytest.raises(DataError, match="'111', needs 5 columns, but the last maps have 4"):
        make_learner(
            recipe("conv 4; maxpool 2; ctc"),
            Dataset("n", train=pictures(["12", "111"], 3), valid=pictures(["4"], 3)),
        )


SYMBOLS = "conv 4 3x3 nobias; maxpool 2; batchnorm; relu; conv 4 3x3; batchnorm; relu; maxpool 3; flatten; dense 6 relu"


@pytest.fixture(scope="module")
def symbols(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of single digits on pictures of 12x12."""
    random = np.random.default_rng(0)
    split = ImageSet(
        random.integers(0, 256, (40, 12, 12, 1)).astype(np.uint8),
        np.arange(40) % 10,
        DIGITS,
        "made by a test",
    )
    asked = recipe(SYMBOLS)
    trainer = start(
        asked, Dataset("symbols", train=split, valid=split), tmp_path_factory.mktemp("symbols") / "run"
    )
    trainer.fit()
    return trainer.run.path


def wide(texts: list[str]) -> ImageSet:
    images = np.random.default_rng(0).integers(0, 256, (len(texts), 12, 36, 1)).astype(np.uint8)
    labels = labels_of(texts, DIGITS, 3, "made by a test")
    return ImageSet(images, labels, DIGITS, "made by a test", make_target=partial(Places, places=3))


@pytest.mark.parametrize(
    ("head", "lines", "kept"),
    [
        # 18 columns are enough for three places; the second pooling would leave 6
        ("ctc", "conv 4 3x3 nobias; maxpool 2; batchnorm; relu; conv 4 3x3; batchnorm; relu", 7),
        ("numbers 3", SYMBOLS, 8),  # a dense layer does not fit pictures of another size, so it starts anew
    ],
)
def test_a_classifier_of_symbols_is_the_start_of_a_network_for_wider_pictures(
    symbols: Path, head: str, lines: str, kept: int
) -> None:
    split = wide(["1", "07", "123", "9"] * 5)
    found, _ = make_learner(recipe(f"pretrained {symbols}", head), Dataset("wide", train=split, valid=split))
    assert found.recipe.model.layers == tuple(lines.split("; "))
    assert found.recipe.start.lines == kept
    state, before = (
        found.network.state_dict(),
        load_classifier(symbols / "classifier.safetensors").network.state_dict(),
    )
    convolutions = [name for name, tensor in before.items() if tensor.ndim == 4]
    assert len(convolutions) == 2
    assert all(torch.equal(state[name], before[name]) for name in convolutions)
