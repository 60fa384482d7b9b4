from __future__ import annotations

import pytest

from picturewise.errors import UsageError
from picturewise.recipes.presets import PRESETS, preset
from picturewise.recipes.recipe import Recipe, make_recipe
from picturewise.tasks.default_network import is_open
from picturewise.tasks.wanted_recipe import wanted

DATA = {"data": {"source": "digits"}}


def asked(**options: object) -> Recipe:
    nothing = dict.fromkeys(
        ("preset", "model", "layers", "network", "epochs", "seed", "group_by", "recipe"), None
    )
    recipe, _ = wanted("digits", **{**nothing, "keywords": {}, "settings": (), **options})  # type: ignore[arg-type]
    return recipe


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_part_of_a_recipe(name: str) -> None:
    assert make_recipe(preset(name), DATA) != make_recipe(DATA)


def test_an_unknown_preset_gets_the_nearest_one() -> None:
    with pytest.raises(
        UsageError, match=r"Unknown preset 'fsat'\. Choose from fast, best, plain\. Did you mean 'fast'\?"
    ):
        asked(preset="fsat")


def test_all_that_the_user_says_wins_over_a_preset() -> None:
    fast = asked(preset="fast")
    assert fast.model.name == "small-cnn"
    assert fast.training.optimizer == "muon"
    assert asked(preset="fast", model="mlp 8").model.name == "mlp 8"
    assert asked(preset="fast", layers="flatten").model.layers == ("flatten",)
    assert asked(preset="fast", epochs=3).training == fast.training.model_copy(update={"epochs": 3})
    assert asked(preset="fast", keywords={"training": {"optimizer": "sgd"}}).training.optimizer == "sgd"
    named = asked(preset="fast", settings=["training.optimizer=sgd", "model.name=mlp"])
    assert (named.training.optimizer, named.model.name) == ("sgd", "mlp")
    both = asked(keywords={"training": {"optimizer": "sgd"}}, settings=["training.optimizer=adam"])
    assert both.training.optimizer == "adam"
    begun = asked(
        model="cnn", keywords={"start": {"source": "runs/1"}}
    )  # a network named beside it does not end it
    assert begun.start.source == "runs/1"
    recipe = make_recipe(DATA, {"training": {"optimizer": "sgd"}})
    assert asked(preset="fast", recipe=recipe) == recipe.model_copy(
        update={"data": asked(recipe=recipe).data}
    )


def test_plain_turns_off_everything_but_gradient_descent() -> None:
    plain = asked(plain=True)
    assert plain == asked(preset="plain")
    options = plain.training
    assert (options.optimizer, options.schedule, options.precision) == ("sgd", "constant", "float32")
    assert (options.momentum, options.weight_decay, options.label_smoothing) == (0, 0, 0)
    off = (options.clip_norm, options.ema, options.patience, options.head_fit, options.unfreeze_epoch)
    assert off == (None,) * 5
    assert (options.class_weights, options.freeze) == ("none", "none")
    assert (plain.preparation.augmentation, plain.preparation.views) == ((), ())
    assert plain.model.name == "cnn"
    assert not is_open(plain)  # so photographs are trained from scratch


def test_what_the_user_says_wins_over_plain() -> None:
    assert asked(plain=True, layers="flatten").model.layers == ("flatten",)
    assert asked(plain=True, keywords={"training": {"schedule": "cosine"}}).training.schedule == "cosine"
    assert asked(plain=True, settings=["training.momentum=0.5"]).training.momentum == 0.5
    assert asked(plain=True, settings=["preparation.augmentation=['flip']"]).preparation.augmentation == (
        "flip",
    )
    with pytest.raises(
        UsageError, match=r"^Both plain and the preset 'fast' were passed\. Pass only one of them\.$"
    ):
        asked(plain=True, preset="fast")


@pytest.mark.parametrize("name", PRESETS)
def test_the_rate_and_momentum_of_a_preset_are_those_of_its_optimizer_alone(name: str) -> None:
    own = asked(preset=name).training
    same = asked(preset=name, settings={"training.optimizer": own.optimizer}).training
    assert same == own
    other = asked(preset=name, settings={"training.optimizer": "rmsprop"}).training
    assert (other.learning_rate, other.momentum, other.beta2) == (None, None, None)
    assert (other.label_smoothing, other.weight_decay) == (own.label_smoothing, own.weight_decay)
    typed = asked(preset=name, settings={"training.optimizer": "rmsprop", "training.momentum": 0.3}).training
    assert typed.momentum == 0.3
