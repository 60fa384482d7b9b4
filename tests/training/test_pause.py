from __future__ import annotations

from pathlib import Path

import pytest

import picturewise
from picturewise.errors import Paused


class PauseAt(picturewise.Callback):
    """Pauses the run after a batch."""

    def __init__(self, batch: int) -> None:
        self.left = batch

    def on_batch(self, trainer: picturewise.Run) -> None:
        self.left -= 1
        if self.left == 0:
            trainer.pause("because it is late")


OPTIONS = {"model": "mlp 8", "epochs": 2, "limit": 300, "folds": 0, "batch_size": 32, "progress": False}


@pytest.mark.parametrize("batch", [1, 9, 13])
def test_a_paused_run_is_resumed_bit_for_bit(tmp_path: Path, batch: int) -> None:
    whole = picturewise.train("digits", out=tmp_path / "whole", **OPTIONS)
    with pytest.raises(
        Paused, match=r"^Paused in epoch \d, batch \d+ of \d+, after saving a checkpoint, because it is"
    ):
        picturewise.train("digits", out=tmp_path / "run", callbacks=[PauseAt(batch)], **OPTIONS)
    run = picturewise.open_run(tmp_path / "run")
    assert run.record.status == "interrupted"
    assert picturewise.resume(run).record.final_weights_sha256 == whole.record.final_weights_sha256
