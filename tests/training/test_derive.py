from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from picturewise.architectures.named import named_lines
from picturewise.data.imageset import ImageSet
from picturewise.errors import LayerError, UsageError
from picturewise.recipes.recipe import Recipe, flat, make_recipe
from picturewise.training.derive import derive_recipe, derived_keys, usual_batch_size, usual_epochs
from picturewise.training.optimizers import USUAL


def recipe(**parts: Any) -> Recipe:
    return make_recipe({"data": {"source": "x"}}, parts)


def train(
    count: int = 100, shape: tuple[int, int, int] = (28, 28, 3), classes: tuple[str, ...] = ("cat", "dog")
) -> ImageSet:
    return ImageSet(np.zeros((count, *shape), np.uint8), np.zeros(count, np.int64), classes, "made by a test")


def test_nothing_is_left_to_derive_but_what_may_stay_open() -> None:
    found, notes = derive_recipe(recipe(), train())
    assert [key for key, value in flat(found).items() if value is None] == [
        "data.size", "data.resize", "data.background", "data.classes", "data.valid_half", "data.limit", "data.group_by",
        "data.label_from",
        "data.label_column", "data.file_column", "data.split_column", "data.value_range", "data.layout", "data.target",
        "model.head",
        "start.source", "start.sha256", "start.lines", "start.statistics", "training.steps",
        "training.clip_norm", "training.ema", "training.unfreeze_epoch", "training.backbone_rate",
        "training.freeze_statistics", "training.head_fit", "training.folds", "training.patience",
        "training.threads", "training.shards",
    ]  # fmt: skip
    assert notes == ()


def test_deriving_twice_changes_nothing() -> None:
    once, _ = derive_recipe(
        recipe(preparation={"augmentation": ["flip", "shift 1"]}), train(classes=("0", "1"))
    )
    assert derive_recipe(once, train(classes=("0", "1"))) == (once, ())


def test_what_the_user_chose_stays() -> None:
    chosen = {
        "epochs": 3, "batch_size": 7, "learning_rate": 0.5, "momentum": 0.0, "weight_decay": 0.0, "optimizer": "adamw",
    }  # fmt: skip
    found, _ = derive_recipe(recipe(training=chosen, preparation={"augmentation": []}), train())
    assert {key: getattr(found.training, key) for key in chosen} == chosen
    assert found.preparation.augmentation == ()


@pytest.mark.parametrize("optimizer", USUAL)
def test_rates_are_the_usual_ones_of_the_optimizer(optimizer: Any) -> None:
    options = derive_recipe(recipe(training={"optimizer": optimizer}), train())[0].training
    usual = USUAL[optimizer]
    assert options.learning_rate == usual.learning_rate
    assert (options.momentum, options.weight_decay) == (usual.momentum, usual.weight_decay)


def test_a_preset_becomes_its_lines_for_the_shape_after_preparation() -> None:
    for grey, shape in ((False, (28, 28, 3)), (True, (28, 28, 1))):
        found, _ = derive_recipe(recipe(model={"name": "cnn"}, preparation={"grey": grey}), train())
        assert found.model.layers == named_lines("cnn", shape)
        assert found.model.name == "cnn"


def test_how_a_preset_suits_itself_to_the_pictures_is_noted_once() -> None:
    found, notes = derive_recipe(recipe(model={"name": "vgg11"}), train())
    assert len(notes) == 1
    assert "for 28x28 its two dense layers of 4,096 are replaced" in notes[0]
    assert derive_recipe(found, train()) == (found, ())
    assert derive_recipe(recipe(model={"name": "vgg11"}), train(), module=True)[1] == ()


def test_layers_win_over_a_preset_and_are_written_in_their_shortest_form() -> None:
    lines = ["Flatten; dense  relu 8 # comment", "dropout 0.00001"]
    found, _ = derive_recipe(recipe(model={"name": "cnn", "layers": lines}), train())
    assert found.model.layers == ("flatten", "dense 8 relu", "dropout 0.00001")


def test_a_python_class_has_no_lines() -> None:
    found, _ = derive_recipe(recipe(), train(), module=True)
    assert found.model.layers is found.model.name is None


def test_a_recipe_without_any_network_is_refused() -> None:
    with pytest.raises(UsageError, match=r"does not name a network\. Add model\.name or model\.layers"):
        derive_recipe(recipe(model={"name": None}), train())


def test_lines_that_do_not_fit_the_pictures_are_refused() -> None:
    with pytest.raises(LayerError, match="Layer line 1, 'dense 3', does not fit its input 28x28x3: "):
        derive_recipe(recipe(model={"layers": ["dense 3"]}), train())
    with pytest.raises(LayerError, match="The output layer"):
        derive_recipe(recipe(model={"layers": []}), train())
    with pytest.raises(UsageError, match="Did you mean 'cnn'"):
        derive_recipe(recipe(model={"name": "ccn"}), train())


def test_flips_of_characters_are_left_out_with_a_note() -> None:
    found, notes = derive_recipe(
        recipe(preparation={"augmentation": ["flip", "shift 1"]}), train(classes=("0", "1"))
    )
    assert found.preparation.augmentation == ("shift 1",)
    assert len(notes) == 1
    assert notes[0].startswith("'flip' was left out")


def test_augmentation_that_cannot_be_read_or_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'flip'"):
        derive_recipe(recipe(preparation={"augmentation": ["flp"]}), train())
    with pytest.raises(UsageError, match="'crop 28' is too large for pictures of 28x28"):
        derive_recipe(recipe(preparation={"augmentation": ["crop 28"]}), train())


@pytest.mark.parametrize(
    ("preset", "side", "batch_size"),
    [("cnn", 28, 128), ("cnn", 224, 128), ("resnet18", 224, 128), ("resnet50", 224, 32), ("vgg16", 224, 16)],
)
def test_a_batch_of_a_large_network_still_fits_in_memory(preset: str, side: int, batch_size: int) -> None:
    pictures = np.broadcast_to(np.zeros((), np.uint8), (54_000, side, side, 3))
    many = ImageSet(pictures, np.zeros(54_000, np.int64), ("cat", "dog"), "made by a test")
    options = derive_recipe(recipe(model={"name": preset}), many)[0].training
    assert options.batch_size == batch_size


@given(st.integers(1, 200_000))
def test_there_are_about_as_many_steps_whatever_the_size(pictures: int) -> None:
    batch_size = usual_batch_size(pictures)
    epochs = usual_epochs(pictures, batch_size)
    assert batch_size in {16, 32, 64, 128}
    assert batch_size == 16 or pictures / batch_size >= 40
    assert 5 <= epochs <= 50
    steps = epochs * -(-pictures // batch_size)
    assert steps >= 1500 or epochs == 50
    assert steps < 1500 + -(-pictures // batch_size) or epochs == 5


@given(st.integers(1, 200_000), st.integers(1, 5_000))
def test_steps_that_are_asked_for_come_to_as_many_whole_epochs_as_are_nearest(
    pictures: int, steps: int
) -> None:
    batch_size = usual_batch_size(pictures, steps=steps)
    assert batch_size in {16, 32, 64, 128} or (batch_size == 256 and pictures > 128 * steps)
    in_epoch = -(-pictures // batch_size)
    epochs = usual_epochs(pictures, batch_size, steps)
    assert 1 <= epochs <= 50
    assert abs(epochs * in_epoch - steps) <= in_epoch / 2 or epochs in {1, 50}


def test_epochs_win_over_steps() -> None:
    assert derive_recipe(recipe(training={"steps": 3, "epochs": 7}), train())[0].training.epochs == 7
    assert derive_recipe(recipe(training={"steps": 3}), train())[0].training.epochs == 1


def test_the_keys_that_were_derived_are_those_that_were_left_out() -> None:
    given_recipe = recipe(training={"epochs": 3, "momentum": 0.5}, preparation={"augmentation": []})
    found, _ = derive_recipe(given_recipe, train())
    assert derived_keys(given_recipe, found) == (
        "model.layers", "training.batch_size", "training.optimizer", "training.learning_rate", "training.beta2",
        "training.weight_decay",
    )  # fmt: skip


def test_the_engine_decides_the_usual_optimizer_and_a_smaller_batch_where_it_keeps_more() -> None:
    layers = {"name": None, "layers": ["conv 64", "conv 64", "conv 64", "flatten"]}
    pictures = train(10_000, (96, 96, 3))
    sizes = {}
    for engine, optimizer in (("torch", "adamw"), ("numpy", "sgd")):
        found, _ = derive_recipe(recipe(training={"engine": engine}, model=layers), pictures)
        assert found.training.optimizer == optimizer
        sizes[engine] = found.training.batch_size
    assert sizes == {"torch": 128, "numpy": 64}


def test_what_the_engine_has_not_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"training\.optimizer is 'muon', but the NumPy engine supports only 'sgd'"
    ):
        derive_recipe(recipe(training={"engine": "numpy", "optimizer": "muon"}), train())
    with pytest.raises(LayerError, match="'groupnorm 3', is not supported by the NumPy engine"):
        derive_recipe(
            recipe(training={"engine": "numpy"}, model={"layers": ["groupnorm 3", "flatten"]}), train()
        )


@pytest.mark.parametrize(("few", "offered"), [(20, False), (19, True)])
def test_class_weights_are_offered_if_classes_differ_much_in_size(few: int, offered: bool) -> None:
    labels = np.repeat([0, 1], [100, few])
    pictures = ImageSet(np.zeros((100 + few, 8, 8, 1), np.uint8), labels, ("cat", "dog"), "made by a test")
    _, notes = derive_recipe(recipe(), pictures)
    assert any("class_weights=balanced" in note for note in notes) is offered
    assert not derive_recipe(recipe(training={"class_weights": "balanced"}), pictures)[1]


def test_a_softmax_at_the_end_is_left_out_of_the_recipe_with_a_note() -> None:
    effective, notes = derive_recipe(recipe(model={"layers": ["flatten; dense 2", "softmax"]}), train())
    assert effective.model.layers == ("flatten",)
    (note,) = notes
    assert note.startswith(
        "'dense 2; softmax' is the output layer, which is added anyway; the softmax is left out: "
    )
