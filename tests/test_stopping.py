from __future__ import annotations

import signal
import threading

import pytest

from picturewise import stopping


@pytest.fixture(autouse=True)
def _handlers_come_back():
    before = {number: signal.getsignal(number) for number in stopping.SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", stopping.SIGNALS)
def test_the_first_signal_raises_and_the_next_one_would_end_the_process(number: int) -> None:
    stopping.stop_tidily()
    with pytest.raises(stopping.Stopped) as caught:
        signal.raise_signal(number)
    assert stopping.signal_of(caught.value) == number
    assert signal.getsignal(number) is stopping._end


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stopping.stop_tidily()
    stopping.stop_at_once()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_pythons_own_interrupt_is_a_ctrl_c() -> None:
    assert stopping.signal_of(KeyboardInterrupt()) == signal.SIGINT
    assert stopping.shown(signal.SIGINT) == "Ctrl-C"


def test_sigterm_ends_at_once_only_within_the_block_and_in_the_first_thread() -> None:
    def handler(*_: object) -> None:
        raise AssertionError

    signal.signal(signal.SIGTERM, handler)
    with stopping.ending_at_sigterm():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is handler
    seen = []

    def in_a_thread() -> None:
        with stopping.ending_at_sigterm():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
    assert seen == [handler]


def test_an_ignored_sigterm_stays_ignored_within_the_block() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with stopping.ending_at_sigterm():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
