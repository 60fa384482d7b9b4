"""What people read is plain English: turns of phrase that read like a translation are refused.

Add a room, or a page below docs/, to DONE once its texts are rewritten.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "picturewise"

DONE = (
    *sorted(
        path.name for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    ),
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md"),
)
"""Rooms and files of src/picturewise/, and pages from the repository's root."""

ALLOWED: tuple[str, ...] = ("`judge`", "judge.py")  # the name of a file and of its function
"""Exact pieces of text that a pattern would refuse, each needed for a reason that is said beside it."""

TURNS = {
    r"(?<![Tt]here )\b(is|are|was|were) no (?!longer|more than|fewer|other|less)": "is not a, does not have",
    r"\b(has|have|had) not( (a|an|any|the|its|their|this)\b|[.,;:)])": "does not have",
    r"[,;:] for (it|they|he|she|we|you|nobody|nothing|then|there|whoever)\b": "because",
    r"\bhand(s|ed|ing)? in\b": "pass",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bcarv(e|es|ed|ing)\b": "hold out",
    r"\bjudg(e|es|ed|ing)\b": "evaluate, decide",
    r"\b[Ww]ho(ever)? has (no|none)\b": "If you have no …",
    r"\bsome (\d+|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|hundreds?|thousands?)\b": "about",
    r"\bany ?more\b": "no longer",
    r"\bworth nothing\b": "not valid",
    r"\banew\b": "again",
    r"\bis there already\b": "already exists",
    r"\bwill both do\b": "use A or B",
    r"\blearn(s|ed|t)? from\b": "trained on",
    r"\bgo on with:": "Continue with",
    r"\bis the \w+er, the more\b": "the more …, the …er",
    r"\bfare(s|d)?\b": "has the accuracy",
    r"\b(a little|bit) too good\b": "optimistic",
    r"\bno witness(es)?\b": "not independent",
    r"\bwould tell\b": "confirm it",
    r"\b(lies|lie) (for a while|in|apart|beside|below|above)\b": "is, are",
}
"""Pattern → what to write instead."""


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield what is written in a file, with line numbers: of Python, its strings and comments."""
    content = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(content.splitlines(), start=1)
        return
    kinds = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type in kinds:
            for number, line in enumerate(token.string.splitlines()):
                yield token.start[0] + number, line


def refused(text: str) -> list[str]:
    """Return a complaint for each turn of phrase in a text."""
    for piece in ALLOWED:
        text = text.replace(piece, "")
    return [
        f"'{found[0]}': write {better}" for turn, better in TURNS.items() for found in re.finditer(turn, text)
    ]


@pytest.mark.parametrize("place", DONE)
def test_what_is_written_is_plain_english(place: str) -> None:
    room = PACKAGE / place if (PACKAGE / place).exists() else ROOT / place
    suffixes = {".py", ".jinja", ".toml"}
    files = [path for path in room.rglob("*") if path.suffix in suffixes] if room.is_dir() else [room]
    assert files
    complaints = [
        f"{path.relative_to(ROOT)}:{line}: {complaint}"
        for path in sorted(files)
        for line, text in texts(path)
        for complaint in refused(text)
    ]
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("is damaged or no .npz file, for it is no zip", "is not a valid .npz file (not a zip archive)"),
        ("knows the classes A, which the pictures have not.", "A, which are not in this data set."),
        ("were in X, where nothing is any more", "were in X, which no longer exists"),
        ("Pictures are handed in as arrays", "Pictures are passed as arrays"),
        ("who has no GPU can install the processor build", "If you have no GPU, install the CPU build"),
        ("it is some eleven times the work", "it costs about eleven times as much"),
        ("so what was made of them is worth nothing", "so results based on them are invalid"),
        ("'adm' is no optimizer", "Unknown optimizer 'adm'"),
        ("a test split was carved out of train", "a test split was held out from train"),
        ("which pictures the classifier learned from", "which pictures the classifier was trained on"),
        ("nobody could mend it", "no user can fix it"),
        ("how good it is, judged by the test", "how good it is on the test split"),
        (
            "The best is a little too good; new pictures would tell",
            "The best of several scores is optimistic",
        ),
        ("A folder and a file will both do.", "Use a folder or a file."),
        ("the folder is there already", "the folder already exists, and there is no run in it"),
        ("where they lie apart", "where they differ. It has not been evaluated, and there are no others"),
    ],
)
def test_old_turns_are_found_and_new_ones_pass(before: str, after: str) -> None:
    assert refused(before)
    assert refused(after) == []


def test_strings_and_comments_are_read_but_names_are_not(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(
        'judge = 1  # it is no\nx = f"it is no {judge} file"\n"""Two\nlines."""\n', encoding="utf-8"
    )
    found = list(texts(path))
    assert found[0] == (1, "# it is no")
    assert [text for _, text in found][-2:] == ['"""Two', 'lines."""']
    assert not any(text.startswith("judge") for _, text in found)
