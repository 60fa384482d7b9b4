"""Whoever passes a wrong thing to a public function gets a sentence that names it, before anything is done."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from types import FunctionType
from typing import Any, Literal

import numpy as np
import pytest

import picturewise
from picturewise.arguments import _parts, check, checked, kind_of
from picturewise.errors import PicturewiseError, UsageError

Word = Literal["crop", "pad"]
FUNCTIONS = {
    name: value
    for name in picturewise.__all__
    if isinstance(value := getattr(picturewise, name), FunctionType)
}
WRONG = (None, 3, 3.5, object(), "no such thing", b"x", [], {}, [object()], {"a": object()}, np.zeros(3))
LOOKED_AT = {"data", "train", "valid", "test"}
"""What functions recognise by looking at it."""


def arguments() -> list[tuple[str, str]]:
    return [
        (function, name)
        for function, value in FUNCTIONS.items()
        for name in inspect.signature(value).parameters
        if name != "options"  # keywords of a recipe, which pydantic checks
    ]


@pytest.mark.parametrize(("function", "name"), arguments())
def test_every_argument_has_an_annotation_that_is_checked(function: str, name: str) -> None:
    whole = inspect.unwrap(FUNCTIONS[function])
    annotation = inspect.signature(FUNCTIONS[function]).parameters[name].annotation
    kinds = [kind_of(part, whole.__globals__) for part in _parts(annotation)]  # a KeyError: nobody knows it
    anything = any(
        kind.one == "" and part != "None" for kind, part in zip(kinds, _parts(annotation), strict=True)
    )
    assert anything == (name in LOOKED_AT and function not in {"study", "list_imports", "remove_imports"}), (
        annotation
    )
    if not anything:
        assert sum(any(kind.holds(value) for kind in kinds) for value in WRONG) < len(WRONG)


@pytest.mark.parametrize(("function", "name"), arguments())
def test_a_wrong_thing_gets_a_sentence(
    function: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data are nowhere, so that nothing is read or trained where a thing may be right."""
    monkeypatch.chdir(tmp_path)
    call = FUNCTIONS[function]
    parameters = inspect.signature(call).parameters
    given: dict[str, Any] = {
        other: "no such place"
        for other, one in parameters.items()
        if one.default is one.empty or other == "data"
    }
    given.pop("options", None)
    if function == "compare":
        given["runs"] = ["no such place"] * 2
    kinds = [kind_of(part, inspect.unwrap(call).__globals__) for part in _parts(parameters[name].annotation)]
    for value in WRONG:
        right = any(kind.holds(value) for kind in kinds)
        if right and function in {"demo", "list_imports", "remove_imports"}:
            continue  # which would begin, or are right without anything
        with pytest.raises(PicturewiseError) as error:
            call(**{**given, name: value})
        assert right or str(error.value).startswith(f"{name} is ")
    assert [*tmp_path.iterdir()] == []


def test_what_is_wrong_is_named() -> None:
    for call, said in (
        (lambda: picturewise.train("digits", epochs="ten"), r"^epochs is 'ten'\. Expected an integer\.$"),
        (lambda: picturewise.train("digits", epochs=True), r"^epochs is True\. Expected an integer\.$"),
        (lambda: picturewise.train("digits", model=3), r"^model is 3\. Expected a string\.$"),
        (lambda: picturewise.train("digits", network="cnn"), r"^network is 'cnn'\. Expected a torch\.nn\.Module\.$"),
        (
            lambda: picturewise.train("digits", callbacks=[print]),
            r"^callbacks is a list that contains a value of type b",
        ),
        (lambda: picturewise.train("digits", progress=None), r"^progress is None\. Expected True or False\.$"),
        (lambda: picturewise.train("digits", settings=3), r"^settings is 3\. Expected a list of strings or a dict"),
        (
            lambda: picturewise.predict(None, "a"),
            r"^run is None\. Expected a string, a path, a picturewise\.Run or a pic",
        ),
        (lambda: picturewise.predict("a", "b", engine="trch"), r"^engine is 'trch'\. .*'numpy'\. Did you mean 'torch'"),
        (
            lambda: picturewise.predict("a", "b", hints={}),
            r"^hints is of type dict\. Expected a picturewise\.Hints object\.$",
        ),
        (lambda: picturewise.read_dataset("digits", size=8), r"^size is 8\. Expected two integers\.$"),
        (
            lambda: picturewise.compare(["runs/1", 3]),
            r"^runs is a list that contains 3\. Expected a list of strings or paths or",
        ),
        (lambda: picturewise.compare("runs/1"), r"^runs is 'runs/1'\. Expected a list of strings or paths or runs\.$"),
        (lambda: picturewise.open_run(None), r"^path is None\. Expected a string or a path\.$"),
        (lambda: picturewise.demo(3), r"^out is 3\. Expected a string or a path\.$"),
        (lambda: picturewise.demo(tell=3), r"^tell is 3\. Expected a function\.$"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            call()


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (np.int64(3), "int"), (np.float32(3), "float"), (3, "float"), (np.bool_(True), "bool"), (None, "int | None"),
        ([3, np.int64(4)], "tuple[int, int]"), (("a", Path("b")), "Sequence[str | Path]"), ({"a"}, "Collection[str]"),
        ("pad", "Word"), ({"a": 1}, "Mapping[str, Any]"), (object(), "Data | None"), ([], "Sequence[Callback]"),
    ],
)  # fmt: skip
def test_what_is_right_passes(value: Any, annotation: str) -> None:
    check("it", value, annotation, globals())


def test_a_function_stays_what_it_is() -> None:
    def join(words: Sequence[str], *, between: str = " ") -> str:
        """Return one text."""
        return between.join(words)

    wrapped = checked(join)
    assert wrapped(["a", "b"], between="-") == "a-b"
    assert (wrapped.__doc__, wrapped.__kwdefaults__) == ("Return one text.", {"between": " "})
    assert inspect.signature(wrapped) == inspect.signature(join)
    with pytest.raises(UsageError, match=r"^words is 'ab'\. Expected a list of strings\.$"):
        wrapped("ab")


IMAGES = np.zeros((2, 8, 8, 1), np.uint8)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: picturewise.train("digits", out="a\0b"), r"'a.*b' is not a valid folder name"),
        (lambda: picturewise.train("digits", out="x" * 400), r"is not a valid folder name .*too long"),
        (lambda: picturewise.train("digits", settings={3: 4}), r"^Unknown recipe key '3'"),
        (lambda: picturewise.make_dataset((IMAGES, [0, 1]), name="a/b"), r"^'a/b' is not a valid folder name"),
        (lambda: picturewise.make_dataset((IMAGES, [0, 1]), name=""), r"^'' is not a valid folder name"),
        (lambda: picturewise.Hints(value_range=3), r"^The hint value_range is of type int\. Pass a string\.$"),
        (
            lambda: picturewise.ImageSet(None, None, (), "x"),
            r"^x: the pictures are of type NoneType\. Pass a uint8 array",
        ),
        (lambda: picturewise.ImageSet(IMAGES, [0, 0], ("a",), "x"), r"^x: the labels have type list\. Pass an int64"),
        (lambda: picturewise.ImageSet(IMAGES, None, 3, "x"), r"^x: the classes are of type int\. Pass a tuple"),
        (lambda: picturewise.Dataset("x", train=IMAGES), r"^x: train is of type ndarray\. Pass an ImageSet"),
    ],
)  # fmt: skip
def test_what_only_the_content_tells_gets_a_sentence_too(call: Any, said: str) -> None:
    with pytest.raises(PicturewiseError, match=said):
        call()
