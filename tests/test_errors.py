from __future__ import annotations

import re
import signal

import pytest

from picturewise import errors
from picturewise.errors import Interrupted, LayerError, PicturewiseError, RunError, nearest, unknown


def tree(root: type[PicturewiseError]) -> set[type[PicturewiseError]]:
    return {root}.union(*(tree(child) for child in root.__subclasses__()))


def test_the_tree_at_the_head_of_the_file_names_every_error_with_its_exit_code() -> None:
    assert errors.__doc__ is not None
    drawn = dict(re.findall(r"([A-Z]\w+)\s+(?:exit code )?(\d+)", errors.__doc__))
    own = {error for error in tree(PicturewiseError) if error.__module__.startswith("picturewise.")}
    assert all(error.__module__ == "picturewise.errors" for error in own)
    assert drawn.keys() == {error.__name__ for error in own}
    for error in own - {Interrupted}:
        assert error.exit_code == int(drawn[error.__name__])


def test_an_error_can_be_caught_by_the_kind_above_it() -> None:
    assert issubclass(LayerError, errors.UsageError)
    assert issubclass(RunError, errors.DataError)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_ends_like_a_shell_expects(number: int, code: int) -> None:
    assert Interrupted("stopped", number).exit_code == code


def test_a_close_name_is_offered_and_a_far_one_is_not() -> None:
    assert nearest("admw", ["sgd", "adam", "adamw"]) == " Did you mean 'adamw'?"
    assert nearest("lbfgs", ["sgd", "adam", "adamw"]) == ""
    assert nearest("adam", []) == ""


def test_an_unknown_name_is_reported_with_all_known_ones() -> None:
    error = unknown("preset", "cn", iter(["cnn", "mlp"]))
    assert str(error) == "Unknown preset 'cn'. Choose from cnn, mlp. Did you mean 'cnn'?"
    assert error.exit_code == 2


@pytest.mark.parametrize("kind", [errors.UsageError, RunError, lambda said: Interrupted(said, 2)])
def test_no_message_moves_the_cursor_or_fills_the_screen(kind) -> None:
    assert str(kind("a\x1b[31m\u202e b\r\nc \ud800 Ros\udcc3\udca9")) == r"a\x1b[31m\u202e b\r\nc \ud800 Rosé"
    long = str(kind("first " + "\x1b" * 20_000_000 + " last"))
    assert len(long) == errors.LONGEST
    assert long.startswith(r"first \x1b\x1b")
    assert long.endswith(r"\x1b last")
    assert " […] " in long
    assert str(kind(long)) == long  # told once more in another error


def test_an_ordinary_message_stays_as_it_is() -> None:
    sentence = "Unknown recipe key 'x'. Choose from a, b – and c × 2 (Rosé 猫)."
    assert str(PicturewiseError(sentence)) == sentence
    assert str(PicturewiseError()) == ""


def test_a_notebook_shows_the_sentence_and_its_notes_instead_of_a_traceback() -> None:
    error = RunError("runs/7 is damaged: it has no run.json.\nbad")
    error.add_note("Go on with: picturewise resume")
    assert error._render_traceback_() == [
        r"RunError: runs/7 is damaged: it has no run.json.\nbad",
        "Go on with: picturewise resume",
    ]
