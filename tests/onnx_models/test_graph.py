from __future__ import annotations

import numpy as np
import torch
from portables import TEMPERATURE, Pair, pictures

from picturewise.onnx_models.graph import rounded
from picturewise.onnx_models.model import onnx_model
from picturewise.onnx_models.session import Session


def test_numbers_are_rounded_as_pytorch_rounds_them_to_bfloat16() -> None:
    random = np.random.default_rng(0)
    bits = random.integers(0, 1 << 32, 100_000, np.uint64).astype(np.uint32)
    numbers = bits.view(np.float32)
    numbers = numbers[np.isfinite(numbers)]
    ties = (np.arange(0x3F80, 0x4080, dtype=np.uint32) << 16 | 0x8000).view(np.float32)
    for array in (numbers, ties, -ties, np.zeros(1, np.float32)):
        assert np.array_equal(rounded(array), torch.from_numpy(array).bfloat16().float().numpy())
    assert len(np.unique(rounded(ties))) < len(ties)  # to even


def test_a_narrow_model_rounds_the_factors_of_all_layers_but_the_first() -> None:
    pair = Pair("conv 6 3x3; relu; conv 5 3x3; relu; flatten")
    model = onnx_model(
        pair.layers,
        pair.shape,
        pair.target,
        pair.state,
        pair.scale,
        temperature=TEMPERATURE,
        narrow="rounded",
    )
    images = pictures(9, pair.shape)
    expected = pair.by_torch(images)
    factors = [module for module in pair.network if hasattr(module, "weight")]
    for module in factors[1:]:
        with torch.no_grad():
            module.weight.copy_(module.weight.bfloat16().float())
        module.register_forward_pre_hook(lambda _, inputs: inputs[0].bfloat16().float())
    narrow = pair.by_torch(images)
    found = Session(model, 1).logits(images)
    assert np.abs(found - narrow).max() < 0.01 * np.abs(narrow - expected).max()
