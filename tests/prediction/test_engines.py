from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import nn

from picturewise.architectures.lines import parse
from picturewise.errors import LayerError, UsageError
from picturewise.networks.builder import build
from picturewise.onnx_models import model
from picturewise.onnx_models.session import Session
from picturewise.prediction import classifier as prediction_classifier
from picturewise.prediction import numpy_engine, onnx_engine
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.prediction.description import Description
from picturewise.prediction.engine import EngineName
from picturewise.preparing.preparation import Preparation

LINES = ("conv 4 2x2 /2 gelu", "batchnorm", "residual 6 /2", "dropout 0.5", "avgpool global", "dense 5 silu")
PICTURES = np.random.default_rng(0).integers(0, 256, (7, 12, 9, 3), np.uint8)


def classifier(lines: tuple[str, ...] | None = LINES, *, grey: bool = False) -> Classifier:
    channels = 1 if grey else 3
    description = Description(
        layers=lines,
        module=None if lines else "theirs.Network",
        shape=(11, 9, 3),
        resize="crop",
        classes=("a", "b", "c"),
        preparation=Preparation(grey=grey, mean=(100.0,) * channels, std=(50.0,) * channels),
        temperature=0.3,
    )
    network = build(parse(lines), (11, 9, channels), "dense 3", seed=1) if lines else nn.Sequential()
    return Classifier(network, description)


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("engine", ["auto", "numpy"])
def test_probabilities_are_those_of_pytorch_on_pictures_of_another_size_too(
    tmp_path: Path, grey: bool, engine: EngineName
) -> None:
    original = classifier(grey=grey)
    original.save(tmp_path / "c")
    found = load_classifier(tmp_path / "c").by_engine(engine)
    expected = original.probabilities(PICTURES)
    assert found.probabilities(PICTURES).dtype == np.float32
    np.testing.assert_allclose(found.probabilities(PICTURES), expected, rtol=1e-4, atol=1e-6)
    assert np.ptp(expected) > 0.05  # they differ from picture to picture
    assert found.weights_sha256 == original.weights_sha256
    assert found.logits(PICTURES[:0]).shape == (0, 3)


def test_auto_is_onnx_runtime_for_files_of_layer_lines_and_pytorch_for_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = classifier()
    original.save(tmp_path / "c")
    sessions, threads = list[int](), Session.__init__

    def noted(self: Session, model: bytes, number: int) -> None:
        sessions.append(number)
        threads(self, model, number)

    monkeypatch.setattr(Session, "__init__", noted)
    loaded = load_classifier(tmp_path / "c")
    for trained in (original, loaded.by_engine("torch"), loaded.by_engine("numpy")):
        trained.logits(PICTURES)
        assert not sessions
    loaded.logits(PICTURES)
    loaded.logits(PICTURES)
    assert sessions == [1]
    assert loaded.network is loaded.network
    loaded.logits(PICTURES)
    assert sessions == [1]  # other code with the module may train it


def noted_calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Return a list that grows by (threads of the session, pictures) with each batch that ONNX Runtime computes."""
    calls, made, threads = list[tuple[int, int]](), onnx_engine.Session, dict[Session, int]()
    compute = Session.logits

    def noted_session(model: bytes, number: int) -> Session:
        session = made(model, number)
        threads[session] = number
        return session

    def noted(self: Session, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        calls.append((threads[self], len(pictures)))
        return compute(self, pictures)

    monkeypatch.setattr(onnx_engine, "Session", noted_session)
    monkeypatch.setattr(Session, "logits", noted)
    return calls


def test_cores_take_batches_of_their_own_or_share_a_single_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_engine, "available_cores", lambda: 2)
    classifier().save(tmp_path / "c")
    trained, calls = load_classifier(tmp_path / "c"), noted_calls(monkeypatch)
    few = trained.logits(PICTURES)
    assert calls == [(1, 7)]  # little work
    monkeypatch.setattr(onnx_engine, "WORTH_SHARING", 1)
    np.testing.assert_allclose(trained.logits(PICTURES), few, rtol=1e-5)
    assert sorted(calls[1:]) == [(1, 3), (1, 4)]
    np.testing.assert_allclose(trained.logits(PICTURES[:1]), few[:1], rtol=1e-5)
    assert calls[3:] == [(2, 1)]
    monkeypatch.setattr(onnx_engine, "WORTH_SHARING", 1e12)
    trained.logits(PICTURES)
    assert calls[4:] == [(1, 7)]


def test_many_batches_side_by_side_are_in_order_and_those_of_one_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier().save(tmp_path / "c")
    trained = load_classifier(tmp_path / "c")
    images = np.random.default_rng(1).integers(0, 256, (2000, 12, 9, 3), np.uint8)
    monkeypatch.setattr(onnx_engine, "WORTH_SHARING", 1)
    monkeypatch.setattr(onnx_engine, "available_cores", lambda: 1)
    alone = trained.logits(images)
    monkeypatch.setattr(onnx_engine, "available_cores", lambda: 8)
    monkeypatch.setattr(prediction_classifier, "_BATCH", 10)
    for _ in range(5):
        np.testing.assert_allclose(trained.logits(images), alone, rtol=1e-4, atol=1e-5)


def test_what_goes_wrong_in_a_lane_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier().save(tmp_path / "c")
    trained = load_classifier(tmp_path / "c")
    monkeypatch.setattr(onnx_engine, "WORTH_SHARING", 1)
    monkeypatch.setattr(onnx_engine, "available_cores", lambda: 2)

    def broken(self: Session, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise MemoryError

    monkeypatch.setattr(Session, "logits", broken)
    with pytest.raises(MemoryError):
        trained.logits(PICTURES)


@pytest.mark.parametrize(
    ("side", "cores", "batches"),
    [(6, 1, [150, 150]), (700, 1, [8, 8, 8, 6]), (6, 2, [150, 150]), (700, 2, [4, 4, 4, 4, 4, 4, 4, 2])],
)
def test_no_engine_gets_more_pictures_at_once_than_memory_is_bounded_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: int, cores: int, batches: list[int]
) -> None:
    lines = ("conv 2 3x3 /9", "avgpool global")
    description = Description(
        layers=lines,
        shape=(side, side, 1),
        resize="crop",
        classes=("a", "b"),
        preparation=Preparation(mean=(100.0,), std=(50.0,)),
    )
    Classifier(build(parse(lines), (side, side, 1), "dense 2", seed=1), description).save(tmp_path / "c")
    monkeypatch.setattr(onnx_engine, "WORTH_SHARING", 1)
    monkeypatch.setattr(onnx_engine, "available_cores", lambda: cores)
    trained, calls = load_classifier(tmp_path / "c"), noted_calls(monkeypatch)
    images = np.broadcast_to(np.uint8(7), (sum(batches), side, side, 1))
    assert trained.logits(images).shape == (sum(batches), 2)
    assert sorted(calls, reverse=True) == [(1, size) for size in batches]


def test_what_is_larger_than_a_model_may_be_is_computed_by_pytorch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = classifier()
    original.save(tmp_path / "c")
    monkeypatch.setattr(model, "_MOST_BYTES", 100)
    monkeypatch.setattr(onnx_engine, "Session", None)
    np.testing.assert_array_equal(load_classifier(tmp_path / "c").logits(PICTURES), original.logits(PICTURES))


def test_what_the_numpy_engine_lacks_is_refused() -> None:
    with pytest.raises(LayerError, match="Layer line 2, 'groupnorm 2'"):
        classifier(("conv 4", "groupnorm 2", "flatten")).by_engine("numpy")
    with pytest.raises(UsageError, match=r"the Python class theirs\.Network\. Use the default engine"):
        classifier(None).by_engine("numpy")


def test_the_numpy_engine_lays_out_no_more_windows_than_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = classifier(("conv 4 3x3", "avgpool global"))
    expected = trained.by_engine("numpy").logits(PICTURES)
    windows = 11 * 9 * 27
    monkeypatch.setattr(numpy_engine, "_MOST_WINDOWS", 2 * windows)
    np.testing.assert_allclose(trained.by_engine("numpy").logits(PICTURES), expected, rtol=1e-6)
    monkeypatch.setattr(numpy_engine, "_MOST_WINDOWS", windows - 1)
    with pytest.raises(UsageError, match=r"2,673 numbers .*, but at most 2,672 are allowed\. Use"):
        trained.by_engine("numpy")
