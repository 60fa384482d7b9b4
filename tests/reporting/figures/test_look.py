import threading

import matplotlib as mpl
import pytest

from picturewise.reporting.figures import look


def settings():
    # Merely reading "backend" would make matplotlib choose one.
    return {name: mpl.rcParams[name] for name in mpl.rcParams if name != "backend"}


def test_the_style_is_gone_afterwards():
    before = settings()
    with look.house_style():
        assert mpl.rcParams["text.parse_math"] is False
    assert settings() == before


def test_the_style_is_gone_after_an_error():
    before = settings()
    with pytest.raises(RuntimeError), look.house_style():
        raise RuntimeError
    assert settings() == before


def test_the_users_settings_do_not_reach_our_figures():
    with mpl.rc_context({"image.cmap": "hot", "axes.spines.left": False}), look.house_style():
        assert mpl.rcParams["image.cmap"] == "viridis"
        assert mpl.rcParams["axes.spines.left"] is True


def test_threads_draw_one_after_the_other():
    before = settings()
    entered = threading.Event()

    def draw():
        with look.house_style():
            entered.set()

    with look.house_style():
        other = threading.Thread(target=draw)
        other.start()
        assert not entered.wait(0.1)
    other.join(5)
    assert entered.is_set()
    assert settings() == before


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_has_enough_contrast_to_paper():
    # WCAG 2.2: 4.5 for text, 3 for large text.
    for colour, least in ((look.INK, 4.5), (look.MUTED, 4.5), (look.RIGHT, 4.5), (look.WRONG, 3)):
        assert 1.05 / (luminance(colour) + 0.05) >= least


def test_every_model_has_its_own_colour_and_shape():
    assert len(set(look.MODEL_COLOURS)) == len(set(look.MODEL_MARKERS)) == 6
