"""A model card: what a classifier was trained on, how good it is, what it must not be used for, how to repeat it.

In Markdown, with front matter as the Hugging Face Hub reads it (huggingface.co/docs/hub/model-cards). Names come from
other people's files, so they are written as JSON strings, which YAML reads too, or as code in Markdown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from picturewise.printable import printable

if TYPE_CHECKING:
    from picturewise.evaluation.evaluation import ClassScore, Evaluation, Interval
    from picturewise.runs.history import Epoch
    from picturewise.runs.record import RunRecord

LICENCE = "unknown"
"""What the Hub accepts for a model whose owner has not chosen one yet."""
_FEW = 30
"""Test pictures of a class below which its recall says little: the interval is wider than 0.1 even near 1."""
_MOST_ROWS = 100
_CONFUSIONS = 5


@dataclass(frozen=True)
class CardFacts:
    """What stands in a card.

    Attributes:
        name: of the model.
        facts: see `facts_of`.
        record: of the run; None: there is only the classifier's file.
        recipe: of the run, in TOML.
        kept: the epoch whose network is the classifier.
        evaluation: on the test split; None: there is none.
        parameters: of the network, if they are known.
        licence: an identifier of the Hub.
    """

    name: str
    facts: Mapping[str, Any]
    record: RunRecord | None = None
    recipe: str | None = None
    kept: Epoch | None = None
    evaluation: Evaluation | None = None
    parameters: int | None = None
    licence: str = LICENCE


def model_card(card: CardFacts) -> str:
    """Return the card as Markdown with front matter."""
    parts = [
        *_front_matter(card),
        "",
        f"# {_code(card.name)}",
        "",
        *_summary(card),
        "",
        "## Training data",
        "",
        *_data(card),
        "",
        "## Results",
        "",
        *_results(card),
        "",
        "## Limits",
        "",
        *(f"- {line}" for line in _limits(card)),
        "",
        "## Repeat it",
        "",
        *_repeat(card),
    ]
    return "\n".join(parts) + "\n"


def _front_matter(card: CardFacts) -> Iterator[str]:
    yield from ("---", f"license: {json.dumps(card.licence)}", "library_name: picturewise")
    yield from ("pipeline_tag: image-classification", "tags:", "- image-classification", "- picturewise")
    evaluation = card.evaluation
    if evaluation is not None:
        data = json.dumps(printable(evaluation.dataset), ensure_ascii=False)
        accuracy = evaluation.accuracy
        yield from (
            "model-index:",
            f"- name: {json.dumps(printable(card.name), ensure_ascii=False)}",
            "  results:",
        )
        yield from ("  - task:", "      type: image-classification")
        yield from (
            "    dataset:",
            f"      name: {data}",
            f"      type: {data}",
            f"      split: {evaluation.split}",
        )
        yield "    metrics:"
        yield from ("    - type: accuracy", f"      value: {accuracy.value:.6f}")
        yield f"      name: {json.dumps(f'accuracy, 95 % interval {accuracy.low:.4f} to {accuracy.high:.4f}')}"
        yield from ("    - type: loss", f"      value: {evaluation.loss.value:.6f}")
        loss = evaluation.loss
        yield f"      name: {json.dumps(f'cross-entropy, 95 % interval {loss.low:.4f} to {loss.high:.4f}')}"
    yield "---"


def _summary(card: CardFacts) -> Iterator[str]:
    facts, preparation = card.facts, card.facts["preparation"]
    colours = "grey" if preparation["channels"] == 1 else "colour"
    count = len(facts["classes"])
    yield (
        f"Classifies {colours} pictures into {count:,} classes. Pictures of any size are accepted; they are brought to "
        f"{preparation['height']}x{preparation['width']} pixels ({preparation['resize']}). Made with Picturewise "
        f"{facts['picturewise']}."
    )
    yield ""
    shown = facts["classes"][:_MOST_ROWS]
    more = f", and {count - len(shown):,} more" if count > len(shown) else ""
    yield f"Classes: {', '.join(map(_code, shown))}{more}."
    if card.parameters is not None:
        yield ""
        yield f"The network has {card.parameters:,} parameters."


def _data(card: CardFacts) -> Iterator[str]:
    record = card.record
    if record is None:
        known = card.facts["provenance"]
        if "dataset" in known:
            yield f"Trained on {_code(known['dataset'])}. The run is not at hand, so no more is known."
        else:
            yield "Not known: the run that it came from is not at hand."
        return
    splits = record.data.splits
    yield (
        f"{_code(record.data.name)}, "
        + ", ".join(
            f"{facts.pictures:,} {'validation' if name == 'valid' else 'training'} pictures"
            for name, facts in splits.items()
        )
        + ". The test pictures were not read during training."
    )
    if len(record.data.classes) <= _MOST_ROWS:
        yield ""
        yield from _table(
            ["class", *(f"pictures in {name}" for name in splits)],
            [
                [_code(name), *(f"{facts.counts.get(name, 0):,}" for facts in splits.values())]
                for name in record.data.classes
            ],
        )
    for note in record.data.notes:
        yield ""
        yield _plain(note)


def _results(card: CardFacts) -> Iterator[str]:
    evaluation = card.evaluation
    if evaluation is None:
        yield "**Not evaluated on test pictures.** Without that, nobody knows how good it is on new pictures."
        if card.kept is not None:
            yield ""
            yield (
                f"On the validation pictures, which chose the epoch, accuracy is {card.kept.valid_accuracy:.4f} "
                f"(epoch {card.kept.epoch}); on new pictures, it is usually a little lower."
            )
        return
    yield (
        f"On the {evaluation.pictures:,} pictures of the split {evaluation.split} of {_code(evaluation.dataset)}, "
        "which chose nothing. Intervals cover 95 %."
    )
    yield ""
    rows = [["accuracy", _shown(evaluation.accuracy)], ["cross-entropy (nats)", _shown(evaluation.loss)]]
    if evaluation.macro_recall is not None:
        rows.append(["macro recall", _shown(evaluation.macro_recall)])
    if evaluation.macro_f1 is not None:
        rows.append(["macro F1", _shown(evaluation.macro_f1)])
    rows.append(["expected calibration error", _shown(evaluation.calibration_error)])
    yield from _table(["score", "value"], rows)
    for note in evaluation.notes:
        yield ""
        yield _plain(note)
    if len(evaluation.per_class) <= _MOST_ROWS:
        yield ""
        yield from _table(
            ["class", "pictures", "recall", "precision"], [_class_row(one) for one in evaluation.per_class]
        )
    confused = _confusions(evaluation)
    if confused:
        yield ""
        yield "Most frequent errors: " + "; ".join(confused) + "."
    temperature = card.facts["temperature"]
    yield ""
    yield (
        "Probabilities are those of the network, because a temperature did not improve them."
        if temperature == 1
        else f"Probabilities are calibrated with a temperature of {temperature:.3f}."
    )


def _limits(card: CardFacts) -> Iterator[str]:
    yield (
        "It names one of its classes for every picture, also for one that shows something else. A low probability is "
        "a hint, not proof."
    )
    yield (
        "The figures hold for pictures like those of the data set. With another camera, light or selection, measure "
        "again on labelled pictures of your own."
    )
    if card.evaluation is not None:
        few = [one for one in card.evaluation.per_class if one.support < _FEW]
        if few:
            names = ", ".join(f"{_code(one.name)} ({one.support})" for one in few[:10])
            yield f"Fewer than {_FEW} test pictures, so little is known: {names}{', …' if len(few) > 10 else ''}."
    if card.record is not None:
        counts = next(iter(card.record.data.splits.values())).counts
        least, most = min(counts, key=lambda name: counts[name]), max(counts, key=lambda name: counts[name])
        if counts[most] > 5 * counts[least]:
            yield (
                f"The classes differ in size: {counts[most]:,} training pictures of {_code(most)}, "
                f"{counts[least]:,} of {_code(least)}."
            )
    if card.licence == LICENCE:
        yield "No licence was named. Before you publish it, choose one that the training pictures allow."


def _repeat(card: CardFacts) -> Iterator[str]:
    facts, record = card.facts, card.record
    yield f"SHA-256 of the weights: `{facts['weights_sha256']}`."
    if record is None or card.recipe is None:
        return
    machine = ", ".join(f"{key} {_plain(value)}" for key, value in record.machine.items())
    yield ""
    yield f"Trained with Picturewise {record.picturewise} ({machine})."
    for session in record.sessions:
        revision = "" if session.revision is None else f", revision `{session.revision}`"
        versions = ", ".join(f"{_plain(name)} {_plain(number)}" for name, number in session.versions.items())
        yield f"Began at {session.date} and took {session.seconds:,.0f} seconds{revision}; {versions}."
    for name, split in record.data.splits.items():
        yield f"SHA-256 of the {name} pictures: `{split.fingerprint}`."
    yield ""
    yield "The recipe; on the same machine, it gives the same weights bit for bit:"
    yield from ("", _fenced(_without_place(card.recipe), "toml"), "")
    yield _fenced("$ picturewise train DATA --recipe recipe.toml", "console")


def _class_row(score: ClassScore) -> list[str]:
    numbers = ("–" if number is None else _shown(number) for number in (score.recall, score.precision))
    return [_code(score.name), f"{score.support:,}", *numbers]


def _confusions(evaluation: Evaluation) -> list[str]:
    """Return the most frequent errors in words."""
    names = evaluation.classes
    wrong = [
        (count, row, column)
        for row, counts in enumerate(evaluation.confusion)
        for column, count in enumerate(counts)
        if row != column and count
    ]
    wrong.sort(key=lambda one: (-one[0], one[1], one[2]))
    return [
        f"{_code(names[row])} taken for {_code(names[column])} ({count:,})"
        for count, row, column in wrong[:_CONFUSIONS]
    ]


def _shown(number: Interval) -> str:
    return f"{number.value:.4f} ({number.low:.4f}–{number.high:.4f})"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _code(text: str) -> str:
    """Return a name as code in Markdown, in which nothing has a meaning."""
    shown = printable(text)
    ticks = "`" * (1 + _longest_ticks(shown))
    edge = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{edge}{shown}{edge}{ticks}"


def _longest_ticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _plain(text: str) -> str:
    """Return a sentence of ours that may quote foreign names, so that Markdown and HTML in it are only text."""
    shown = printable(text)
    for special in "\\`*_<>[]|#&":
        shown = shown.replace(special, "\\" + special if special != "<" else "&lt;")
    return shown


def _fenced(text: str, language: str) -> str:
    """Return a block of code, whatever is in it."""
    fence = "`" * max(3, 1 + _longest_ticks(text))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _without_place(recipe: str) -> str:
    """Return a recipe without the folder in which its pictures are: that is nobody's business."""
    return re.sub(r"(?m)^source = .*[/\\\\].*$", "# source: pass the pictures to the command", recipe)
