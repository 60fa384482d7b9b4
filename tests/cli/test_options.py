"""Options as people type them: those of training, and those that do not exist."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from picturewise.cli.app import run
from picturewise.runs.run import open_run


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trained(*arguments: str) -> dict[str, object]:
    """Return the training options of the recipe of a new run."""
    assert run(["train", "digits", "--limit", "100", "--layers", "flatten", "--epochs", "1", "--json",
                "--out", "run", *arguments]) == 0  # fmt: skip
    options: dict[str, object] = tomllib.loads(Path("run/recipe.toml").read_text())["training"]
    return options


def test_the_options_of_the_steps_set_the_keys_of_the_recipe() -> None:
    options = trained(
        *("--lr", "0.02", "--batch-size", "16", "--optimizer", "sgd", "--weight-decay", "1e-4"),
        *("--schedule", "cosine", "--patience", "3"),
    )
    named = ("learning_rate", "batch_size", "optimizer", "weight_decay", "schedule", "patience")
    assert [options[name] for name in named] == [0.02, 16, "sgd", 1e-4, "cosine", 3]
    again = [
        "extend",
        "run",
        "--layers",
        "dense 64 relu",
        "--learning-rate",
        "0.5",
        "--batch-size",
        "8",
        "--epochs",
        "1",
    ]
    assert run([*again, "--set", "training.batch_size=9", "--json", "--out", "again"]) == 0
    extended = tomllib.loads(Path("again/recipe.toml").read_text())["training"]
    assert (extended["learning_rate"], extended["batch_size"]) == (0.5, 9)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--lr", "fast"], "--lr is 'fast', but must be a valid number."),
        (["--learning-rate", "-1"], "--lr is -1, but must be greater than 0."),
        (["--batch-size", "1"], "--batch-size is 1, but must be greater than or equal to 2."),
        (
            ["--optimizer", "adm"],
            "--optimizer is 'adm', but must be 'sgd', 'rmsprop', 'adam', 'adamw' or 'muon'.",
        ),
        (["--weight-decay", "nan"], "--weight-decay is nan, but must be a finite number."),
        (["--schedule", "step"], "--schedule is 'step', but must be 'constant', 'cosine' or 'one-cycle'."),
        (["--patience", "0"], "--patience is 0, but must be greater than or equal to 1."),
    ],
)
@pytest.mark.parametrize("command", ["train", "extend"])
def test_a_value_that_does_not_fit_is_told_with_the_option(
    command: str, arguments: list[str], sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "digits", *arguments]) == 2
    assert capfd.readouterr().err == f"picturewise: {sentence}\n"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("--batch", "Did you mean '--batch-size'?"),
        ("--learning_rate", "Did you mean '--learning-rate'?"),
        ("--Learning-Rate", "Did you mean '--learning-rate'?"),
        ("--epoch", "Did you mean '--epochs'?"),
        ("--num-epochs", "Did you mean '--epochs'?"),
        ("--wd", "Did you mean '--weight-decay'?"),
        ("--optimiser", "Did you mean '--optimizer'?"),
        ("--early-stopping", "Did you mean '--patience'?"),
        ("--data-augmentation", "Did you mean '--augment'?"),
        ("--arch", "Did you mean '--model'?"),
        ("--momentum", "Set it with --set training.momentum=VALUE."),
        ("--label_smoothing", "Set it with --set training.label_smoothing=VALUE."),
        ("--dropout", "It is part of the network: write it as a layer line, as in --layers 'flatten; dropout 0.3'."),
        ("--xyzzy", ""),
    ],
)  # fmt: skip
def test_an_option_that_does_not_exist_is_answered_with_the_one_that_was_meant(
    typed: str, offered: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "digits", typed, "3"]) == 2
    assert capfd.readouterr().err.splitlines()[-1] == f"Error: No such option '{typed}'. {offered}".rstrip()


def test_a_command_without_recipe_is_not_told_of_recipe_keys(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", "digits", "--momentum", "0.9"]) == 2
    assert "training" not in capfd.readouterr().err


def test_plain_is_stored_as_the_options_that_it_means_and_may_be_overridden() -> None:
    options = trained("--plain", "--optimizer", "adam", "--lr", "0.001", "--augment", "shift 1")
    named = ("optimizer", "learning_rate", "schedule", "momentum", "weight_decay", "precision")
    assert [options[name] for name in named] == ["adam", 0.001, "constant", 0.9, 0.0, "float32"]
    assert tomllib.loads(Path("run/recipe.toml").read_text())["preparation"]["augmentation"] == ["shift 1"]


def test_a_softmax_at_the_end_is_left_out_with_a_note_that_is_shown_and_kept(
    capfd: pytest.CaptureFixture[str],
) -> None:
    layers = ["--layers", "flatten; dense 4 relu; Dense 10; Softmax"]
    assert run(["train", "digits", "--limit", "100", "--epochs", "1", "--out", "run", *layers]) == 0
    note = "the softmax is left out: it is part of the loss and of every prediction."
    assert note in " ".join(capfd.readouterr().err.split())
    assert note in open_run("run").notes[-1]
    assert open_run("run").recipe.model.layers == ("flatten", "dense 4 relu")
    assert run(["train", "digits", "--layers", "flatten; softmax; dense 4"]) == 2
    assert "a softmax can only follow the last dense layer" in capfd.readouterr().err
