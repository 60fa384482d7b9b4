"""A folder as the Hugging Face Hub expects it: weights, configuration, preparation, model card, figures.

The weights are the classifier's own file, so Picturewise can open it again; other programs read its tensors. The
configuration has the keys by which the Hub shows the classes; there is no code in the folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from picturewise.exporting.reading_card import reads

_BILINEAR = 2
"""Of Pillow's resampling filters, as in preprocessor_config.json of other models."""


def hub_folder(
    facts: Mapping[str, Any], classifier: bytes, card: str, figures: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Return the files of the folder by name.

    Args:
        facts: see `facts_of`.
        classifier: the content of its safetensors file.
        card: in Markdown.
        figures: PNG files by name.
    """
    return {
        "README.md": card.encode(),
        "config.json": _json(_config(facts)),
        "preprocessor_config.json": _json(_preprocessor(facts["preparation"])),
        "model.safetensors": classifier,
        **{f"figures/{name}": content for name, content in sorted(figures.items())},
    }


def _config(facts: Mapping[str, Any]) -> dict[str, Any]:
    preparation = facts["preparation"]
    return {
        "model_type": "picturewise",
        "architectures": ["Picturewise"],
        **_answers(facts),
        "image_size": [preparation["height"], preparation["width"]],
        "num_channels": preparation["channels"],
        "torch_dtype": "float32",
        "layers": facts["layers"],
        "temperature": facts["temperature"],
        "picturewise": facts["picturewise"],
        "weights_sha256": facts["weights_sha256"],
        "provenance": facts["provenance"],
    }


def _answers(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the outputs mean; there are no classes to number if sequences are read."""
    if reads(facts):
        return {key: facts[key] for key in ("alphabet", "places", "thresholds")}
    classes = facts["classes"]
    return {
        "problem_type": "single_label_classification",
        "num_labels": len(classes),
        "id2label": {str(number): name for number, name in enumerate(classes)},
        "label2id": {name: number for number, name in enumerate(classes)},
    }


def _preprocessor(preparation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the preparation with the usual keys; ours are those that the usual ones cannot say."""
    return {
        "image_processor_type": "Picturewise",
        "do_resize": True,
        "size": {"height": preparation["height"], "width": preparation["width"]},
        "resample": _BILINEAR,
        "resize_mode": preparation["resize"],
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [number / 255 for number in preparation["mean"]],
        "image_std": [number / 255 for number in preparation["std"]],
        "grey": preparation["grey"],
        "views": preparation["views"],
        "background": preparation["background"],
    }


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
