"""`classifier_html`: the classes of a classifier, where it came from, and its layers."""

from __future__ import annotations

from picturewise.names import listed
from picturewise.prediction.classifier import Classifier
from picturewise.reporting.notebook.layers import layer_table
from picturewise.reporting.notebook.markup import block, line
from picturewise.targets.words import describe


def classifier_html(classifier: Classifier) -> str:
    """Return a classifier as HTML."""
    description, summary = classifier.description, classifier.summary()
    known = description.provenance
    facts = [f"{describe(description.target)}: {listed(classifier.classes)}"]
    if "dataset" in known:
        facts.append(
            f"trained on {known['dataset']}, epoch {known.get('epoch', '?')}, seed {known.get('seed', '?')}"
        )
    if summary is None:
        facts.append(f"network: the Python class {description.module}")
    return block(
        f"Classifier for {'x'.join(map(str, description.shape))} pictures",
        *map(line, facts),
        "" if summary is None else layer_table(summary),
    )
