from __future__ import annotations

import signal

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
