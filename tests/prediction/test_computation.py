from __future__ import annotations

import pytest

from picturewise.architectures.lines import parse
from picturewise.prediction import computation as choosing
from picturewise.prediction.computation import (
    LIBRARIES,
    WORTH_OPENVINO,
    WORTH_TORCH,
    LibraryName,
    bfloat16_library,
    computation,
    library_named,
)

CONVOLUTION, DENSE, GROUPS = "conv 4 3x3; flatten", "flatten; dense 4", "conv 4 3x3 depthwise; flatten"
MUCH = WORTH_TORCH


@pytest.mark.parametrize(
    ("lines", "work", "installed", "expected"),
    [
        (CONVOLUTION, 1, {"openvino", "torch"}, "onnxruntime"),
        (CONVOLUTION, WORTH_OPENVINO, {"openvino", "torch"}, "openvino"),
        (CONVOLUTION, WORTH_OPENVINO, {"torch"}, "onnxruntime"),
        (CONVOLUTION, MUCH, {"torch"}, "torch"),
        (CONVOLUTION, MUCH, set(), "onnxruntime"),
        (DENSE, MUCH, {"openvino", "torch"}, "openvino"),
        (GROUPS, MUCH, {"openvino", "torch"}, "torch"),
        (GROUPS, MUCH, {"openvino"}, "onnxruntime"),
        ("", MUCH, {"openvino"}, "onnxruntime"),
    ],
)
def test_the_library_depends_on_what_is_installed_the_network_and_the_work(
    monkeypatch: pytest.MonkeyPatch, lines: str, work: float, installed: set[str], expected: LibraryName
) -> None:
    monkeypatch.setattr(choosing, "find_spec", lambda name: name if name in installed else None)
    layers = parse(lines) if lines else ()
    for fast, library in ((True, expected), (False, "onnxruntime")):
        monkeypatch.setattr(choosing, "has_bfloat16", lambda fast=fast: fast)
        assert bfloat16_library(layers, work) == library


def test_a_computation_names_the_library_with_its_version() -> None:
    found = computation("bfloat16", "numpy")
    assert found.number_format == "bfloat16"
    assert found.library.startswith("NumPy 2.")


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_is_known_by_its_name(name: LibraryName) -> None:
    assert library_named(f"{LIBRARIES[name]} 1.2.3+cpu") == name
    assert library_named("Another 1.2.3") is None
