"""An ONNX file of any classifier, checked by the library `onnx`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import UsageError
from picturewise.exporting.parity import Answered, Predictor
from picturewise.exporting.readings import CONFIDENCE, LENGTH, SYMBOLS
from picturewise.exporting.whole_model import (
    IMAGES,
    IMAGES_INPUT,
    LABEL,
    PROBABILITIES,
    add_answers,
    add_preparation,
    has_graph,
    whole_model,
)
from picturewise.extras import install_command
from picturewise.onnx_models.graph import OPSET, Graph
from picturewise.onnx_models.model import LOGITS, taken_from
from picturewise.onnx_models.session import Session
from picturewise.targets.sequences import is_sequences

if TYPE_CHECKING:
    from picturewise.prediction.classifier import Classifier
    from picturewise.prediction.description import Description
    from picturewise.targets.target import Target

_LARGEST = 2_000_000_000


def onnx_file(classifier: Classifier, metadata: Mapping[str, str], version: str) -> bytes:
    """Return the content of an ONNX file of a classifier, see `whole_model`.

    A network without layer lines of its own, a Python class or one of timm, goes through PyTorch's exporter.

    Args:
        classifier: with any network.
        metadata: texts to store.
        version: of Picturewise.

    Raises:
        UsageError: the library `onnx` is not installed, or the network cannot be expressed.
    """
    onnx, description = _library(), classifier.description
    if has_graph(description):
        content = whole_model(description, classifier.arrays, metadata, version=version)
    else:
        content = _of_module(onnx, classifier, metadata, version)
    onnx.checker.check_model(content, full_check=True)
    return content


def opened(content: bytes, target: Target, threads: int = 1) -> Predictor:
    """Return a function that predicts with an ONNX file, in ONNX Runtime.

    Args:
        content: of the file.
        target: the classifier's.
        threads: from 1.
    """
    session = Session(content, threads)

    def answered(pictures: NDArray[np.uint8]) -> Answered:
        if is_sequences(target):
            outputs = [LENGTH, SYMBOLS, CONFIDENCE, LOGITS]
            length, symbols, confidence, logits = session.run(outputs, {IMAGES: pictures})
            answers = np.concatenate([length[:, None], symbols], axis=1)
            return Answered(answers, np.column_stack([confidence, target.probabilities(logits)]))
        answers, probabilities = session.run([LABEL, PROBABILITIES], {IMAGES: pictures})
        return Answered(answers, np.asarray(probabilities, np.float32))

    return answered


def _of_module(onnx: Any, classifier: Classifier, metadata: Mapping[str, str], version: str) -> bytes:
    from picturewise.networks.onnx_graph import INPUT, OUTPUT, onnx_graph  # noqa: PLC0415 (it loads PyTorch)

    description = classifier.description
    inner = description.preparation.output(description.shape)
    bytes_of_weights = sum(array.nbytes for array in classifier.arrays.values())
    if bytes_of_weights > _LARGEST:
        raise UsageError(
            f"The network has {bytes_of_weights / 1e9:.1f} GB of weights, but an ONNX file holds at most 2 GB."
        )
    network = onnx.load_from_string(onnx_graph(classifier.network, inner, OPSET))
    head, tail = (onnx.load_from_string(part) for part in _around(description, INPUT, OUTPUT))
    network.ir_version = head.ir_version
    merged = onnx.compose.merge_models(
        head, onnx.compose.add_prefix(network, "network/", rename_inputs=False, rename_outputs=False),
        io_map=[(f"prepared_{INPUT}", INPUT)],
    )  # fmt: skip
    merged = onnx.compose.merge_models(merged, tail, io_map=[(OUTPUT, f"given_{OUTPUT}")])
    merged.graph.name, merged.producer_name, merged.producer_version = "picturewise", "picturewise", version
    onnx.helper.set_model_props(merged, dict(sorted(metadata.items())))
    content: bytes = merged.SerializeToString(deterministic=True)
    return content


def _around(description: Description, network_input: str, network_output: str) -> tuple[bytes, bytes]:
    """Return what comes before and after the network, as models of their own."""
    head, tail = Graph(taken_from({})), Graph(taken_from({}))
    height, width, channels = description.preparation.output(description.shape)
    prepared = head.node(
        "Identity", add_preparation(head, IMAGES, description), output=f"prepared_{network_input}"
    )
    first = head.model(
        IMAGES_INPUT, [(prepared, np.float32, ("views", channels, height, width))], version="", metadata={}
    )
    given = f"given_{network_output}"
    logits = tail.node("Identity", given)
    gives = add_answers(tail, logits, description)
    second = tail.model(
        (given, np.float32, ("views", description.target.outputs)), gives, version="", metadata={}
    )
    return first, second


def _library() -> Any:
    try:
        import onnx  # noqa: PLC0415 (only exporting needs it)
        import onnx.compose  # noqa: PLC0415 (the same)
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        raise UsageError(
            f"Exporting needs the library onnx, which is not installed. Install it with: {install_command('export')}"
        ) from error
    return onnx
