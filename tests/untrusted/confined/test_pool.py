from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from picturewise.errors import PicturewiseError
from picturewise.untrusted.confined import pool
from picturewise.untrusted.confined.pool import work_through
from picturewise.untrusted.confined.pool_thread import Task

# What each item does to the child that meets it. A harmless one is answered with its first four bytes.
WORKS = r"""
import ctypes, mmap, os, re, signal, sys, tempfile, time
from pathlib import Path
from picturewise.errors import DataError

kept = []

def hoard(): kept.append(bytearray(1 << 33))
def leak():  # of addresses; the pages are never touched, which would take its time on a slow machine
    try: kept.append(mmap.mmap(-1, 60 << 20))
    except OSError: raise MemoryError from None
def crash(): ctypes.string_at(0)
def vanish(): os._exit(7)
def killed(): os.kill(os.getpid(), signal.SIGKILL)
def count(): re.match("(a+)+$", "a" * 60 + "b")
def wait(): time.sleep(600)
def nonsense():
    for number in range(3, 10):
        try: os.write(number, b"\xff" * 100)
        except OSError: pass
def chatter():
    print("noise", flush=True)
    os.write(1, b"noise")
def refuse(): raise DataError("not wanted \x1b[31m\n" + 10_000 * "!")
def surrogate(): raise DataError("\udcff")
def stumble(): raise KeyError("odd")
def write_file():
    with tempfile.TemporaryFile() as file: file.write(b"x")

def working(**request):
    def work(item, allow):
        if isinstance(item, Path): return item.read_bytes()[:4]
        word = item.decode()
        if word == "short": return b"x"
        if word == "long": return b"x" * 100_000
        if word in globals(): globals()[word]()
        return item[:4]
    return work

def telling(file):
    def work(item, allow):
        time.sleep(0.01)
        return b"%4d" % (os.getpid() % 10_000)
    return work

def surrounded(expected):
    import resource
    assert sys.flags.isolated
    assert not {"SECRET", "PYTHONSTARTUP", "HOME"} & set(os.environ)
    assert resource.getrlimit(resource.RLIMIT_CORE) == resource.getrlimit(resource.RLIMIT_FSIZE) == (0, 0)
    assert not {"torch", "pydantic", "numpy", "scipy"} & set(sys.modules), "heavy"
    return lambda item, allow: b"good"

def broken(): os._exit(3)
"""

Work = Callable[..., tuple[list[bytes], dict[int, str]]]

posix = pytest.mark.skipif(os.name == "nt", reason="Windows does not have such limits")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Send items through children that run one of the functions above; two children, whatever the machine."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "works_of_the_pool.py").write_text(WORKS)
    monkeypatch.syspath_prepend(tmp_path / "code")
    monkeypatch.setattr(pool, "available_cores", lambda: 2)

    def work(
        items: Sequence[Path | bytes],
        function: str = "working",
        patience: float = 60,
        memory: int = 400 << 20,
        tick: Callable[[int], None] = lambda _: None,
        kept: pool.KeptChildren | None = None,
        **request: Any,
    ) -> tuple[list[bytes], dict[int, str]]:
        starts, ends = (np.zeros((len(items), length), np.uint8) for length in (1, 3))
        task = Task(f"works_of_the_pool:{function}", request, memory, 0.3, lambda _: patience)
        reasons = work_through(task, items, [starts, ends], tick, kept=kept)
        return [row.tobytes() for row in np.hstack([starts, ends])], reasons

    return work


def numbered(count: int) -> list[Path | bytes]:
    return [b"%04d" % number for number in range(count)]


def test_thousands_of_items_are_answered_in_order(work: Work) -> None:
    items = numbered(3000)
    assert work(items) == (items, {})


def test_no_items_start_no_child(work: Work) -> None:
    assert work([], function="broken") == ([], {})


@pytest.mark.slow
@posix
@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (b"crash", "made the decoder crash (SIGSEGV); it is damaged or malicious"),
        (b"vanish", "made the decoder crash (exit code 7); it is damaged or malicious"),
        (b"killed", "made the decoder crash (SIGKILL); it is damaged or malicious"),
        (b"count", "takes longer to decode than its size allows; it is damaged or malicious"),
        (b"hoard", "needs more than the 400 MB of memory allowed for decoding a picture"),
        (b"nonsense", "made the decoder return invalid data; it is damaged or malicious"),
        (b"short", "made the decoder return invalid data; it is damaged or malicious"),
        (b"long", "made the decoder return invalid data; it is damaged or malicious"),
        (b"stumble", "damaged or truncated (KeyError: 'odd')"),
        (b"surrogate", r"\udcff"),
    ],
)
@pytest.mark.parametrize("place", [0, 20, 39])
def test_an_item_that_harms_its_child_takes_nothing_with_it(
    work: Work, item: bytes, reason: str, place: int
) -> None:
    items = numbered(40)
    items[place] = item
    answers, reasons = work(items)
    assert reasons == {place: reason}
    assert answers[:place] + answers[place + 1 :] == items[:place] + items[place + 1 :]


@pytest.mark.slow
def test_many_bad_items_are_all_told_apart(work: Work) -> None:
    items = numbered(400)
    for place in (0, 1, 15, 16, 17, 200, 201, 398, 399):
        items[place] = b"vanish"
    answers, reasons = work(items)
    assert list(reasons) == [0, 1, 15, 16, 17, 200, 201, 398, 399]
    assert [a for i, a in enumerate(answers) if i not in reasons] == [b for b in items if b != b"vanish"]


def test_a_child_that_waits_for_ever_is_ended_by_the_clock(work: Work) -> None:
    items = [b"good", b"wait", b"last"]
    answers, reasons = work(items, patience=0.2)
    assert reasons == {1: "takes longer to decode than its size allows; it is damaged or malicious"}
    assert answers[0::2] == [b"good", b"last"]


@posix
def test_what_earlier_items_left_behind_is_not_held_against_a_later_one(work: Work) -> None:
    items = [b"leak"] * 40
    assert work(items) == (items, {})


@posix
def test_a_child_can_write_no_file(work: Work) -> None:
    answers, reasons = work([b"write_file", b"good"])
    assert list(reasons) == [0]
    assert answers[1] == b"good"


def test_what_a_library_prints_is_never_an_answer(work: Work) -> None:
    assert work([b"chatter", b"good"]) == ([b"chat", b"good"], {})


def test_a_reason_is_printable_and_not_endless(work: Work) -> None:
    _, reasons = work([b"refuse"])
    assert reasons[0].startswith("not wanted \\x1b[31m\\n!!!")
    assert reasons[0].isprintable()
    assert len(reasons[0]) <= 600


@posix
def test_the_child_is_alone_and_light(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    assert work([b"x"], function="surrounded", expected=1) == ([b"good"], {})


@pytest.mark.parametrize("function", ["broken", "not_there"])
def test_a_child_that_cannot_start_is_not_the_fault_of_an_item(work: Work, function: str) -> None:
    with pytest.raises(PicturewiseError, match=r"cannot be started \(exit code \d\)"):
        work(numbered(1000), function=function)


def test_a_missing_interpreter_is_reported_in_one_sentence(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(PicturewiseError, match=r"cannot be started \(.*No such file"):
        work(numbered(40))


def test_large_contents_pass_without_anyone_waiting_for_the_other(work: Work) -> None:
    items = [bytes([65 + number]) * (3_000_000 if number % 3 else 4) for number in range(20)]
    assert work(items) == ([item[:4] for item in items], {})


def test_paths_of_any_kind_arrive(work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["plain", "line\nbreak", "caf\udce9", "花"] if os.name != "nt" else ["plain", "花"]
    for number, name in enumerate(names):
        Path(name).write_bytes(b"%04d" % number)
    expected = [b"%04d" % number for number in range(len(names))]
    assert work([tmp_path / name for name in names]) == (expected, {})
    assert work([Path(name) for name in names]) == (expected, {})
    _, reasons = work([Path("zero\0byte"), Path("half a pair \ud800"), Path("gone")])
    assert list(reasons) == [0, 1, 2]


@posix
def test_a_working_folder_that_no_longer_exists_matters_to_relative_paths_only(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"here")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    answers, reasons = work([tmp_path / "file", Path("file")])
    assert answers[0] == b"here"
    assert list(reasons) == [1]


def test_ticks_come_from_the_calling_thread_and_add_up(work: Work) -> None:
    ticks: list[tuple[int, int]] = []
    work(numbered(200), tick=lambda count: ticks.append((count, threading.get_ident())))
    assert sum(count for count, _ in ticks) == 200
    assert {thread for _, thread in ticks} == {threading.get_ident()}


@pytest.mark.slow
@pytest.mark.campaign
def test_many_threads_may_call_at_the_same_time(work: Work, whole_campaign: bool) -> None:
    count = 40 if whole_campaign else 6
    items = numbered(300)
    items[100] = b"vanish"
    found: list[dict[int, str]] = []
    threads = [threading.Thread(target=lambda: found.append(work(items)[1])) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [list(reasons) for reasons in found] == [[100]] * count


def test_an_error_while_ticking_ends_children_and_threads(work: Work) -> None:
    before, others = threading.active_count(), set(children_of(os.getpid()))

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(numbered(100_000), tick=interrupt)
    assert threading.active_count() == before
    assert set(children_of(os.getpid())) <= others


SCRIPT = """
import os, sys
import numpy as np
from picturewise.untrusted.confined import pool
from picturewise.untrusted.confined.pool import work_through
from picturewise.untrusted.confined.pool_thread import Task
pool.available_cores = lambda: 2
{before}
answers = np.zeros(({count}, 4), np.uint8)
task = Task("works_of_the_pool:{function}", {request}, 400 << 20, 0.3, lambda _: 60)
print(work_through(task, [b"%04d" % n for n in range({count})], [answers], lambda n: print("tick", flush=True)))
print(answers[-1].tobytes())
"""


def script(function: str = "working", count: int = 100, before: str = "", **request: Any) -> list[str]:
    return [
        sys.executable,
        "-c",
        SCRIPT.format(function=function, count=count, before=before, request=request),
    ]


@pytest.mark.parametrize(
    "before", ["", "os.close(0)", "os.close(0); os.close(2)", "sys.stdin = sys.stderr = None"]
)
def test_a_script_without_a_main_guard_can_use_it_whatever_it_closed(work: Work, before: str) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(script(before=before), capture_output=True, env=environment, check=True)
    assert done.stdout.splitlines()[-2:] == [b"{}", b"b'0099'"]
    assert done.stderr == b""


def children_of(process: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after[1]) == process and after[0] != "Z":
            found.append(int(entry.parent.name))
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_child_is_left_behind_however_its_parent_ends(work: Work, end: signal.Signals) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = script(function="telling", count=100_000, file="x")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"tick\n"
        wait_until(lambda: len(children_of(process.pid)) == 2)
        children = children_of(process.pid)
        if end == signal.SIGINT:  # as a terminal does: to all of them
            os.killpg(process.pid, end)
        else:
            process.send_signal(end)
        _, complaints = process.communicate(timeout=30)
        assert process.returncode == -end
    assert complaints.count(b"Traceback") == (end == signal.SIGINT)
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def test_kept_children_work_for_several_calls(work: Work) -> None:
    kept = pool.KeptChildren(1)
    first, _ = work(numbered(5), "telling", kept=kept, file="")
    again, _ = work(numbered(40), "telling", kept=kept, file="")
    assert len({*first, *again}) == 1  # the number of the process
    assert len(kept.spare) == 1
    child = kept.spare[0]
    kept.close()
    assert (child.poll() is None, kept.spare) == (False, [])


@pytest.mark.slow
@posix
def test_a_kept_child_that_crashes_is_replaced(work: Work) -> None:
    kept = pool.KeptChildren(1)
    assert work(numbered(3), kept=kept) == (numbered(3), {})
    dead = kept.spare[0].pid
    items = [b"0001", b"crash", b"0002"]
    answers, reasons = work(items, kept=kept)
    assert ([answers[0], answers[2]], list(reasons)) == ([b"0001", b"0002"], [1])
    assert kept.spare[0].pid != dead
    kept.spare[0].kill()  # as another program may
    kept.spare[0].wait()
    assert work(numbered(3), kept=kept) == (numbered(3), {})
    kept.close()
