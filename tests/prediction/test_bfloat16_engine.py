from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from picturewise.architectures.lines import parse
from picturewise.cores import has_bfloat16
from picturewise.errors import RunError
from picturewise.networks.builder import build
from picturewise.prediction import computation as choosing
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.prediction.computation import LibraryName
from picturewise.prediction.description import Description
from picturewise.preparing.preparation import Preparation

LINES = (
    "conv 8 3x3 relu",
    "batchnorm",
    "conv 8 3x3",
    "batchnorm",
    "relu",
    "maxpool 2",
    "flatten",
    "dense 16 relu",
)
PICTURES = np.random.default_rng(0).integers(0, 256, (64, 12, 12, 3), np.uint8)
LIBRARIES: list[LibraryName] = ["onnxruntime", "torch"]
if find_spec("openvino") is not None and has_bfloat16():
    LIBRARIES.append("openvino")


def classifier(library: LibraryName | None = None) -> Classifier:
    description = Description(
        layers=LINES,
        shape=(12, 12, 3),
        resize="crop",
        classes=("a", "b", "c"),
        preparation=Preparation(mean=(120.0,) * 3, std=(60.0,) * 3, views=("mirror",)),
        number_format="bfloat16",
        temperature=0.5,
    )
    network = build(parse(LINES), (12, 12, 3), "dense 3", seed=1)
    arrays = {name: tensor.detach().numpy().copy() for name, tensor in network.state_dict().items()}
    return Classifier(arrays, description, library=library)


@pytest.mark.parametrize("library", LIBRARIES)
def test_all_libraries_compute_in_bfloat16(library: LibraryName) -> None:
    found = classifier(library)
    exact = found.in_float32().logits(PICTURES)
    difference = np.abs(found.logits(PICTURES) - exact).max() / exact.std()
    assert 1e-4 < difference < 0.05
    assert found.computation(64).number_format == "bfloat16"
    assert found.computation(64).library.startswith(choosing.LIBRARIES[library])


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_other_pictures_of_a_batch_do_not_matter(library: LibraryName) -> None:
    found, others = classifier(library), PICTURES.copy()
    others[1:] = 255 - others[1:]
    assert np.array_equal(found.logits(PICTURES)[0], found.logits(others)[0])


def test_the_logits_of_pytorch_are_not_rounded() -> None:
    logits = classifier("torch").logits(PICTURES)
    assert len(np.unique(logits)) > 0.98 * logits.size  # in bfloat16, many would be equal


def test_the_number_format_is_stored_and_float32_is_the_same_weights(tmp_path: Path) -> None:
    original = classifier()
    original.save(tmp_path / "narrow")
    original.in_float32().save(tmp_path / "wide")
    narrow, wide = load_classifier(tmp_path / "narrow"), load_classifier(tmp_path / "wide")
    assert (narrow.description.number_format, wide.description.number_format) == ("bfloat16", "float32")
    assert narrow.weights_sha256 == wide.weights_sha256
    assert np.array_equal(narrow.in_float32().logits(PICTURES), wide.logits(PICTURES))
    assert wide.in_float32() is wide
    assert wide.computation(64).number_format == "float32"


def test_a_processor_without_bfloat16_gives_the_same_answers_by_rounding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "WORTH_OPENVINO", 0)
    monkeypatch.setattr(choosing, "WORTH_TORCH", 0)
    monkeypatch.setattr(choosing, "has_bfloat16", lambda: False)
    found = classifier()
    assert found.computation(64).library.startswith("ONNX Runtime")
    assert np.array_equal(found.logits(PICTURES), classifier("onnxruntime").logits(PICTURES))
    assert not np.array_equal(found.logits(PICTURES), found.in_float32().logits(PICTURES))


def test_engines_that_are_asked_for_keep_the_format_except_numpy() -> None:
    original = classifier()
    assert original.by_engine("torch").computation(9) == classifier("torch").computation(9)
    assert original.by_engine("numpy").computation(9).number_format == "float32"
    assert original.on_one_core("auto").computation(9).library.startswith("ONNX Runtime")
    assert original.on_one_core("auto").computation(9).number_format == "bfloat16"
    assert original.network is not None  # PyTorch computes from then on
    assert original.computation(9) == classifier("torch").computation(9)


@pytest.mark.parametrize("library", [name for name in LIBRARIES if name != "torch"])
def test_one_core_computes_the_same_bits_as_all(library: LibraryName) -> None:
    found = classifier(library).on_one_core("auto", library)
    assert found.computation(9).library.startswith(choosing.LIBRARIES[library])
    np.testing.assert_array_equal(found.logits(PICTURES), classifier(library).logits(PICTURES))


def test_an_unknown_format_and_one_of_a_python_class_are_refused(tmp_path: Path) -> None:
    description = classifier().description
    with pytest.raises(ValueError, match="number_format is bfloat16, but must be float32 for a Python class"):
        replace(description, layers=None, module="theirs.Network")
    with pytest.raises(ValueError, match="number_format is 'float16', but must be float32 or bfloat16"):
        replace(description, number_format="float16")  # type: ignore[arg-type]
    original = classifier()
    object.__setattr__(original.description, "number_format", "float8")
    original.save(tmp_path / "later")
    with pytest.raises(RunError, match="number_format is 'float8'"):
        load_classifier(tmp_path / "later")
