"""The model card, the folder for the Hub and the refusals for a classifier that reads sequences."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from reading_classifiers import pictures, reader

import picturewise
from picturewise.errors import UsageError
from picturewise.evaluation.sequences import evaluate_sequences
from picturewise.exporting.card import CardFacts, model_card
from picturewise.exporting.facts import facts_of
from picturewise.targets.sequences import is_sequences


def card(thresholds: dict[str, float]) -> tuple[str, picturewise.types.Evaluation]:
    classifier = reader()
    target, images = classifier.description.target, pictures(90)
    assert is_sequences(target)
    table = classifier.probabilities(images)
    labels = target.decode(table)[0]
    labels[::3, 1] = (labels[::3, 1] + 1) % 10
    evaluation = evaluate_sequences(
        table,
        labels,
        dataset="noise",
        split="test",
        fingerprint="0" * 64,
        target=target,
        thresholds=thresholds,
    )
    return model_card(CardFacts("numbers", facts_of(classifier, "0.1.0"), evaluation=evaluation)), evaluation


def test_the_accuracy_is_that_of_whole_numbers_with_its_interval() -> None:
    text, evaluation = card({"0.98": 0.25, "0.99": 0.5})
    head = yaml.safe_load(text.split("---\n", 2)[1])
    assert (head["pipeline_tag"], head["tags"][0]) == ("image-to-text", "image-to-text")
    (result,) = head["model-index"][0]["results"]
    assert result["task"] == {"type": "image-to-text"}
    accuracy, loss = result["metrics"]
    assert accuracy["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert accuracy["name"].startswith("whole-number accuracy, 95 % interval")
    assert loss["name"].startswith("negative log-likelihood, ")
    assert f"| whole-number accuracy | 0.6667 ({evaluation.accuracy.low:.4f}–" in text
    assert "at most 3 in a picture" in text
    assert "cross-entropy" not in text
    assert "It reads something in every picture" in text
    scores = evaluation.sequences
    assert scores is not None
    for one in scores.lengths:
        assert f"| {one.length} | {one.support} | {one.accuracy.value:.4f} ({one.accuracy.low:.4f}–" in text
    for share in scores.coverage:
        assert f"| {share.goal:g} | {share.threshold:.4f} | {share.coverage.value:.4f} (" in text
    assert len(scores.coverage) == 2


def test_without_thresholds_the_card_says_so() -> None:
    text, _ = card({})
    assert "No threshold of the confidence was found" in text


def test_the_folder_for_the_hub_has_an_alphabet_and_no_classes(tmp_path: Path) -> None:
    picturewise.export(reader(), "huggingface", out=tmp_path / "hub", progress=False)
    config = json.loads((tmp_path / "hub" / "config.json").read_text())
    assert (config["alphabet"], config["places"]) == ([*"1234056789"], 3)
    assert config["thresholds"] == {"0.98": 0.25, "0.99": 0.5}
    assert not {"id2label", "label2id", "num_labels", "problem_type"} & {*config}
    readme = (tmp_path / "hub" / "README.md").read_text()
    assert "Reads sequences of symbols in grey pictures." in readme
    again = picturewise.load_classifier(tmp_path / "hub" / "model.safetensors")
    np.testing.assert_allclose(
        again.probabilities(pictures(2)), reader().probabilities(pictures(2)), atol=1e-5
    )


def test_triton_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Triton's labels are names of classes.* Export it as onnx"):
        picturewise.export(reader(), "triton", out=tmp_path / "triton", progress=False)
    assert [*tmp_path.iterdir()] == []
