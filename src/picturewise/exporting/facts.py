"""What stands in every export beside the network: classes, preparation, digests and where it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from picturewise.exporting.parity import Parity
from picturewise.targets.ctc import Ctc
from picturewise.targets.sequences import is_sequences

if TYPE_CHECKING:
    from picturewise.prediction.classifier import Classifier
    from picturewise.prediction.description import Description

FORMAT = 1


def facts_of(classifier: Classifier, version: str, parity: Parity | None = None) -> dict[str, Any]:
    """Return the facts as values that JSON has.

    Args:
        classifier: what is exported.
        version: of Picturewise.
        parity: how it was compared with the exported model; None: not yet.
    """
    description = classifier.description
    height, width, channels = description.shape
    preparation = description.preparation
    found: dict[str, Any] = {
        "format": FORMAT,
        "picturewise": version,
        **answers_of(description),
        "preparation": {
            "height": height,
            "width": width,
            "channels": channels,
            "resize": description.resize,
            "background": description.background,
            "grey": preparation.grey,
            "mean": list(preparation.mean),
            "std": list(preparation.std),
            "views": list(preparation.views),
        },
        "temperature": description.temperature,
        "number_format": description.number_format,
        "layers": None if description.layers is None else list(description.layers),
        "weights_sha256": classifier.weights_sha256,
        "provenance": dict(sorted(description.provenance.items())),
    }
    if parity is not None:
        found["parity"] = asdict(parity)
    return found


def answers_of(description: Description) -> dict[str, Any]:
    """Return what the outputs mean: the classes, or what sequences consist of."""
    target = description.target
    if not is_sequences(target):
        return {"classes": list(description.classes)}
    columns = {"columns": target.columns} if isinstance(target, Ctc) else {}
    return {
        "alphabet": list(description.classes),
        "places": target.places,
        **columns,
        "head": target.output_line,
        "thresholds": dict(sorted((description.thresholds or {}).items())),
    }


def as_texts(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return facts as the metadata of an ONNX model, whose values are texts: anything but a text is JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in facts.items()
        if value is not None
    }
