from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import nn

from picturewise.architectures.lines import parse
from picturewise.data.pictures.cut import Cut, Spacing
from picturewise.data.pictures.pixels import as_channels
from picturewise.data.pictures.resize import resize
from picturewise.data.read_options import AsItIs
from picturewise.errors import DataError, RunError, SaveError, UsageError
from picturewise.networks import arrays, weights
from picturewise.networks.builder import build
from picturewise.networks.weights import load_weights
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.prediction.description import Description
from picturewise.prediction.engine import EngineName
from picturewise.prediction.file_format import stored_sha256, to_metadata
from picturewise.preparing.preparation import Preparation
from picturewise.targets import Places

LAYERS = ("conv 2 3x3 relu", "batchnorm", "avgpool global")
CLASSES = ("cat", "dog", "ünïcode – 猫")


def described(*, channels: int = 3, grey: bool = False, **other: object) -> Description:
    kept = 1 if grey else channels
    preparation = Preparation(grey=grey, mean=(100.0,) * kept, std=(50.0,) * kept)
    facts: dict[str, object] = {
        "layers": LAYERS,
        "shape": (6, 5, channels),
        "resize": "crop",
        "classes": CLASSES,
        "preparation": preparation,
        "temperature": 1.7,
        "provenance": {"dataset": "pets", "epoch": "3"},
    }
    return Description(**{**facts, **other})  # type: ignore[arg-type]


def classifier(*, channels: int = 3, grey: bool = False, seed: int = 0, **other: object) -> Classifier:
    description = described(channels=channels, grey=grey, **other)
    shape = description.preparation.output(description.shape)
    return Classifier(build(parse(LAYERS), shape, f"dense {len(CLASSES)}", seed=seed), description)


def pictures(count: int, height: int = 6, width: int = 5, channels: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (count, height, width, channels), dtype=np.uint8)


def test_a_saved_classifier_comes_back_whole(tmp_path: Path) -> None:
    original = classifier()
    original.save(tmp_path / "new" / "c.safetensors")
    found = load_classifier(tmp_path / "new" / "c.safetensors")
    assert found.description == original.description
    assert found.classes == CLASSES
    assert (
        found.weights_sha256 == original.weights_sha256 == stored_sha256(tmp_path / "new" / "c.safetensors")
    )
    np.testing.assert_allclose(found.logits(pictures(7)), original.logits(pictures(7)), rtol=1e-5, atol=1e-6)


SCRIPT = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
import test_classifier
print(hashlib.sha256(test_classifier.classifier().to_bytes()).hexdigest())
"""


@pytest.mark.slow
def test_equal_classifiers_give_equal_bytes_in_every_process(tmp_path: Path) -> None:
    content = classifier().to_bytes()
    assert classifier().to_bytes() == content
    (tmp_path / "c").write_bytes(content)
    assert load_classifier(tmp_path / "c").to_bytes() == content
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent)]
    other = subprocess.run(command, check=True, capture_output=True, text=True)
    assert other.stdout.strip() == hashlib.sha256(content).hexdigest()
    assert classifier(seed=1).to_bytes() != content
    assert classifier(temperature=1.8).to_bytes() != content


def test_the_file_says_what_it_holds_to_any_reader_of_safetensors(tmp_path: Path) -> None:
    classifier().save(tmp_path / "c")
    with safetensors.safe_open(tmp_path / "c", framework="np") as file:
        stored = json.loads(file.metadata()["picturewise"])
        assert set(file.keys()) == set(classifier().network.state_dict())
    assert stored["sha256"] == classifier().weights_sha256
    description = json.loads(stored["classifier"])
    assert description["layers"] == list(LAYERS)
    assert description["classes"] == list(CLASSES)


@pytest.mark.parametrize("number", [0, 1, 255, 256, 257, 513])
@pytest.mark.parametrize("engine", ["torch", "auto"])
def test_probabilities_sum_to_one_however_many_pictures_there_are(
    tmp_path: Path, number: int, engine: EngineName
) -> None:
    classifier().save(tmp_path / "c")
    found = load_classifier(tmp_path / "c").by_engine(engine).probabilities(pictures(number))
    assert found.shape == (number, 3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_probabilities_are_the_softmax_of_logits_divided_by_the_temperature() -> None:
    plain, calibrated = classifier(temperature=1.0), classifier(temperature=2.5)
    logits = plain.logits(pictures(9)).astype(np.float64)
    np.testing.assert_allclose(calibrated.logits(pictures(9)), logits / 2.5, rtol=1e-6)
    powers = np.exp(logits / 2.5)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(calibrated.probabilities(pictures(9)), expected, rtol=1e-5)


def test_logits_are_those_of_the_network_in_evaluation_mode() -> None:
    found = classifier()
    found.network.train()
    found = Classifier(found.network, found.description)
    prepared = (torch.from_numpy(pictures(4)).float().permute(0, 3, 1, 2) - 100) / 50
    with torch.no_grad():
        expected = found.network.eval()(prepared) / 1.7
    np.testing.assert_allclose(found.logits(pictures(4)), expected.numpy(), atol=1e-5)
    np.testing.assert_allclose(found.logits(pictures(4)[:1]), expected.numpy()[:1], atol=1e-5)


@pytest.mark.parametrize(("side", "batches"), [(6, [30]), (128, [30]), (700, [8, 8, 8, 6])])
def test_large_pictures_go_through_in_small_batches(side: int, batches: list[int]) -> None:
    found, seen = classifier(shape=(side, side, 3)), list[int]()
    found.network.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    assert found.logits(pictures(30)).shape == (30, 3)
    assert seen == batches


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_pictures_of_another_size_are_fitted_as_the_description_says(fit: str) -> None:
    trained, large = classifier(resize=fit), pictures(3, 13, 20)
    small = np.stack([resize(picture, (6, 5), mode=trained.description.resize) for picture in large])
    np.testing.assert_array_equal(trained.logits(large), trained.logits(small))


def test_grey_pictures_are_repeated_for_a_classifier_of_colours() -> None:
    grey = pictures(3, channels=1)
    np.testing.assert_array_equal(classifier().logits(grey), classifier().logits(np.repeat(grey, 3, axis=3)))


def test_colours_are_averaged_for_a_classifier_of_grey_pictures() -> None:
    trained = classifier(channels=1)
    np.testing.assert_array_equal(trained.logits(pictures(3)), trained.logits(as_channels(pictures(3), 1)))


def test_another_size_and_other_channels_at_once() -> None:
    trained, large = classifier(channels=1), pictures(3, 13, 20)
    small = np.stack([resize(picture, (6, 5)) for picture in large])
    np.testing.assert_array_equal(trained.logits(large), trained.logits(as_channels(small, 1)))


def test_a_classifier_that_prepares_grey_takes_colours() -> None:
    trained = classifier(grey=True)
    same_mean = pictures(3)[..., [2, 0, 1]]
    np.testing.assert_allclose(trained.logits(pictures(3)), trained.logits(same_mean), atol=1e-5)


@pytest.mark.parametrize("engine", ["torch", "auto", "numpy"])
def test_pictures_may_be_read_only_views_of_anything(tmp_path: Path, engine: EngineName) -> None:
    classifier().save(tmp_path / "c")
    trained, many = load_classifier(tmp_path / "c").by_engine(engine), pictures(4, 6, 10)
    expected = trained.logits(np.ascontiguousarray(many[::-1, :, ::-2]))
    many.flags.writeable = False
    np.testing.assert_array_equal(trained.logits(many[::-1, :, ::-2]), expected)


@pytest.mark.parametrize(
    "images", [pictures(2)[0], pictures(2).astype(np.float32), pictures(2)[..., :2], pictures(2)[..., 0]]
)
def test_arrays_that_are_not_pictures_are_refused(images: NDArray[np.uint8]) -> None:
    with pytest.raises(DataError, match=r"Pictures have shape \("):
        classifier().logits(images)


def loaded(path: Path) -> tuple[str, Description]:
    found = load_classifier(path)
    return found.weights_sha256, found.description


def test_a_single_changed_byte_is_noticed_or_changes_nothing(tmp_path: Path) -> None:
    path, original = tmp_path / "c.safetensors", classifier()
    content = original.to_bytes()
    data_begins = 8 + int.from_bytes(content[:8], "little")
    chance = random.Random(0)
    in_data = chance.sample(range(data_begins, len(content)), 50)
    noticed = 0
    for position in [*range(0, data_begins, 2), *in_data]:
        changed = bytearray(content)
        changed[position] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        try:
            found = loaded(path)
        except RunError as error:
            noticed += 1
            assert str(error).startswith(str(path))  # noqa: PT017 (both outcomes are right)
        else:
            assert found == (original.weights_sha256, original.description), f"byte {position}"
            assert position < data_begins
    assert noticed > 0.9 * (data_begins / 2 + len(in_data))


def test_the_background_is_kept_and_written_only_where_it_is_not_white(tmp_path: Path) -> None:
    assert "background" not in json.loads(described().to_json())
    classifier(background="black").save(tmp_path / "c.safetensors")
    description = load_classifier(tmp_path / "c.safetensors").description
    assert description.background == "black"
    assert description.read_options(skip_bad=True) == AsItIs(
        (6, 5), "crop", skip_bad=True, background="black", learned=(0.0, 255.0)
    )
    rewritten(tmp_path / "c", background="grey")
    with pytest.raises(RunError, match="background is 'grey', but must be white or black"):
        load_classifier(tmp_path / "c")


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    path, content = tmp_path / "c.safetensors", classifier().to_bytes()
    for length in range(0, len(content), 37):
        path.write_bytes(content[:length])
        with pytest.raises(RunError, match=r"c\.safetensors is damaged"):
            load_classifier(path)


def rewritten(path: Path, *, sha256: str | None = None, **changes: object) -> None:
    """Write the test's classifier with a changed description, with a new hash."""
    original = classifier()
    description = json.dumps(json.loads(original.description.to_json()) | changes)
    stored = {
        "sha256": sha256 or original.weights_sha256,
        "classifier_sha256": hashlib.sha256(description.encode()).hexdigest(),
        "classifier": description,
    }
    path.write_bytes(weights.to_bytes(original.network.state_dict(), {"picturewise": json.dumps(stored)}))


READS = {"answer": "numbers 2", "classes": ["0", "1", "2"]}


def test_the_description_of_sequences_is_written_and_read() -> None:
    whole = replace(
        classifier().description,
        answer="numbers 2", classes=("0", "1", "2"), thresholds={"0.98": 0.75, "0.99": 1.0},
    )  # fmt: skip
    assert Description.from_json(whole.to_json()) == whole
    assert whole.target == Places(("0", "1", "2"), 2)
    assert "thresholds" not in json.loads(classifier().description.to_json())


@pytest.mark.parametrize(
    "cut",
    [Cut("sequence"), Cut("symbol"), Cut("symbol", Spacing(0.9, (0.5, 0.1), (1, 0.05)))],
)
def test_what_was_cut_out_is_written_and_read(cut: Cut) -> None:
    whole = replace(classifier().description, cut=cut)
    assert Description.from_json(whole.to_json()) == whole
    assert "cut" not in json.loads(classifier().description.to_json())


def test_weights_of_classes_do_not_fit_sequences(tmp_path: Path) -> None:
    rewritten(tmp_path / "c", **READS)
    with pytest.raises(RunError, match="the weights of another network"):
        load_classifier(tmp_path / "c")


def test_another_format_is_named_whatever_else_it_says(tmp_path: Path) -> None:
    rewritten(tmp_path / "c", format=3, novelty="unheard of", classes=None)
    with pytest.raises(
        RunError, match=r"c has format 3, but this version of Picturewise reads formats 1 to 2\."
    ):
        load_classifier(tmp_path / "c")


@pytest.mark.parametrize(
    "changes",
    [
        {"novelty": 1},
        {"classes": None},
        {"classes": []},
        {"temperature": 0},
        {"shape": [6, 5]},
        {"shape": [6, -5, 3]},
        {"shape": [6, 5, 4]},
        {"preparation": {"grey": False, "mean": [1.0], "std": [1.0]}},
        {"preparation": {"grey": False, "mean": [1.0, 1.0, 1.0], "std": [1.0, 0.0, 1.0]}},
        {"format": "x"},
        {"resize": "squeeze"},
        {"layers": [1]},
        {"layers": "flatten"},
        {"module": 3},
        {"provenance": {"epoch": 3}},
        {"temperature": "1"},
        {"temperature": 10**400},
        {"temperature": 1e-320},
        {"temperature": 1e308},
        {"shape": [1025, 5, 3]},
        {"classes": ["cat", "dog", "dog"]},
        {"classes": ["cat", "dog", "x" * 10_001]},
        {"classes": ["cat", "e\u0301", "\u00e9"]},
        {"classes": [str(number) for number in range(65_537)]},
        {"preparation": {"mean": [1e308] * 3, "std": [1.0] * 3}},
        {"preparation": {"mean": [-1.1e9] * 3, "std": [1.0] * 3}},
        {"preparation": {"mean": [1.0] * 3, "std": [1e-320] * 3}},
        {"preparation": {"mean": [1.0] * 3, "std": [1e39] * 3}},
        {"preparation": None},
        {"preparation": {"mean": [1.0] * 3}},
        {"preparation": {"mean": [1.0] * 3, "std": [1.0] * 3, "more": 1}},
        {"preparation": {"mean": [1.0] * 3, "std": [True] * 3}},
        {"preparation": {"mean": ["1"] * 3, "std": [1.0] * 3}},
        {"preparation": {"mean": [1.0] * 3, "std": [1.0] * 3, "grey": 0}},
        {"preparation": {"mean": [1.0] * 3, "std": [1.0] * 3, "views": ["turn"]}},
        {"answer": "two classes"},
        {"answer": 5},
        {"answer": ["numbers 5"]},
        {"answer": "numbers"},
        {"answer": "numbers 0"},
        {"answer": "numbers 65"},
        {"answer": "numbers 05"},
        {"answer": "numbers ٥"},
        {"answer": "numbers 5 5"},
        {"answer": "numbers " + "9" * 5000},
        {"answer": "numbers 5"},  # the names of the classes are no symbols
        {"answer": "numbers 5", "classes": [chr(0x4E00 + number) for number in range(1001)]},
        {"thresholds": {"0.98": 0.5}},  # of classes
        {**READS, "thresholds": {"0.98": 1.5}},
        {**READS, "thresholds": {"0.98": -0.1}},
        {**READS, "thresholds": {"0.98": "0.5"}},
        {**READS, "thresholds": {"0.98": None}},
        {**READS, "thresholds": {"0.98": 10**400}},
        {**READS, "thresholds": {"98": 0.5}},
        {**READS, "thresholds": {"1.0": 0.5}},
        {**READS, "thresholds": {"0.": 0.5}},
        {**READS, "thresholds": {"0.98\n": 0.5}},
        {**READS, "thresholds": {"0.٩": 0.5}},
        {**READS, "thresholds": {"0.9999999": 0.5}},
        {**READS, "thresholds": [0.5]},
        {**READS, "thresholds": "0.5"},
        {"cut": "symbol"},
        {"cut": {"of": "digit"}},
        {"cut": {"of": ["symbol"]}},
        {"cut": {"of": "symbol", "more": 1}},
        {"cut": {"spacing": None}},
        {"cut": {"of": "symbol", "spacing": [1]}},
        {"cut": {"of": "symbol", "spacing": {"side": 1.0, "edge": [0.5, 0.1]}}},
        {"cut": {"of": "symbol", "spacing": {"side": 1.0, "edge": [0.5, 0.1], "pitch": [0.5]}}},
        {"cut": {"of": "symbol", "spacing": {"side": 1.0, "edge": [0.5, 0.1], "pitch": "ab"}}},
        {"cut": {"of": "symbol", "spacing": {"side": 1.0, "edge": [0.5, 0.0], "pitch": [0.5, 0.1]}}},
        {"cut": {"of": "symbol", "spacing": {"side": True, "edge": [0.5, 0.1], "pitch": [0.5, 0.1]}}},
        {"cut": {"of": "symbol", "spacing": {"side": 1.0, "edge": [0.5, 0.1], "pitch": [0.5, 10**400]}}},
    ],
)
def test_a_description_that_makes_no_sense_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    rewritten(tmp_path / "c", **changes)
    with pytest.raises(RunError, match=r"is damaged or was written by another version of Picturewise: "):
        load_classifier(tmp_path / "c")


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        (
            ["flatten", "dense 9000"],
            r"the weights of another network: it has \d+ values, but the network has 846,0",
        ),
        (["dense 4 r\x7flu"], r"The network in .*c cannot be built: .*'r\\x7flu' is not allowed here"),
        (["conv 4 9x9 valid"], "c cannot be built: "),
    ],
)
def test_a_network_that_the_file_cannot_fill_is_not_built(
    tmp_path: Path, layers: list[str], sentence: str
) -> None:
    rewritten(tmp_path / "c", layers=layers)
    with pytest.raises(RunError, match=sentence):
        load_classifier(tmp_path / "c")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_a_description_with_something_that_is_not_a_number_is_refused(tmp_path: Path, number: str) -> None:
    original = classifier()
    description = original.description.to_json().replace("1.7", number)
    stored = {
        "sha256": original.weights_sha256,
        "classifier_sha256": hashlib.sha256(description.encode()).hexdigest(),
        "classifier": description,
    }
    content = weights.to_bytes(original.network.state_dict(), {"picturewise": json.dumps(stored)})
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(
        RunError, match=r"is damaged or was written by another version of Picturewise: .* in format 2"
    ):
        load_classifier(tmp_path / "c")


def test_a_description_of_megabytes_is_not_looked_at(tmp_path: Path) -> None:
    text = json.dumps({"sha256": "x" * (9 << 20)})
    safetensors.torch.save_file({"a": torch.ones(2)}, tmp_path / "c", {"picturewise": text})
    with pytest.raises(
        RunError,
        match=r"c is damaged .*: its description has 9,437,\d+ characters, but at most 8,388,608 are",
    ):
        load_classifier(tmp_path / "c")


def test_a_network_that_costs_too_much_is_refused_before_any_weight_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = ["conv 64", "conv 64", "avgpool global"]
    rewritten(tmp_path / "c", layers=layers, shape=[1024, 1024, 3])
    monkeypatch.setattr(arrays, "read", None)
    with pytest.raises(RunError, match=r"c cannot be built: .* too expensive for pictures of 1024"):
        load_classifier(tmp_path / "c")


SPECIAL = (float("nan"), float("inf"), -float("inf"))


def with_numbers(path: Path, name: str, number: float, kind: torch.dtype = torch.float32) -> None:
    """Write the test's classifier with one number of its weights changed, in a type of numbers, and its hash right."""
    original = classifier()
    state = {name: tensor.clone() for name, tensor in original.network.state_dict().items()}
    if kind != torch.float32:
        state = {name: one.to(kind) if one.is_floating_point() else one for name, one in state.items()}
    state[name] = state[name].contiguous()
    state[name].view(-1)[-1] = number
    metadata = to_metadata(original.description, weights.fingerprint(state))
    path.write_bytes(weights.to_bytes(state, metadata))


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("name", "number", "said"),
    [
        *(("0.weight", number, "'0.weight' contains values that are not finite") for number in SPECIAL),
        *(("2.running_var", number, "'2.running_var' contains values that are not") for number in SPECIAL),
        ("2.running_var", -1e-6, "'2.running_var' contains a negative variance"),
        ("2.running_mean", SPECIAL[0], "'2.running_mean' contains values that are not finite"),
        ("4.bias", SPECIAL[1], "'4.bias' contains values that are not finite"),
    ],
)
def test_weights_that_are_not_numbers_are_refused(
    tmp_path: Path, name: str, number: float, said: str, kind: torch.dtype
) -> None:
    with_numbers(tmp_path / "c", name, number, kind)
    with pytest.raises(RunError, match=f"c is damaged or malicious: {said}"):
        load_classifier(tmp_path / "c")


def test_weights_that_float32_does_not_hold_are_refused(tmp_path: Path) -> None:
    with_numbers(tmp_path / "c", "0.weight", 1e308, torch.float64)
    with pytest.raises(RunError, match=r"'0\.weight' contains values that are not finite"):
        load_classifier(tmp_path / "c")


@pytest.mark.parametrize("number", [-1.0, 0.0, -0.0, 1e-45, 1e30])
def test_weights_that_are_small_large_or_negative_are_loaded(tmp_path: Path, number: float) -> None:
    with_numbers(tmp_path / "c", "0.bias", number)
    assert load_classifier(tmp_path / "c").probabilities(pictures(2)).sum() == pytest.approx(2)


@pytest.mark.parametrize("engine", ["auto", "torch", "numpy"])
def test_a_picture_without_finite_logits_is_refused_by_name_whatever_computes(
    tmp_path: Path, engine: EngineName
) -> None:
    original = classifier(preparation=Preparation(mean=(0.0,) * 3, std=(1.0,) * 3))
    with torch.no_grad():  # white pictures come to more than float32 holds, black ones to nothing
        for tensor in original.network.parameters():
            tensor.fill_(1e37 if tensor.ndim > 1 else 0)
    original.save(tmp_path / "c")
    loaded = load_classifier(tmp_path / "c").by_engine(engine)
    images = np.zeros((3, 6, 5, 3), np.uint8)
    assert np.isfinite(loaded.probabilities(images)).all()
    images[1:] = 255
    with np.errstate(all="ignore"):
        with pytest.raises(
            RunError, match=r"not finite \(.*\) for 2 of 3 pictures; the first is picture 2\."
        ):
            loaded.logits(images)
        with pytest.raises(RunError, match=r"2 of 3 pictures; the first is 'b\\x1b\.png'\. Its weights"):
            loaded.probabilities(images, ["a.png", "b\x1b.png", "c.png"])


class Masked(nn.Module):
    """A network with a buffer that is infinite on purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.tensor([0.0, -torch.inf]))
        self.last = nn.Linear(90, 3)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.last(batch.flatten(1))
        return found


def test_a_buffer_of_a_python_class_may_be_infinite_its_parameters_may_not(tmp_path: Path) -> None:
    original = Classifier(Masked(), described(layers=None, module="mine.Masked"))
    original.save(tmp_path / "c")
    assert load_classifier(tmp_path / "c", Masked()).weights_sha256 == original.weights_sha256
    with torch.no_grad():
        original.network.last.bias[1] = torch.nan  # type: ignore[union-attr, index]
    original.save(tmp_path / "c")
    with pytest.raises(RunError, match=r"'last\.bias' contains values that are not finite"):
        load_classifier(tmp_path / "c", Masked())


def test_small_pictures_with_many_channels_go_through_in_small_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("picturewise.prediction.classifier._HELD_AT_ONCE", 10 * (6 * 5 * (3 + 2)))
    found, seen = classifier(), list[int]()
    found.network.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    assert found.logits(pictures(30)).shape == (30, 3)
    assert seen == [10, 10, 10]


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_not_a_regular_file_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    make(tmp_path / "c")
    with pytest.raises(RunError, match=r"is a folder|is not a regular file\. Pass a weights file\."):
        load_classifier(tmp_path / "c")


def test_weights_that_are_not_those_described_are_refused(tmp_path: Path) -> None:
    rewritten(tmp_path / "c", sha256="0" * 64)
    with pytest.raises(RunError, match="is damaged: the SHA-256 of its weights differs"):
        load_classifier(tmp_path / "c")


def test_other_safetensors_files_are_not_classifiers(tmp_path: Path) -> None:
    safetensors.torch.save_file({"a": torch.ones(2)}, tmp_path / "c", {"format": "pt"})
    for read in (load_classifier, stored_sha256):
        with pytest.raises(RunError, match=r"is a safetensors file, but not a classifier\. Pass a file that"):
            read(tmp_path / "c")
    with pytest.raises(RunError, match="nothing cannot be read: "):
        stored_sha256(tmp_path / "nothing")


def test_a_folder_is_distinguished_from_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is a folder\. Pass a classifier file, such as .*/classifier\."):
        load_classifier(tmp_path)


def test_the_first_tensor_that_differs_is_named_with_both_shapes() -> None:
    network, state = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)), nn.Linear(3, 2).state_dict()
    with pytest.raises(
        RunError, match=r"here contains the weights of another network: '0\.bias' is missing, but"
    ):
        load_weights(network, {}, "here")
    with pytest.raises(RunError, match=r"'weight' is \(2, 3\), but \(2, 4\) in this network\."):
        load_weights(nn.Linear(4, 2), state, "here")
    with pytest.raises(RunError, match=r"'weight' is \(2, 3\), but missing in this network\."):
        load_weights(nn.Identity(), {"weight": state["weight"]}, "here")


def test_weights_that_do_not_fit_change_nothing() -> None:
    network = nn.Linear(3, 2)
    before = weights.fingerprint(network.state_dict())
    with pytest.raises(RunError):
        load_weights(network, {"weight": torch.zeros(2, 3), "bias": torch.zeros(3)}, "here")
    assert weights.fingerprint(network.state_dict()) == before


class Own(nn.Module):
    """A user's network."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(90, width), nn.Linear(width, 3))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.body(batch)
        return found


def test_a_python_class_is_asked_for_and_filled(tmp_path: Path) -> None:
    original = Classifier(Own(), described(layers=None, module="mine.Own"))
    original.save(tmp_path / "c")
    with pytest.raises(
        UsageError, match=r"weights of the Python class mine\.Own\. Pass an instance of that class as net"
    ):
        load_classifier(tmp_path / "c")
    with pytest.raises(
        RunError, match=r"the weights of another network: 'body\.1\.bias' is \(4,\), but \(5,\)"
    ):
        load_classifier(tmp_path / "c", Own(5))
    found = load_classifier(tmp_path / "c", Own())
    np.testing.assert_array_equal(found.logits(pictures(3)), original.logits(pictures(3)))


def test_a_place_that_cannot_be_written_is_a_save_error(tmp_path: Path) -> None:
    with pytest.raises(SaveError):
        classifier().save(tmp_path)


def test_shapes_of_other_weights_are_reported_by_name_before_anything_computes_them(tmp_path: Path) -> None:
    rewritten(tmp_path / "c", layers=["conv 2 1x3 relu", "batchnorm", "avgpool global"])
    sentence = r"'0\.weight' is \(2, 3, 3, 3\), but \(2, 3, 1, 3\) in this network"
    with pytest.raises(RunError, match=sentence):
        load_classifier(tmp_path / "c")
    rewritten(tmp_path / "c", layers=["conv 2", "relu", "relu", "batchnorm", "avgpool global"])
    with pytest.raises(RunError, match=r"'2\.bias' is \(2,\), but missing in this network"):
        load_classifier(tmp_path / "c")


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_weights_of_types_that_layer_lines_have_not_are_computed_as_float32(
    tmp_path: Path, kind: torch.dtype
) -> None:
    original = classifier()
    state = {
        name: tensor.to(kind) if tensor.is_floating_point() else tensor
        for name, tensor in original.network.state_dict().items()
    }
    metadata = to_metadata(original.description, weights.fingerprint(state))
    (tmp_path / "c").write_bytes(weights.to_bytes(state, metadata))
    found = load_classifier(tmp_path / "c")
    assert {tensor.dtype for tensor in found.network.state_dict().values()} == {torch.float32, torch.int64}
    np.testing.assert_allclose(found.logits(pictures(3)), original.logits(pictures(3)), atol=0.05)


def test_a_network_that_is_trained_on_is_never_computed_with_older_weights(tmp_path: Path) -> None:
    original = classifier()
    original.save(tmp_path / "c")
    loaded = load_classifier(tmp_path / "c")
    for trained in (
        original,
        loaded,
        loaded.by_engine("numpy"),
        load_classifier(tmp_path / "c").by_engine("torch"),
    ):
        before, sha256 = trained.logits(pictures(3)), trained.weights_sha256
        with torch.no_grad():
            trained.network[-1].bias.add_(5)  # type: ignore[union-attr, operator]
        np.testing.assert_allclose(trained.logits(pictures(3)), before + 5 / 1.7, rtol=1e-5)
        assert trained.weights_sha256 != sha256
        assert trained.to_bytes() != (tmp_path / "c").read_bytes()


def test_another_engine_can_be_chosen_for_a_classifier_without_changing_it(tmp_path: Path) -> None:
    classifier().save(tmp_path / "c")
    loaded = load_classifier(tmp_path / "c")
    bits = loaded.logits(pictures(5))
    for engine in ("torch", "numpy"):
        other = loaded.by_engine(engine)
        np.testing.assert_allclose(other.logits(pictures(5)), bits, rtol=1e-5, atol=1e-6)
        assert other.by_engine(engine) is other
        assert other.weights_sha256 == loaded.weights_sha256
    np.testing.assert_array_equal(loaded.logits(pictures(5)), bits)
    assert loaded.by_engine("auto") is loaded


SCRIPT_WITHOUT_TORCH = """
import sys
from pathlib import Path
import numpy as np
from picturewise.prediction.classifier import load_classifier
from picturewise.prediction.file_format import stored_sha256, to_metadata
found = load_classifier(Path(sys.argv[1]))
assert found.weights_sha256 == stored_sha256(Path(sys.argv[1]))
found.probabilities(np.zeros((2, 9, 9, 1), np.uint8))
assert found.to_bytes() == Path(sys.argv[1]).read_bytes()
found.by_engine("numpy").logits(np.zeros((2, 9, 9, 1), np.uint8))
assert "torch" not in sys.modules
found.network
assert "torch" in sys.modules
"""


@pytest.mark.slow
def test_all_of_a_loaded_classifier_but_its_module_does_without_torch(tmp_path: Path) -> None:
    classifier().save(tmp_path / "c")
    subprocess.run([sys.executable, "-c", SCRIPT_WITHOUT_TORCH, str(tmp_path / "c")], check=True)


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_is_above_zero(temperature: float) -> None:
    with pytest.raises(ValueError, match="must be a number from 1e-09 to 1e"):
        described(temperature=temperature)
