from __future__ import annotations

from pathlib import Path

import pytest

from picturewise.errors import UsageError
from picturewise.tuning.space import (
    MODEL,
    RATE,
    Choices,
    Range,
    default_space,
    line_of,
    parse_space,
    read_space,
)


def test_the_packaged_space_has_the_options_that_matter() -> None:
    assert set(default_space().options) == {
        *("model.name", "scale.learning_rate", "scale.augmentation", "scale.width", "training.batch_size"),
        *("training.label_smoothing", "training.weight_decay"),
    }


def test_choices_and_ranges_are_read(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(
        "[model]\nname = ['default', 'mlp 32']\n[training]\npatience = { low = 2, high = 6, step = 2 }\n"
        "momentum = { low = 0, high = 0.9 }\n[preparation]\naugmentation = [[], ['shift 1']]\n"
    )
    assert dict(read_space(path).options) == {
        "model.name": Choices(("default", "mlp 32")),
        "training.patience": Range(2, 6, step=2, whole=True),
        "training.momentum": Range(0, 0.9),
        "preparation.augmentation": Choices(([], ["shift 1"])),
    }


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("size = 3", 1, "'size' is not in a table. Put options into tables such as [training]."),
        ("[training]\n\nbatchsize = [1]", 3, "Unknown recipe key 'training.batchsize'. Did you mean"),
        ("[training]\nbatch_size = [64, 'many']", 2, "training.batch_size is 'many', but must be a valid integer."),
        ("[training]\nlearning_rate = 0.1", 2, "training.learning_rate is 0.1. Expected a list of choices"),
        ("[training]\nlearning_rate = []", 2, "training.learning_rate does not have any choices."),
        ("[training]\nlearning_rate = [1, 1.0]", 2, "training.learning_rate has the choice 1.0 twice."),
        ("[training]\nlearning_rate = { low = 1, hi = 2 }", 2, "has the unknown key 'hi'."),
        ("[training]\nlearning_rate = { low = 1 }", 2, "high is missing. Expected a number."),
        ("[training]\nlearning_rate = { low = 'a', high = 2 }", 2, "low is 'a'. Expected a number."),
        ("[training]\nlearning_rate = { low = 2, high = 1 }", 2, "Expected low to be smaller than high."),
        ("[training]\nmomentum = { low = 0, high = 0.5, log = true }", 2, "it must be greater than 0."),
        ("[training]\nmomentum = { low = 0, high = 0.5, log = 3 }", 2, "log is 3. Expected true or false."),
        ("[training]\nmomentum = { low = 0, high = 0.5, step = 1 }", 2, "step is 1. Expected a number"),
        ("[training]\nmomentum = { low = 0, high = 2.0 }", 2, "training.momentum is 2.0, but must be less than 1."),
        ("[training]\noptimizer = { low = 1, high = 2 }", 2, "training.optimizer is 1, but must be 'sgd'"),
        ("# factors\n[scale]\nwidht = [1]", 3, "Unknown factor 'scale.widht'."),
        ("[scale]\nwidth = [0]", 2, "scale.width has the value 0. Expected a factor from 0.01 to 100."),
        ("[scale]\nwidth = [true]", 2, "scale.width has the value True. Expected a factor"),
        ("[data]\nsize = [[8, 8]]", 2, "data.size cannot be searched."),
        ("seed = [1]", 1, "'seed' is not in a table."),
        ("[scale]\nlearning_rate = [1]\n[training]\nlearning_rate = [0.1]", 2, "set the same option. Remove one"),
        ("[model]\nname = ['cnn']\nlayers = [['flatten']]", 2, "both name networks. Remove one of them."),
    ],
)  # fmt: skip
def test_an_error_names_the_line_and_the_key(text: str, line: int, sentence: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_space(text, "The search space s.toml")
    assert str(raised.value).startswith(f"The search space s.toml, line {line}: ")
    assert sentence in str(raised.value)


def test_an_empty_space_is_refused() -> None:
    with pytest.raises(UsageError, match="does not have any options"):
        parse_space("# nothing\n", "The search space s.toml")


def test_a_file_that_is_not_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("[training]\nbatch_size = [1 2]")
    with pytest.raises(UsageError, match=r"is not valid TOML: .*line 2"):
        read_space(tmp_path / "s.toml")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_space(tmp_path / "none.toml")


def test_options_that_the_user_has_fixed_are_left_out() -> None:
    assert MODEL not in default_space().without({MODEL}).options
    assert default_space().without({MODEL}).models == ("default",)


def test_a_value_is_found_among_choices_and_in_ranges() -> None:
    assert Choices((1, 2)).as_own(1.0) == 1
    assert Choices((["flip"], [])).as_own(("flip",)) == ["flip"]
    assert Choices((True, 2)).as_own(1) is None
    assert Range(1, 3, step=0.5).as_own(1.5) == 1.5
    assert Range(1, 3, step=0.5).as_own(1.6) is None
    assert Range(1, 3).as_own(4) is None


def test_a_line_is_found_in_other_ways_to_write_toml() -> None:
    assert line_of("training.momentum = [0.1]", "training.momentum") == 1
    assert line_of('[ "scale" ]\n"learning_rate" = [1]', RATE) == 2
    assert line_of("[training]\n", "training.momentum") is None


def test_trials_that_are_spread_try_every_choice_and_every_part_of_a_range() -> None:
    space = parse_space(
        """
        [model]
        name = ["default", "cnn", "small-cnn"]
        [scale]
        learning_rate = { low = 0.25, high = 4, log = true }
        augmentation = { low = 0, high = 2 }
        width = [0.5, 0.75, 1.0, 1.5]
        [training]
        batch_size = { low = 16, high = 64, step = 16 }
        epochs = { low = 1, high = 8 }
        """,
        "here",
    )
    rows = space.spread(8, seed=3)
    found = {key: [row[key] for row in rows] for key in space.options}
    assert {found["model.name"].count(name) for name in ("default", "cnn", "small-cnn")} == {2, 3}
    assert sorted(found["scale.width"]) == [0.5, 0.5, 0.75, 0.75, 1.0, 1.0, 1.5, 1.5]
    assert sorted(found["training.batch_size"]) == [16, 16, 32, 32, 48, 48, 64, 64]
    assert sorted(found["training.epochs"]) == list(range(1, 9))
    assert all(isinstance(value, int) for value in found["training.epochs"])
    for part, rate in enumerate(sorted(found["scale.learning_rate"])):
        assert 0.25 * 2 ** (part / 2) <= rate <= 0.25 * 2 ** ((part + 1) / 2)
    for part, factor in enumerate(sorted(found["scale.augmentation"])):
        assert part / 4 <= factor <= (part + 1) / 4
    for key, values in space.options.items():
        assert all(values.as_own(value) is not None for value in found[key])
    assert space.spread(8, seed=3) == rows
    assert space.spread(8, seed=4) != rows
