r"""Regular expressions from users or from others' recipes, searched in many names with one time limit.

A pattern such as `(a+)+$` can keep Python's `re` busy forever, and `re` cannot be stopped. So the names go to a child
process with limits on time and memory, and `re` runs there. Patterns keep their meaning, so a recipe holds out the same
pictures as before. The `regex` package has a time limit too, but for each call and not for compiling, and it reads some
patterns differently (`a{e}` is fuzzy to it). RE2 needs linear time, but does not have look-around and back-references,
and its `\d` and `\w` are ASCII only. A child takes 0.05 seconds, once for all names, and no dependency. Compiling alone
is limited by the pattern's length (0.3 seconds for the worst that we found).
"""

from __future__ import annotations

import json
import re
import subprocess
import warnings
from collections.abc import Sequence

from picturewise.errors import UsageError
from picturewise.printable import printable
from picturewise.untrusted.confined import process

_CHILD = "picturewise.untrusted.patterns_child"
_LONGEST = 250  # characters of a pattern
_SECONDS = 1.0  # of processor time for any search
_SECONDS_A_NAME = 10e-6  # more for each name; an ordinary pattern takes a tenth of it
_MEMORY = 128 << 20  # bytes of addresses, the interpreter's own included
_MEMORY_A_BYTE = 8  # more for each byte of the names as they are sent
_MEMORY_A_NAME = 256


def why_no_pattern(pattern: str) -> str | None:
    """Return what is wrong with a regular expression, in a few words; None: it can be used.

    >>> why_no_pattern("(cat|dog)")
    >>> why_no_pattern("(cat")
    'missing ), unterminated subpattern at position 0'
    """
    if len(pattern) > _LONGEST:
        return f"it has {len(pattern):,} characters, but at most {_LONGEST} are allowed"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # about patterns that another version of Python may read differently
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return printable(error)
    return None


def find_in_names(pattern: str, names: Sequence[str], *, option: str) -> list[str | None]:
    """Return the match in each name, (N,): the first group if it matched, else the whole match.

    None means that there is no match. The pattern may match anywhere in a name, as with `re.search`.

    Args:
        pattern: a regular expression of Python's `re`.
        names: N strings; lone surrogates, which mean bytes that are not text, stay as they are.
        option: the option with the pattern, such as `--group-by`, for errors.

    Raises:
        UsageError: it is not a regular expression, or needs more time or memory than is allowed.
    """
    shown = f"{option} '{printable(pattern)[:_LONGEST]}'"
    problem = why_no_pattern(pattern)
    if problem is not None:
        raise UsageError(f"{shown} is not a valid regular expression: {problem}.")
    seconds = _SECONDS + _SECONDS_A_NAME * len(names)
    message = {"pattern": pattern, "names": list(names), "seconds": seconds}
    size = sum(map(len, names))
    message["memory"] = _MEMORY + _MEMORY_A_BYTE * size + _MEMORY_A_NAME * len(names)
    with process.start(subprocess.PIPE) as child:
        try:
            answer, _ = child.communicate(process.first_line(_CHILD, message), timeout=10 + 3 * seconds)
        except subprocess.TimeoutExpired as error:
            raise _too_much(shown, len(names)) from error
        finally:  # Ctrl-C too
            child.kill()
    if child.returncode != 0:
        raise _too_much(shown, len(names))
    found: list[str | None] = json.loads(answer)
    return found


def _too_much(shown: str, names: int) -> UsageError:
    return UsageError(
        f"{shown} takes too much time or memory to search in {names:,} {'name' if names == 1 else 'names'}. "
        "Rewrite it without nested repetitions such as '(a+)+'."
    )
