"""Warm children answer single items as the pool does, and one that misbehaves is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from picturewise.errors import DataError, PicturewiseError
from picturewise.untrusted.confined import blame, warm_pool
from picturewise.untrusted.confined.pool_thread import Task
from picturewise.untrusted.confined.warm_pool import WarmPool

WORKS = r"""
import ctypes, os, time
from picturewise.errors import DataError

kept = []

def hoard(): kept.append(bytearray(1 << 33))
def crash(): ctypes.string_at(0)
def vanish(): os._exit(7)
def close():
    for number in range(1, 10):
        try: os.close(number)
        except OSError: pass
    time.sleep(600)
def count():
    while True: pass
def wait(): time.sleep(600)
def nap(): time.sleep(0.2)
def refuse(): raise DataError("not wanted \x1b[31m")
def nonsense():
    for number in range(3, 10):
        try: os.write(number, b"\xff" * 100)
        except OSError: pass

def working():
    def work(item, allow):
        word = item.decode()
        if word in globals(): globals()[word]()
        if word == "short": return b"x"
        return item[:2] * 50_000
    return work

def broken(): os._exit(3)
"""

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="serving is not supported on Windows"),
    pytest.mark.slow,
]
Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a function of a pool of two children, which is started before and closed afterwards."""
    (tmp_path / "works_of_the_warm_pool.py").write_text(WORKS)
    monkeypatch.syspath_prepend(tmp_path)

    def running(
        what: Callable[[WarmPool], Awaitable[Any]],
        *,
        patience: float | Callable[[Any], float] = 60.0,
        works: str = "working",
    ) -> Any:
        async def inside() -> Any:
            patient = patience if callable(patience) else lambda _: patience
            task = Task(f"works_of_the_warm_pool:{works}", {}, 1 << 28, 0.3, patient)
            pool = WarmPool(task, 2, 100_000)
            await pool.start()
            try:
                return await what(pool)
            finally:
                await pool.close()
                assert pool.ready == 0

        return asyncio.run(inside())

    return running


async def tried(pool: WarmPool, word: str, hold: float = 0.0) -> str:
    """Return the first bytes of the answer for an item, or the reason why it has none."""
    try:
        answer = await pool.answer(word.encode(), hold=hold)
    except DataError as error:
        return str(error)
    assert len(answer) == 100_000
    return answer[:2].decode()


def test_each_item_gets_its_answer(run: Run) -> None:
    words = [f"{number:02}" for number in range(100)]
    assert run(lambda pool: asyncio.gather(*(tried(pool, word) for word in words))) == words


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("crash", "made the decoder crash (SIGSEGV); it is damaged or malicious"),
        ("vanish", "made the decoder crash (exit code 7); it is damaged or malicious"),
        ("hoard", "needs more than the 256 MB of memory allowed for decoding a picture"),
        ("count", "takes longer to decode than its size allows; it is damaged or malicious"),
        ("short", "made the decoder return invalid data; it is damaged or malicious"),
        ("nonsense", "made the decoder return invalid data; it is damaged or malicious"),
        ("refuse", "not wanted \\x1b[31m"),
    ],
)
def test_an_item_that_ends_its_child_gets_the_reason_and_the_others_their_answers(
    run: Run, word: str, reason: str
) -> None:
    words = ["aa", word, "bb", word, "cc", "dd"]

    async def all_of_them(pool: WarmPool) -> list[str]:
        found = await asyncio.gather(*(tried(pool, one) for one in words))
        assert await tried(pool, "ee") == "ee"
        return list(found)

    assert run(all_of_them) == [reason if one == word else one for one in words]


def test_an_item_that_the_loop_waits_for_gets_its_answer_before_anything_else_runs(run: Run) -> None:
    async def alone(pool: WarmPool) -> list[str]:
        found = [await tried(pool, "aa")]
        other = asyncio.ensure_future(asyncio.sleep(0))
        found.append(await tried(pool, "bb", hold=60.0))
        assert not other.done()
        found.append(await tried(pool, "refuse", hold=60.0))
        assert not other.done()
        await other
        return [*found, await tried(pool, "crash", hold=0.5), await tried(pool, "cc", hold=60.0)]

    crashed = "made the decoder crash (SIGSEGV); it is damaged or malicious"
    assert run(alone, patience=20.0) == ["aa", "bb", "not wanted \\x1b[31m", crashed, "cc"]


def test_after_a_slow_item_the_loop_goes_on_until_one_is_quick_again(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = list[str]()
    hold = WarmPool._hold

    def noted(pool: WarmPool, asked: warm_pool._Asked, until: float) -> None:
        held.append(asked.item.decode())
        hold(pool, asked, until)

    monkeypatch.setattr(WarmPool, "_hold", noted)

    async def one_after_the_other(pool: WarmPool) -> list[str]:
        asked = [("aa", 60.0), ("nap", 0.01), ("bb", 60.0), ("cc", 60.0), ("dd", 0.0)]
        return [await tried(pool, word, hold) for word, hold in asked]

    assert run(one_after_the_other) == ["aa", "na", "bb", "cc", "dd"]
    assert held == ["aa", "nap", "cc"]


@pytest.mark.parametrize("word", ["wait", "close"])
def test_an_item_that_waits_forever_is_given_up(run: Run, word: str) -> None:
    async def both(pool: WarmPool) -> list[str]:
        return list(await asyncio.gather(tried(pool, word), tried(pool, "aa")))

    reason, other = run(both, patience=0.5)
    assert "damaged or malicious" in reason
    assert other == "aa"


def test_an_item_that_may_take_less_than_the_one_before_is_given_up_in_time(run: Run) -> None:
    async def one_after_the_other(pool: WarmPool) -> list[str]:
        return [await tried(pool, word) for word in ("aa", "bb", "wait", "cc")]

    found = run(one_after_the_other, patience=lambda item: 0.5 if item == b"wait" else 500.0)
    assert found == ["aa", "bb", blame.TOO_LONG, "cc"]


def test_a_clock_that_was_started_for_an_earlier_item_does_not_end_a_later_one(run: Run) -> None:
    async def rung(pool: WarmPool) -> str:
        before = pool.process_ids
        answer = asyncio.ensure_future(tried(pool, "nap"))
        await asyncio.sleep(0)
        for child in pool._children:
            child._ring()
        assert pool.process_ids == before
        return await answer

    assert run(rung) == "na"


def test_an_item_that_nobody_waits_for_frees_its_child(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_pool, "_TRIED_LONG", 0.0)

    async def given_up(pool: WarmPool) -> list[str]:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await asyncio.gather(tried(pool, "wait"), tried(pool, "wait"))
        return list(await asyncio.gather(tried(pool, "aa"), tried(pool, "bb")))

    assert run(given_up) == ["aa", "bb"]


def test_children_that_are_killed_are_replaced(run: Run) -> None:
    async def killed(pool: WarmPool) -> str:
        before = set(pool.process_ids)
        for process in before:
            os.kill(process, signal.SIGKILL)
        while before & set(pool.process_ids) or pool.ready < 2:
            await asyncio.sleep(0.01)
        return await tried(pool, "aa")

    assert run(killed) == "aa"


def test_a_signal_for_the_service_does_not_end_its_children(run: Run) -> None:
    async def signalled(pool: WarmPool) -> str:
        before = set(pool.process_ids)
        for process in before:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(process, number)
        found = await tried(pool, "aa")
        assert before == set(pool.process_ids)
        return found

    assert run(signalled) == "aa"


def test_children_that_cannot_start_are_an_error(run: Run) -> None:
    with pytest.raises(PicturewiseError, match=r"cannot be started \(exit code 3\)"):
        run(lambda pool: tried(pool, "aa"), works="broken")


def test_a_closed_pool_refuses(run: Run) -> None:
    async def closed(pool: WarmPool) -> str:
        waiting = asyncio.ensure_future(pool.answer(b"wait"))
        await asyncio.sleep(0.05)
        await pool.close()
        with pytest.raises(PicturewiseError):
            await pool.answer(b"aa")
        with pytest.raises(PicturewiseError):
            await waiting
        return "closed"

    assert run(closed) == "closed"
