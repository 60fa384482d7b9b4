from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from picturewise.errors import UsageError
from picturewise.recipes.recipe import (
    Recipe,
    flat,
    make_recipe,
    parse_setting,
    recipe_from_toml,
    recipe_keys,
)

BARE: dict[str, Any] = {"data": {"source": "digits"}}
POSITIVE = st.floats(0, exclude_min=True, allow_infinity=False)
SHARE = st.floats(0, 1, exclude_max=True)
FRACTION = st.floats(0, 1, exclude_min=True, exclude_max=True)
TEXT = st.text(st.characters(codec="utf-8"), min_size=1)
RECIPES = st.fixed_dictionaries(
    {"data": st.fixed_dictionaries({"source": TEXT}, optional={
        "size": st.lists(st.integers(1, 1024), min_size=2, max_size=2),
        "resize": st.sampled_from(["crop", "pad", "stretch"]),
        "skip_bad": st.booleans(),
        "valid_fraction": FRACTION,
        "test_fraction": FRACTION,
        "split_seed": st.integers(0, 2**62),
        "valid_half": st.sampled_from([None, "choosing", "reporting"]),
        "limit": st.none() | st.integers(1, 10**6),
        "group_by": st.none() | st.sampled_from([r"(patient\d+)_", "^.", '"']),
    })},
    optional={
        "seed": st.integers(0, 2**31 - 1),
        "model": st.fixed_dictionaries({}, optional={
            "name": st.none() | TEXT, "layers": st.none() | st.lists(TEXT),
            "initialisation": st.sampled_from(["he", "dirac"]),
        }),
        "preparation": st.fixed_dictionaries({}, optional={
            "grey": st.booleans(), "augmentation": st.none() | st.lists(TEXT), "views": st.lists(TEXT),
        }),
        "training": st.fixed_dictionaries({}, optional={
            "epochs": st.none() | st.integers(1, 100_000),
            "batch_size": st.none() | st.integers(2, 65_536),
            "engine": st.sampled_from(["torch", "numpy"]),
            "optimizer": st.none() | st.sampled_from(["sgd", "rmsprop", "adam", "adamw", "muon"]),
            "learning_rate": st.none() | POSITIVE,
            "schedule": st.sampled_from(["constant", "cosine", "one-cycle"]),
            "momentum": st.none() | SHARE,
            "beta2": st.none() | SHARE,
            "weight_decay": st.none() | st.floats(0, allow_infinity=False),
            "clip_norm": st.none() | POSITIVE,
            "ema": st.none() | SHARE,
            "label_smoothing": SHARE,
            "class_weights": st.sampled_from(["none", "balanced"]),
            "patience": st.none() | st.integers(1, 10**6),
            "keep": st.sampled_from(["best", "last"]),
            "checkpoint_minutes": POSITIVE,
            "device": st.sampled_from(["auto", "cpu", "cuda"]),
            "threads": st.none() | st.integers(1, 10**6),
            "distributed": st.sampled_from(["exact", "fast"]),
            "shards": st.none() | st.integers(0, 8).map(lambda exponent: 2**exponent),
            "precision": st.sampled_from(["auto", "float32", "bfloat16"]),
        }),
    },
)  # fmt: skip


@given(content=RECIPES)
def test_a_recipe_survives_being_written_and_read(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]
) -> None:
    recipe = make_recipe(content)
    path = tmp_path_factory.getbasetemp() / "recipe.toml"
    path.write_bytes(recipe.to_toml().encode())
    assert make_recipe(recipe_from_toml(path)) == recipe


def test_a_recipe_without_a_preset_does_not_come_back_with_the_default_one(tmp_path: Path) -> None:
    recipe = make_recipe(BARE, {"model": {"name": None, "layers": ["flatten"]}})
    written = tomllib.loads(recipe.to_toml())["model"]
    assert written == {"name": "", "layers": ["flatten"], "initialisation": "he"}
    assert recipe.model.name is None


def test_a_recipe_is_frozen_all_the_way_down() -> None:
    recipe = make_recipe(BARE)
    with pytest.raises(ValidationError, match="frozen"):
        recipe.seed = 1  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        recipe.training.epochs = 1  # type: ignore[misc]


def test_later_layers_win_key_by_key_and_change_none_of_the_earlier() -> None:
    first = {"seed": 1, "data": {"source": "digits"}, "training": {"epochs": 3, "momentum": 0.5}}
    second = {"training": {"epochs": 4}}
    third = {"training": {"optimizer": "sgd"}, "model": {"name": None, "layers": ["flatten"]}}
    recipe = make_recipe(first, second, third)
    assert (recipe.seed, recipe.data.source) == (1, "digits")
    assert (recipe.training.epochs, recipe.training.momentum, recipe.training.optimizer) == (4, 0.5, "sgd")
    assert (recipe.model.name, recipe.model.layers) == (None, ("flatten",))
    assert first["training"] == {"epochs": 3, "momentum": 0.5}
    assert second == {"training": {"epochs": 4}}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"training": {"epohcs": 3}}, "Unknown recipe key 'training.epohcs'. Did you mean 'training.epochs'?"),
        ({"trainng": {"epochs": 3}}, "Unknown recipe key 'trainng'. Did you mean 'training'?"),
        ({"epochs": 3}, "Unknown recipe key 'epochs'. Did you mean 'training.epochs'?"),
        ({"model": {"zzz": 3}}, "Unknown recipe key 'model.zzz'."),
        ({"training": 5}, "training is 5, but must be a table of keys."),
        ({"training": {"epochs": -1}}, "training.epochs is -1, but must be greater than or equal to 0."),
        ({"training": {"epochs": "many"}}, "training.epochs is 'many', but must be a valid integer."),
        ({"training": {"epochs": 2.5}}, "training.epochs is 2.5, but must be a valid integer, "),
        ({"training": {"batch_size": 1}}, "training.batch_size is 1, but must be greater than or equal to 2."),
        ({"training": {"learning_rate": 0}}, "training.learning_rate is 0, but must be greater than 0."),
        ({"training": {"learning_rate": float("inf")}}, "training.learning_rate is inf, but must be a finite number."),
        ({"training": {"momentum": 1}}, "training.momentum is 1, but must be less than 1."),
        ({"training": {"optimizer": "sdg"}},
         "training.optimizer is 'sdg', but must be 'sgd', 'rmsprop', 'adam', 'adamw' or 'muon'."),
        ({"training": {"schedule": None}},
         "training.schedule is None, but must be 'constant', 'cosine' or 'one-cycle'."),
        ({"model": "cnn"}, "model is 'cnn', but must be a table of keys."),
        ({"model": ["cnn"]}, "model is ['cnn'], but must be a table of keys."),
        ({"start": 3}, "start is 3, but must be a table of keys."),
        ({"data": {"size": 28}}, "data.size is 28, but must be a list in brackets."),
        ({"data": {"size": [28, 28, 1]}}, "data.size is [28, 28, 1], but must have at most 2 items"),
        ({"data": {"size": [28, 0]}}, "data.size.1 is 0, but must be greater than or equal to 1."),
        ({"data": {"group_by": "("}},
         "data.group_by is '(', but must be a valid regular expression (missing ), "),
        ({"data": {"classes": ["a", "a"]}}, "data.classes is ['a', 'a'], but must be class names without duplicates."),
        ({"start": {"head": "old"}}, "start.head is 'old', but must be 'new' or 'keep'."),
        ({"data": {"source": 3}}, "data.source is 3, but must be a valid string."),
        ({"model": {"layers": "flatten"}}, "model.layers is 'flatten', but must be a list in brackets."),
        ({"preparation": {"grey": "maybe"}}, "preparation.grey is 'maybe', but must be a valid boolean"),
        ({"seed": -1}, "seed is -1, but must be greater than or equal to 0."),
        ({"seed": 2**31}, "seed is 2147483648, but must be less than 2147483648."),
    ],
)  # fmt: skip
def test_every_error_is_one_sentence_that_names_the_key(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_recipe(BARE, change)
    message = str(caught.value)
    assert message.startswith(sentence)
    assert message.endswith((".", "?"))
    assert "\n" not in message


def test_what_is_missing_is_named_and_several_problems_are_counted() -> None:
    with pytest.raises(UsageError, match=r"^The recipe does not have the key 'data'\. Add it\.$"):
        make_recipe()
    assert make_recipe({"data": {}}).data.source is None  # pictures in memory
    with pytest.raises(UsageError, match=r"^seed is -1, but must be .* The recipe has 1 more error\.$"):
        make_recipe(BARE, {"seed": -1, "training": {"epochs": -1}})


EXAMPLES = {
    "seed": ("3", 3),
    "data.source": ("2024", "2024"),
    "data.size": ("[28, 20]", (28, 20)),
    "data.resize": ("pad", "pad"),
    "data.background": ("black", "black"),
    "data.skip_bad": ("true", True),
    "data.valid_fraction": ("0.25", 0.25),
    "data.test_fraction": ("0.5", 0.5),
    "data.split_seed": ("7", 7),
    "data.group_by": (r"(patient\d+)_", r"(patient\d+)_"),
    "data.valid_half": ("choosing", "choosing"),
    "data.limit": ("500", 500),
    "data.classes": ('["cat", "dog"]', ("cat", "dog")),
    "data.label_from": ("(cat|dog)[.]", "(cat|dog)[.]"),
    "data.label_column": ("label", "label"),
    "data.file_column": ("id", "id"),
    "data.split_column": ("Usage", "Usage"),
    "data.value_range": ("0..4095", "0..4095"),
    "data.layout": ("planar", "planar"),
    "data.target": ("sequence", "sequence"),
    "start.source": ("runs/old", "runs/old"),
    "start.sha256": ("0" * 64, "0" * 64),
    "start.lines": ("3", 3),
    "start.head": ("keep", "keep"),
    "start.statistics": ("data", "data"),
    "model.name": ("mlp 256 128", "mlp 256 128"),
    "model.layers": ('["flatten", "dense 10 relu"]', ("flatten", "dense 10 relu")),
    "model.head": ("numbers 5", "numbers 5"),
    "model.initialisation": ("dirac", "dirac"),
    "preparation.grey": ("true", True),
    "preparation.views": ('["mirror"]', ("mirror",)),
    "preparation.augmentation": ('["shift 2"]', ("shift 2",)),
    "training.epochs": ("12", 12),
    "training.steps": ("400", 400),
    "training.batch_size": (" 64 ", 64),
    "training.engine": ("numpy", "numpy"),
    "training.optimizer": ('"sgd"', "sgd"),
    "training.learning_rate": ("1e-3", 0.001),
    "training.schedule": ("one-cycle", "one-cycle"),
    "training.momentum": ("0.5", 0.5),
    "training.beta2": ("0.95", 0.95),
    "training.weight_decay": ("0", 0.0),
    "training.clip_norm": ("1", 1.0),
    "training.ema": ("0.999", 0.999),
    "training.freeze": ("backbone", "backbone"),
    "training.unfreeze_epoch": ("3", 3),
    "training.unfreeze_gradually": ("true", True),
    "training.backbone_rate": ("0.5", 0.5),
    "training.freeze_statistics": ("true", True),
    "training.head_fit": ("steps", "steps"),
    "training.label_smoothing": ("0.1", 0.1),
    "training.class_weights": ("balanced", "balanced"),
    "training.folds": ("5", 5),
    "training.patience": ("5", 5),
    "training.keep": ("last", "last"),
    "training.checkpoint_minutes": ("0.5", 0.5),
    "training.device": ("cpu", "cpu"),
    "training.threads": ("2", 2),
    "training.shards": ("8", 8),
    "training.distributed": ("fast", "fast"),
    "training.precision": ("bfloat16", "bfloat16"),
}


def leaves(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Every key of a model, found without the code under test."""
    found = set()
    for name, part in model.model_json_schema()["properties"].items():
        below = {"data", "model", "start", "preparation", "training"} if not prefix else set()
        if name in below:
            found |= leaves(model.model_fields[name].annotation, f"{name}.")  # type: ignore[arg-type]
        else:
            assert "$ref" not in part
            found.add(prefix + name)
    return found


def test_every_key_of_a_recipe_is_known_and_has_an_example_here() -> None:
    assert set(recipe_keys()) == set(EXAMPLES) == leaves(Recipe)
    assert len(recipe_keys()) == len(set(recipe_keys()))


@pytest.mark.parametrize("key", EXAMPLES)
def test_a_setting_reaches_its_key_from_text_and_from_python(key: str) -> None:
    text, value = EXAMPLES[key]
    assert flat(make_recipe(BARE, parse_setting(key, text)))[key] == value
    assert flat(make_recipe(BARE, parse_setting(f" {key} ", value)))[key] == value
    assert flat(make_recipe(BARE))[key] != value or key == "training.schedule"


@pytest.mark.parametrize(
    "text", ["2024", "true", "1e3", "2024-01-01", "[1]", "~/my pictures", "a#b", "", '"x']
)
def test_what_looks_like_another_value_stays_text_where_a_text_is_wanted(text: str) -> None:
    assert parse_setting("data.source", text) == {"data": {"source": text}}
    assert parse_setting("data.source", f"'{text}'") == {"data": {"source": text}} or "'" in text


@pytest.mark.parametrize("text", ["9" * 5000, "[" * 5000, "fast", "0x", "= 3", "2024-13-99"])
def test_text_that_is_not_a_value_is_refused_by_the_recipe_and_not_by_the_parser(text: str) -> None:
    with pytest.raises(UsageError, match=r"^training\.epochs is '"):
        make_recipe(BARE, parse_setting("training.epochs", text))


def test_an_unknown_setting_is_reported_with_the_nearest_key_or_with_all() -> None:
    with pytest.raises(
        UsageError, match=r"^Unknown recipe key 'training.epoch'\. Did you mean 'training.epochs'\?$"
    ):
        parse_setting("training.epoch", "3")
    with pytest.raises(
        UsageError, match=r"^Unknown recipe key 'xyzzy'\. Choose from seed, data\.source, .*\.$"
    ):
        parse_setting("xyzzy", "3")
    with pytest.raises(UsageError, match=r"Did you mean 'training\.learning_rate'\?$"):
        parse_setting("learning_rate", "3")
    with pytest.raises(UsageError, match=r"Unknown recipe key 'training'"):
        parse_setting("training", "3")


def test_a_file_that_is_missing_or_not_toml_is_reported_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"The recipe .*nothing\.toml cannot be read: No such file"):
        recipe_from_toml(tmp_path / "nothing.toml")
    for content in (b"epochs: 3", b"a = 1\na = 2"):
        (tmp_path / "bad.toml").write_bytes(content)
        with pytest.raises(UsageError, match=r"The recipe .*bad\.toml is not valid TOML: "):
            recipe_from_toml(tmp_path / "bad.toml")
