"""Arguments of the wrong type, reported in one sentence before anything is done, by comparison with annotations."""

from __future__ import annotations

import functools
import numbers
import operator
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import PurePath
from reprlib import repr as shown  # which is short whatever the value
from typing import Any, NamedTuple, ParamSpec, TypeVar, get_args

from picturewise.errors import UsageError, nearest
from picturewise.printable import printable

P = ParamSpec("P")
R = TypeVar("R")


class _Kind(NamedTuple):
    """What an argument may be: whether a value is one, what to call one and several, and of a list whether each is."""

    holds: Callable[[Any], bool]
    one: str
    several: str = "values"
    each: Callable[[Any], bool] | None = None


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function, with each argument checked against its annotation first.

    Names of classes are compared, so that nothing is imported for it. What a function recognises by looking at it, such
    as `Data`, is not checked.

    Raises:
        UsageError: by the function returned, if an argument is of another type.
    """
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    @functools.wraps(function)
    def call(*args: P.args, **keywords: P.kwargs) -> R:
        for name, value in (*zip(names, args, strict=False), *keywords.items()):
            if name in names:
                check(name, value, function.__annotations__.get(name, "Any"), function.__globals__)
        return function(*args, **keywords)

    call.__kwdefaults__ = function.__kwdefaults__  # type: ignore[attr-defined]  # for code that inspects the signature
    return call


def check(name: str, value: Any, annotation: str, aliases: Mapping[str, Any]) -> None:
    """Check one argument against its annotation, as it is written.

    Args:
        name: of the argument.
        value: what was passed.
        annotation: such as `str | Path | None`.
        aliases: what names in it stand for, where these are lists of words.

    Raises:
        UsageError: it is of another kind.
        KeyError: the annotation is not known here.
    """
    kinds = [kind_of(part, aliases) for part in _parts(annotation)]
    if any(kind.holds(value) for kind in kinds):
        return
    words = [kind.one for kind in kinds if kind.one]
    expected = " or ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} or {words[-1]}"
    known = [word for part in _parts(annotation) for word in get_args(aliases.get(part, None))]
    offered = nearest(value, known) if isinstance(value, str) else ""
    found = _told(value)
    tests = [kind.each for kind in kinds if kind.each is not None]
    if tests and isinstance(value, list | tuple):
        wrong = next(one for one in value if not any(test(one) for test in tests))
        found = f"a list that contains {'a value ' * (not _is_plain(wrong))}{_told(wrong)}"
    raise UsageError(f"{name} is {found}. Expected {expected}.{offered}")


def _told(value: Any) -> str:
    return printable(shown(value)) if _is_plain(value) else f"of type {type(value).__name__}"


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | bytes | int | float)


def kind_of(part: str, aliases: Mapping[str, Any]) -> _Kind:
    """Return what one part of an annotation stands for.

    Raises:
        KeyError: it is not known here.
    """
    words = get_args(aliases.get(part, None))
    if words and all(isinstance(word, str) for word in words):
        told = ", ".join(map(repr, words[:-1]))
        return _Kind(
            lambda value: isinstance(value, str) and value in words, f"{told} or {words[-1]!r}", "names"
        )
    head, _, inner = part.partition("[")
    if head in {"Sequence", "Collection"}:
        kinds = [kind_of(one, aliases) for one in _parts(inner.removesuffix("]"))]
        several = " or ".join(kind.several for kind in kinds)

        def each(one: Any) -> bool:
            return any(kind.holds(one) for kind in kinds)

        return _Kind(
            lambda value: _is_list(value) and all(map(each, value)), f"a list of {several}", "lists", each
        )
    if part == "tuple[int, int]":
        return _Kind(_is_pair, "two integers", "pairs")
    return _KINDS[head]


def _is_list(value: Any) -> bool:
    return (
        isinstance(value, Iterable) and isinstance(value, Collection) and not isinstance(value, str | bytes)
    )


def _is_whole(value: Any) -> bool:
    try:
        operator.index(value)
    except TypeError:
        return False
    return not isinstance(value, bool)


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(map(_is_whole, value))


def _of_class(name: str, one: str, several: str) -> _Kind:
    return _Kind(lambda value: any(kind.__name__ == name for kind in type(value).__mro__), one, several)


def _parts(annotation: str) -> list[str]:
    """Return the parts of a union, `Sequence[str | Path]` being one."""
    parts, depth = [""], 0
    for piece in annotation.split(" | "):
        parts[-1] += (" | " if depth else "") + piece
        depth += piece.count("[") - piece.count("]")
        if not depth:
            parts.append("")
    return parts[:-1]


_ANYTHING = _Kind(lambda value: True, "")
_KINDS: dict[str, _Kind] = {
    "Any": _ANYTHING,
    "Data": _ANYTHING,  # `recognise` looks at it
    "SplitObject": _ANYTHING,  # the same
    "None": _Kind(lambda value: value is None, "", ""),
    "str": _Kind(lambda value: isinstance(value, str), "a string", "strings"),
    "bytes": _Kind(lambda value: isinstance(value, bytes), "bytes", "bytes"),
    "Path": _Kind(lambda value: isinstance(value, PurePath), "a path", "paths"),
    "bool": _Kind(lambda value: type(value).__name__ in {"bool", "bool_"}, "True or False", "booleans"),
    "int": _Kind(_is_whole, "an integer", "integers"),
    "float": _Kind(
        lambda value: isinstance(value, numbers.Real) and not isinstance(value, bool), "a number", "numbers"
    ),
    "Mapping": _Kind(lambda value: isinstance(value, Mapping), "a dict", "dicts"),
    "Callable": _Kind(callable, "a function", "functions"),
    "nn.Module": _of_class("Module", "a torch.nn.Module", "PyTorch modules"),
    "Callback": _of_class("Callback", "a picturewise.Callback", "picturewise.Callback objects"),
    "Classifier": _of_class("Classifier", "a picturewise.Classifier", "classifiers"),
    "Hints": _of_class("Hints", "a picturewise.Hints object", "picturewise.Hints objects"),
    "Recipe": _of_class("Recipe", "a picturewise.Recipe", "recipes"),
    "Run": _of_class("Run", "a picturewise.Run", "runs"),
}
