from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import picturewise
from picturewise import logs
from picturewise.cli.app import run as command


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """Picturewise's logger, as it was afterwards."""
    found = logging.getLogger("picturewise")
    handlers, level, propagate, lines = found.handlers[:], found.level, found.propagate, logs._state["lines"]
    yield found
    found.handlers[:], found.propagate, logs._state["lines"] = handlers, propagate, lines
    found.setLevel(level)


def events(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_nothing_is_written_and_logging_is_not_even_loaded_unless_asked_for() -> None:
    code = "import sys; from picturewise.logs import log; log('a', level='ERROR'); print('logging' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (found.stdout, found.stderr) == ("False\n", "")
    code = "import logging; from picturewise.logs import log; log('a', level='ERROR')"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (found.stdout, found.stderr) == ("", "")


def test_a_program_that_listens_gets_events_with_values(
    tmp_path: Path, logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "picturewise"):
        run = picturewise.train("digits", model="mlp 8", epochs=2, out=tmp_path / "run", progress=False)
        picturewise.evaluate(run)
    said = [(record.name, record.message) for record in caplog.records]
    assert {name for name, _ in said} == {"picturewise"}
    expected = ["training began", "epoch", "epoch", "training ended", "evaluated"]
    assert [event for _, event in said if event != "imported"] == expected
    epoch = next(record for record in caplog.records if record.message == "epoch")
    assert epoch.values["valid_accuracy"] == run.history[0].valid_accuracy  # type: ignore[attr-defined]


def test_a_command_writes_one_object_a_line_and_nothing_else(
    tmp_path: Path, logger: logging.Logger, capfd: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "run")
    assert command(["train", "digits", "--model", "mlp 8", "--epochs", "1", "--out", out, "--log-json"]) == 0
    found = capfd.readouterr()
    assert "validation" in found.out or "run " in found.out
    said = events(found.err)
    assert [one["event"] for one in said if one["event"] not in {"imported", "said"}] == [
        "training began",
        "epoch",
        "training ended",
    ]
    assert said[-1]["status"] == "finished"
    assert all(str(one["time"]).endswith("Z") and one["level"] in {"info", "warning"} for one in said)


def test_an_error_is_an_event_too(
    tmp_path: Path, logger: logging.Logger, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command(["evaluate", str(tmp_path / "nothing"), "--log-json"]) == 3
    (said,) = events(capfd.readouterr().err)
    assert (said["event"], said["level"], said["error"], said["exit_code"]) == (
        "failed",
        "error",
        "RunError",
        3,
    )
    assert "nothing" in str(said["message"])


def test_hostile_values_stay_in_their_line(logger: logging.Logger, capfd: pytest.CaptureFixture[str]) -> None:
    logs.write_lines()
    logs.log("read", name="a\nb\x1b[2J\u202e", place=Path("x"))
    text = capfd.readouterr().err
    assert text.count("\n") == 1
    assert text.isascii()
    assert events(text)[0]["name"] == "a\nb\x1b[2J\u202e"
