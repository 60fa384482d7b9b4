from __future__ import annotations

import io
from pathlib import Path
from types import ModuleType

from rich.console import Console

from picturewise.runs.run import open_run
from picturewise.training.progress import ProgressDisplay
from picturewise.training.trainer import Callback, Trainer


def shown(tiny: ModuleType, path: Path, *, terminal: bool = False, **options: object) -> str:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=200, highlight=False)
    tiny.start(path, callbacks=[ProgressDisplay(console)], **options).fit()
    return text.getvalue()


def test_without_a_terminal_there_is_one_plain_line_an_epoch(tmp_path: Path, tiny: ModuleType) -> None:
    opening, _, epochs = shown(tiny, tmp_path / "run", epochs=10).partition("run       ")
    head, *lines = epochs.splitlines()[2:]
    assert "data      tiny: train 33, valid 15" in opening
    assert len(lines) == 10
    assert head == "             train loss  accuracy  valid loss  accuracy  images/s"
    assert lines[0].startswith("epoch  1/10      ")
    assert lines[0].endswith("  best")
    assert lines[9].startswith("epoch 10/10      ")
    row = open_run(tmp_path / "run").history[-1]
    losses = row.train_loss, row.train_accuracy, row.valid_loss, row.valid_accuracy
    assert lines[9].split()[2:6] == [f"{value:.4f}" for value in losses]
    for line in lines:  # the numbers end where their headings do
        assert [line[:end][-1].isdigit() for end in (23, 33, 45, 55, 65)] == [True] * 5
        assert not any(line[end : end + 2].strip() for end in (23, 33, 45, 55, 65))


def test_on_a_terminal_a_line_moves_and_is_taken_away(tmp_path: Path, tiny: ModuleType) -> None:
    text = shown(tiny, tmp_path / "run", terminal=True)
    assert "train loss  accuracy" in text
    assert "epoch 1/2  " in text
    assert "epoch 2/2  " in text
    assert "\x1b[2K" in text  # a line is erased
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h")  # the cursor comes back


def test_the_line_is_taken_away_after_an_error_too(tmp_path: Path, tiny: ModuleType) -> None:
    class Fail(Callback):
        def on_batch(self, trainer: Trainer) -> None:
            raise KeyError

    text = io.StringIO()
    console = Console(file=text, force_terminal=True)
    trainer = tiny.start(tmp_path / "run", callbacks=[ProgressDisplay(console), Fail()])
    try:
        trainer.fit()
    except KeyError:
        assert text.getvalue().count("\x1b[?25l") == text.getvalue().count("\x1b[?25h") == 1
    else:
        raise AssertionError


def test_notes_and_the_place_come_first_when_a_run_goes_on_and_the_reason_last(
    tmp_path: Path, tiny: ModuleType
) -> None:
    class Stop(Callback):
        def on_epoch(self, trainer: Trainer, row: object) -> None:
            trainer.stop("Enough [bold] of it.")

    tiny.start(tmp_path / "run", callbacks=[Stop()], epochs=9).fit()
    text = io.StringIO()
    trainer = tiny.resume(tmp_path / "run", callbacks=[ProgressDisplay(Console(file=text, width=40)), Stop()])
    trainer.notes = ("A long note [red] that is not broken into lines of forty letters.",)
    trainer.fit()
    lines = text.getvalue().splitlines()
    assert lines[0] == "A long note [red] that is not broken into lines of forty letters."
    assert lines[1] == "Continuing from epoch 2, batch 0 of 4."
    assert lines[2].split()[:2] == ["train", "loss"]
    assert lines[3].startswith("epoch 2/9  ")
    assert lines[4] == "Enough [bold] of it."
    assert len(lines) == 5


def test_a_note_that_comes_under_way_is_shown_once_and_kept_with_the_run(
    tmp_path: Path, tiny: ModuleType
) -> None:
    class Note(Callback):
        def on_epoch(self, trainer: Trainer, row: object) -> None:
            trainer.note("The moon is full.")

    text = io.StringIO()
    console = Console(file=text, width=200, highlight=False)
    tiny.start(tmp_path / "run", callbacks=[Note(), ProgressDisplay(console)]).fit()
    begun = text.getvalue().splitlines()
    begun = begun[next(number for number, line in enumerate(begun) if line.startswith("epoch")) :]
    assert [line for line in begun if "epoch" not in line] == ["The moon is full."]
    assert open_run(tmp_path / "run").record.notes[-1] == "The moon is full."
