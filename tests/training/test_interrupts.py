from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from picturewise.training.interrupts import StopRequest, stop_requests

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_nothing_else_happens(number: signal.Signals) -> None:
    with stop_requests() as request:
        assert request.signal_number is None
        signal.raise_signal(number)
        assert request.signal_number == number


def test_after_the_block_signals_act_as_before() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with stop_requests():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before
    with pytest.raises(KeyError), stop_requests():
        raise KeyError
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.parametrize("first", SIGNALS)
def test_a_second_ctrl_c_stops_at_once(first: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), stop_requests() as request:  # noqa: PT012 (the second one raises)
        signal.raise_signal(first)
        assert request.signal_number == first
        signal.raise_signal(signal.SIGINT)


def test_a_handler_of_the_callers_own_gets_the_second_signal() -> None:
    caught: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: caught.append(number))
    try:
        with stop_requests():
            signal.raise_signal(signal.SIGTERM)
            assert caught == []
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert caught == [signal.SIGTERM]


SCRIPT = """
import os, signal
from picturewise.training.interrupts import stop_requests
with stop_requests() as request:
    os.kill(os.getpid(), signal.SIGTERM)
    print("noted", request.signal_number, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    print("still here", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process at its first SIGTERM")
def test_a_second_sigterm_ends_the_process() -> None:
    found = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)  # noqa: PLW1510 (it must fail)
    assert (found.returncode, found.stdout) == (-signal.SIGTERM, f"noted {int(signal.SIGTERM)}\n")


def test_in_another_thread_nothing_is_changed() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    seen: list[object] = []

    def work() -> None:
        with stop_requests() as request:
            seen.extend([request, *(signal.getsignal(number) for number in SIGNALS)])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [StopRequest(None), *before]
