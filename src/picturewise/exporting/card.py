"""A model card: what a classifier was trained on, how good it is, what it must not be used for, how to repeat it.

In Markdown, with front matter as the Hugging Face Hub reads it (huggingface.co/docs/hub/model-cards). Names come from
other people's files, so they are written as JSON strings, which YAML reads too, or as code in Markdown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from picturewise.exporting.markdown import code, fenced, plain, table, with_interval
from picturewise.exporting.reading_card import TASK, accuracy_of, reads, sequence_results, what_it_reads
from picturewise.printable import printable

if TYPE_CHECKING:
    from picturewise.evaluation.evaluation import ClassScore, Evaluation
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
        f"# {code(card.name)}",
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
    read = reads(card.facts)
    task = TASK if read else "image-classification"
    yield from (f"pipeline_tag: {task}", "tags:", f"- {task}", "- picturewise")
    evaluation = card.evaluation
    if evaluation is not None:
        data = json.dumps(printable(evaluation.dataset), ensure_ascii=False)
        accuracy = evaluation.accuracy
        yield from (
            "model-index:",
            f"- name: {json.dumps(printable(card.name), ensure_ascii=False)}",
            "  results:",
        )
        yield from ("  - task:", f"      type: {task}")
        yield from (
            "    dataset:",
            f"      name: {data}",
            f"      type: {data}",
            f"      split: {evaluation.split}",
        )
        yield "    metrics:"
        named = accuracy_of(card.facts)
        of_loss = "negative log-likelihood" if read else "cross-entropy"
        yield from ("    - type: accuracy", f"      value: {accuracy.value:.6f}")
        yield f"      name: {json.dumps(f'{named}, 95 % interval {accuracy.low:.4f} to {accuracy.high:.4f}')}"
        yield from ("    - type: loss", f"      value: {evaluation.loss.value:.6f}")
        loss = evaluation.loss
        yield f"      name: {json.dumps(f'{of_loss}, 95 % interval {loss.low:.4f} to {loss.high:.4f}')}"
    yield "---"


def _summary(card: CardFacts) -> Iterator[str]:
    facts, preparation = card.facts, card.facts["preparation"]
    colours = "grey" if preparation["channels"] == 1 else "colour"
    read = reads(facts)
    count = 0 if read else len(facts["classes"])
    does = (
        f"Reads sequences of symbols in {colours} pictures."
        if read
        else f"Classifies {colours} pictures into {count:,} classes."
    )
    yield (
        f"{does} Pictures of any size are accepted; they are brought to "
        f"{preparation['height']}x{preparation['width']} pixels ({preparation['resize']}). Made with Picturewise "
        f"{facts['picturewise']}."
    )
    yield ""
    if read:
        yield what_it_reads(facts)
    else:
        shown = facts["classes"][:_MOST_ROWS]
        more = f", and {count - len(shown):,} more" if count > len(shown) else ""
        yield f"Classes: {', '.join(map(code, shown))}{more}."
    if card.parameters is not None:
        yield ""
        yield f"The network has {card.parameters:,} parameters."


def _data(card: CardFacts) -> Iterator[str]:
    record = card.record
    if record is None:
        known = card.facts["provenance"]
        if "dataset" in known:
            yield f"Trained on {code(known['dataset'])}. The run is not at hand, so no more is known."
        else:
            yield "Not known: the run that it came from is not at hand."
        return
    splits = record.data.splits
    yield (
        f"{code(record.data.name)}, "
        + ", ".join(
            f"{facts.pictures:,} {'validation' if name == 'valid' else 'training'} pictures"
            for name, facts in splits.items()
        )
        + ". The test pictures were not read during training."
    )
    if len(record.data.classes) <= _MOST_ROWS:
        yield ""
        yield from table(
            ["symbol", *(f"occurrences in {name}" for name in splits)]
            if reads(card.facts)
            else ["class", *(f"pictures in {name}" for name in splits)],
            [
                [code(name), *(f"{facts.counts.get(name, 0):,}" for facts in splits.values())]
                for name in record.data.classes
            ],
        )
    for note in record.data.notes:
        yield ""
        yield plain(note)


def _results(card: CardFacts) -> Iterator[str]:
    evaluation = card.evaluation
    if evaluation is None:
        yield "**Not evaluated on test pictures.** Without that, nobody knows how good it is on new pictures."
        if card.kept is not None:
            name = accuracy_of(card.facts)
            yield ""
            yield (
                f"On the validation pictures, which chose the epoch, {name} is {card.kept.valid_accuracy:.4f} "
                f"(epoch {card.kept.epoch}); on new pictures, it is usually a little lower."
            )
        return
    yield (
        f"On the {evaluation.pictures:,} pictures of the split {evaluation.split} of {code(evaluation.dataset)}, "
        "which chose nothing. Intervals cover 95 %."
    )
    yield ""
    sequences = evaluation.sequences
    rows = [
        [accuracy_of(card.facts), with_interval(evaluation.accuracy)],
        [
            "negative log-likelihood (nats)" if sequences else "cross-entropy (nats)",
            with_interval(evaluation.loss),
        ],
    ]
    if sequences is not None:
        rows.append(["edit distance", with_interval(sequences.edit_distance)])
    if evaluation.macro_recall is not None:
        rows.append(["macro recall", with_interval(evaluation.macro_recall)])
    if evaluation.macro_f1 is not None:
        rows.append(["macro F1", with_interval(evaluation.macro_f1)])
    rows.append(["expected calibration error", with_interval(evaluation.calibration_error)])
    yield from table(["score", "value"], rows)
    for note in evaluation.notes:
        yield ""
        yield plain(note)
    if sequences is not None:
        yield from sequence_results(sequences)
    if len(evaluation.per_class) <= _MOST_ROWS:
        yield ""
        named = ["class", "pictures"] if sequences is None else ["symbol", "occurrences"]
        yield from table([*named, "recall", "precision"], [_class_row(one) for one in evaluation.per_class])
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
    read = reads(card.facts)
    does = (
        "reads something in every picture, also in"
        if read
        else "names one of its classes for every picture, also for"
    )
    yield f"It {does} one that shows something else. A low probability is a hint, not proof."
    yield (
        "The figures hold for pictures like those of the data set. With another camera, light or selection, measure "
        "again on labelled pictures of your own."
    )
    if card.evaluation is not None:
        few = [one for one in card.evaluation.per_class if one.support < _FEW]
        if few:
            names = ", ".join(f"{code(one.name)} ({one.support})" for one in few[:10])
            what = "occurrences in test" if read else "test pictures"
            yield f"Fewer than {_FEW} {what}, so little is known: {names}{', …' if len(few) > 10 else ''}."
    if card.record is not None:
        counts = next(iter(card.record.data.splits.values())).counts
        least, most = min(counts, key=lambda name: counts[name]), max(counts, key=lambda name: counts[name])
        if counts[most] > 5 * counts[least]:
            differ = (
                ("symbols differ in number", "occurrences in train")
                if read
                else ("classes differ in size", "training pictures")
            )
            yield (
                f"The {differ[0]}: {counts[most]:,} {differ[1]} of {code(most)}, {counts[least]:,} of {code(least)}."
            )
    if card.licence == LICENCE:
        yield "No licence was named. Before you publish it, choose one that the training pictures allow."


def _repeat(card: CardFacts) -> Iterator[str]:
    facts, record = card.facts, card.record
    yield f"SHA-256 of the weights: `{facts['weights_sha256']}`."
    if record is None or card.recipe is None:
        return
    machine = ", ".join(f"{key} {plain(value)}" for key, value in record.machine.items())
    yield ""
    yield f"Trained with Picturewise {record.picturewise} ({machine})."
    for session in record.sessions:
        revision = "" if session.revision is None else f", revision `{session.revision}`"
        versions = ", ".join(f"{plain(name)} {plain(number)}" for name, number in session.versions.items())
        yield f"Began at {session.date} and took {session.seconds:,.0f} seconds{revision}; {versions}."
    for name, split in record.data.splits.items():
        yield f"SHA-256 of the {name} pictures: `{split.fingerprint}`."
    yield ""
    yield "The recipe; on the same machine, it gives the same weights bit for bit:"
    yield from ("", fenced(_without_place(card.recipe), "toml"), "")
    yield fenced("$ picturewise train DATA --recipe recipe.toml", "console")


def _class_row(score: ClassScore) -> list[str]:
    numbers = ("–" if number is None else with_interval(number) for number in (score.recall, score.precision))
    return [code(score.name), f"{score.support:,}", *numbers]


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
        f"{code(names[row])} taken for {code(names[column])} ({count:,})"
        for count, row, column in wrong[:_CONFUSIONS]
    ]


def _without_place(recipe: str) -> str:
    """Return a recipe without the folder in which its pictures are: that is nobody's business."""
    return re.sub(r"(?m)^source = .*[/\\\\].*$", "# source: pass the pictures to the command", recipe)
