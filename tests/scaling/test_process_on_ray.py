"""Processes that talk in lines, here and as actors of a cluster, which is a fake one where Ray is not installed."""

from __future__ import annotations

import concurrent.futures
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from picturewise.cores import CORES
from picturewise.errors import UsageError, WorkerLostError
from picturewise.scaling.line_process import LineProcess, LocalProcess
from picturewise.scaling.on_ray import connected
from picturewise.scaling.process_on_ray import RayProcess

PROGRAM = """
import os, sys
print(os.environ["{cores}"], os.environ["OMP_NUM_THREADS"], flush=True)
for line in sys.stdin:
    print("heard", line.strip(), flush=True)
    if line == "end\\n":
        sys.exit(7)
"""


class FakeRay:
    """Actors as objects of this process, each of whose calls runs in a thread."""

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}
        self.made: list[LocalProcess] = []
        self.killed: list[LocalProcess] = []
        self.is_there = True
        self._threads = concurrent.futures.ThreadPoolExecutor(8)

    def remote(self, **options: Any) -> Callable[[type], Any]:
        self.options = options
        return lambda actor: SimpleNamespace(remote=lambda *told: self._make(actor, told))

    def get(self, future: concurrent.futures.Future[Any]) -> Any:
        return future.result()

    def kill(self, actor: Any) -> None:
        self.killed.append(actor.itself)
        actor.itself.kill()

    def close(self) -> None:
        """End the actors that are left, as the end of a job does."""
        for actor in self.made:
            actor.kill()
            actor.close()

    def _make(self, actor: type[LocalProcess], told: tuple[Any, ...]) -> Any:
        if not self.is_there:
            raise ConnectionError("the head is gone\nmore about it")
        made = actor(*told)
        self.made.append(made)

        def method(name: str) -> Any:
            return SimpleNamespace(remote=lambda *told: self._threads.submit(getattr(made, name), *told))

        names = ("read_line", "how_it_ended", "send", "ask_to_stop")
        return SimpleNamespace(itself=made, **{name: method(name) for name in names})


@pytest.fixture
def cluster() -> Iterator[FakeRay]:
    ray = FakeRay()
    yield ray
    ray.close()


@pytest.fixture(params=["here", "ray"])
def process(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: FakeRay
) -> Iterator[LineProcess]:
    (tmp_path / "a_program.py").write_text(PROGRAM.replace("{cores}", CORES))
    monkeypatch.syspath_prepend(str(tmp_path))
    if request.param == "ray":
        yield RayProcess(cluster, "a_program", 0)
        return
    process = LocalProcess("a_program", 1)
    yield process
    process.kill()
    process.close()


def test_a_process_talks_in_lines_and_knows_its_cores(process: LineProcess) -> None:
    assert process.read_line() == b"1 1\n"
    process.send(b"word\n")
    assert process.read_line() == b"heard word\n"
    process.send(b"end\n")
    assert process.read_line() == b"heard end\n"
    assert process.read_line() == b""
    assert process.how_it_ended() == "exit code 7"
    process.send(b"too late\n")
    process.ask_to_stop(b"too late\n")
    process.close()


def test_a_process_is_asked_to_stop(process: LineProcess) -> None:
    process.read_line()
    process.ask_to_stop(b"\n")
    while process.read_line():
        pass
    assert process.how_it_ended() == "SIGTERM"
    process.close()


def test_a_process_on_a_cluster_has_a_core_and_gives_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: FakeRay
) -> None:
    (tmp_path / "a_program.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    process = RayProcess(cluster, "a_program", 1)
    assert (cluster.options["num_cpus"], cluster.options["num_gpus"], cluster.options["max_restarts"]) == (
        1,
        1,
        0,
    )
    assert process.read_line() == b""
    process.close()
    assert cluster.killed == cluster.made


def test_a_process_that_still_waits_for_a_machine_is_not_asked_but_ended(process: LineProcess) -> None:
    if isinstance(process, LocalProcess):
        pytest.skip("a process on this machine does not wait")
    process.ask_to_stop(b"\n")
    while process.read_line():
        pass
    assert process.how_it_ended() == "SIGKILL"


def test_a_lost_actor_is_the_end_of_its_process(cluster: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(future: concurrent.futures.Future[Any]) -> Any:
        future.result()
        raise RuntimeError("The actor died because its node has died.\nNode 17")

    monkeypatch.setattr(cluster, "get", lost)
    process = RayProcess(cluster, "this", 0)
    assert process.read_line() == b""
    assert process.how_it_ended() == "The actor died because its node has died"


def test_a_cluster_that_is_gone_is_named(cluster: FakeRay) -> None:
    cluster.is_there = False
    with pytest.raises(WorkerLostError, match=r"can no longer be reached \(the head is gone\)"):
        RayProcess(cluster, "this", 0)


@pytest.mark.parametrize("prefix", ["", "ray://"])
def test_a_cluster_that_does_not_answer_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: False))
    monkeypatch.setenv("RAY_ADDRESS", address)
    with (
        pytest.raises(UsageError, match=f"The Ray cluster at {prefix}{address} cannot be reached .*refused"),
        connected(f"{prefix}{address}" if prefix else "ray"),
    ):
        pass
