"""Who trains the trials: what is asked of processes, wherever they are, told by processes that only follow a script."""

from __future__ import annotations

import contextlib
import json
import queue
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from drawn_bars import drawn

import picturewise
from picturewise.cli import app
from picturewise.errors import RunError, UsageError
from picturewise.recipes.recipe import make_recipe
from picturewise.tuning import crew as crew_module
from picturewise.tuning.crew import Crew, crew_for
from picturewise.tuning.trial import Outcome, Work
from picturewise.tuning.workers import train_in_workers

READY, DONE = {"ready": True}, {"outcome": {"state": "finished"}}
EPOCH = {"epoch": 1, "accuracy": 0.5, "cpu_seconds": 1.0}


class Scripted:
    """A process that answers what it is sent with the next lines of a script; `None` in it is the end.

    Attributes:
        sent: what it was sent.
    """

    def __init__(self, *script: dict[str, Any] | None) -> None:
        self.sent: list[Any] = []
        self._script, self._lines = iter(script), queue.Queue[bytes]()
        self._speak()

    def read_line(self) -> bytes:
        return self._lines.get()

    def how_it_ended(self) -> str:
        return "node lost"

    def send(self, line: bytes) -> None:
        self.sent.append(json.loads(line))
        self._speak()

    def ask_to_stop(self, line: bytes) -> None:
        del line
        self.kill()

    def kill(self) -> None:
        self._lines.put(b"")

    def close(self) -> None:
        self._lines.put(b"")

    def _speak(self) -> None:
        said = next(self._script, {})
        if said is None:
            self._lines.put(b"")
        elif said:
            self._lines.put(json.dumps(said).encode() + b"\n")


def trained(
    processes: list[Scripted],
    count: int,
    keys: str,
    left: Callable[[], float | None] = lambda: None,
    until: float | None = None,
) -> list[tuple[str, str]]:
    """Let processes train runs, and return how each ended; those after `count` replace lost ones."""
    recipe = make_recipe({"data": {"source": "digits"}, "seed": 0})
    waiting = iter([Work(key, Path(key), recipe, until=until) for key in keys])
    coming = iter(processes)
    ended: list[tuple[str, str]] = []

    def end(work: Work, outcome: Outcome) -> None:
        ended.append((work.key, outcome.state))

    crew = Crew(count, lambda: next(coming))
    train_in_workers(lambda: next(waiting, None), lambda *_: True, end, crew, left=left)
    return ended


def keys_of(process: Scripted) -> list[str]:
    return [told["key"] for told in process.sent if isinstance(told, dict)]


def test_a_run_goes_to_a_process_that_has_started() -> None:
    slow, fast = Scripted({}), Scripted(READY, EPOCH, DONE, DONE)
    assert trained([slow, fast], 2, "ab") == [("a", "finished"), ("b", "finished")]
    assert keys_of(fast) == ["a", "b"]
    assert fast.sent[1] is True
    assert slow.sent == []


def test_a_run_whose_process_is_lost_goes_on_in_another_one_although_no_new_one_starts() -> None:
    lost, other, never = Scripted(READY, None), Scripted(READY, DONE, DONE), Scripted({})
    assert sorted(trained([lost, other, never], 2, "ab")) == [("a", "finished"), ("b", "finished")]
    assert len(keys_of(lost)) == 1
    assert sorted(keys_of(other)) == ["a", "b"]


def test_a_run_that_loses_its_process_again_and_again_has_failed() -> None:
    first, second, third = Scripted(READY, None), Scripted(READY, None), Scripted(READY, DONE)
    assert trained([first, second, third], 1, "ab") == [("a", "failed"), ("b", "finished")]


def test_an_epoch_in_between_is_progress() -> None:
    processes = [Scripted(READY, EPOCH, None) for _ in range(3)]
    last = Scripted(READY, DONE)
    assert trained([*processes, last], 1, "a") == [("a", "finished")]


def test_processes_that_do_not_start_are_tried_again_once() -> None:
    assert trained([Scripted(None), Scripted(READY, DONE)], 1, "a") == [("a", "finished")]
    with pytest.raises(RunError, match=r"could not be started \(node lost\)\. Use fewer workers"):
        trained([Scripted(None), Scripted(None)], 1, "a")


def test_processes_that_are_still_waiting_for_a_machine_do_not_delay_the_end() -> None:
    assert trained([Scripted({}), Scripted({})], 2, "a", left=lambda: 0.01) == [("a", "paused")]


def test_a_process_is_told_how_much_time_is_left_and_not_the_time_of_our_clock() -> None:
    process = Scripted(READY, DONE)
    trained([process], 1, "a", until=time.monotonic() + 60)
    assert 50 < process.sent[0]["left"] <= 60


class Ray:
    """A cluster of which only its size is known."""

    def __init__(self, **resources: float) -> None:
        self._resources = resources

    def cluster_resources(self) -> dict[str, float]:
        return self._resources


@pytest.mark.parametrize(
    ("resources", "workers", "device", "count", "gpus"),
    [
        ({"CPU": 6.0}, None, "auto", 6, 0),
        ({"CPU": 600.0}, None, "auto", 256, 0),
        ({"CPU": 600.0}, 3, "auto", 3, 0),
        ({"CPU": 16.0, "GPU": 2.0}, None, "auto", 2, 1),
        ({"CPU": 16.0, "GPU": 2.0}, 2, "cuda", 2, 1),
        ({"CPU": 16.0, "GPU": 2.0}, 3, "auto", 3, 0),
        ({"CPU": 16.0, "GPU": 2.0}, None, "cpu", 16, 0),
    ],
)
def test_a_cluster_has_a_worker_for_each_core_or_gpu(
    monkeypatch: pytest.MonkeyPatch,
    resources: dict[str, float],
    workers: int | None,
    device: str,
    count: int,
    gpus: int,
) -> None:
    started: list[tuple[Any, ...]] = []
    monkeypatch.setattr(crew_module, "connected", lambda _: contextlib.nullcontext(Ray(**resources)))
    monkeypatch.setattr(crew_module, "RayProcess", lambda *told: started.append(told[1:]))
    with crew_for(workers, "ray", in_memory=False, device=device) as crew:
        assert crew is not None
        assert crew.count == count
        crew.start()
    assert started == [("picturewise.tuning.worker", gpus)]


def test_a_cluster_that_is_too_small_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_module, "connected", lambda _: contextlib.nullcontext(Ray(CPU=2)))
    with (
        pytest.raises(UsageError, match="The Ray cluster has 2 cores, but 3 workers need one each"),
        crew_for(3, "ray", in_memory=False, device="auto"),
    ):
        pass


def test_pictures_in_memory_cannot_be_passed_to_a_cluster(tmp_path: Path) -> None:
    data = {"train": drawn(160, 0), "valid": drawn(80, 1)}
    with pytest.raises(UsageError, match="Pictures in memory cannot be passed to a Ray cluster"):
        picturewise.tune(data, trials=1, out=tmp_path / "s", on="ray")
    assert not (tmp_path / "s").exists()


def test_without_ray_a_sentence_says_what_to_install(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    arguments = ["tune", str(pictures), "--trials", "1", "--out", str(tmp_path / "s")]
    assert app.run([*arguments, "--on", "ray"]) == 2
    assert "--on needs Ray, which is not installed. Install it with:" in capsys.readouterr().err
    assert app.run([*arguments, "--on", "spark://head"]) == 2
    assert "--on is 'spark://head'. Expected ray" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


@pytest.mark.slow
def test_a_machine_that_does_not_share_the_folder_is_named(
    pictures: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def elsewhere(*told: Any, **named: Any) -> Iterator[Crew | None]:
        """Yield a crew that is told another folder, as if the machine did not have ours."""
        with crew_for(2, None, in_memory=False, device="cpu") as crew:
            del told, named
            assert crew is not None

            def start() -> Any:
                process = crew.start()
                send = process.send
                process.send = lambda line: send(line.replace(b"/trials/", b"/not-shared/"))  # type: ignore[method-assign]
                return process

            yield Crew(2, start)

    monkeypatch.setattr("picturewise.tuning.tune.crew_for", elsewhere)
    with pytest.raises(RunError, match=r"the folder does not exist on .*, which must share it"):
        picturewise.tune(
            pictures, trials=2, space=space, out=tmp_path / "s", model="mlp 8", epochs=1, progress=False
        )
