from __future__ import annotations

import logging
import threading
import warnings

import pytest

from picturewise.data.pictures.pillow_silence import quiet_pillow

WARNING_FROM_PILLOW = compile("import warnings; warnings.warn('bang')", "PIL/Image.py", "exec")


def warn_like_pillow() -> None:
    exec(WARNING_FROM_PILLOW, {"__name__": "PIL.Image"})


def test_pillows_warnings_are_silent_inside_and_back_outside() -> None:
    with quiet_pillow:
        warn_like_pillow()
    with pytest.warns(UserWarning, match="bang"):
        warn_like_pillow()


def test_warnings_of_others_are_not_silenced() -> None:
    with quiet_pillow, pytest.warns(UserWarning, match="mine"):
        warnings.warn("mine", stacklevel=1)


def test_threads_that_enter_and_leave_crosswise_restore_the_filters() -> None:
    before = list(warnings.filters)
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with quiet_pillow:
            inside.set()
            leave.wait()

    other = threading.Thread(target=stay)
    with quiet_pillow:
        other.start()
        inside.wait()
    try:
        warn_like_pillow()  # still silent: the other thread is inside
    finally:
        leave.set()
        other.join()
    assert list(warnings.filters) == before


def test_pillows_log_does_not_reach_the_terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with quiet_pillow:
        logging.getLogger("PIL.TiffImagePlugin").error("noise")
    assert capfd.readouterr().err == ""
    assert logging.getLogger("PIL").handlers == []
