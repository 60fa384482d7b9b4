"""The model card and the folders that other programs read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load as load_tensors

import picturewise
from picturewise.cli.app import run as command
from picturewise.errors import UsageError
from picturewise.exporting.card import CardFacts, model_card
from picturewise.exporting.triton import triton_folder
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.description import Description
from picturewise.preparing.preparation import Preparation
from picturewise.runs.run import Run

HOSTILE = ("a|b", "``tick`", "</script>", "[link](x)", "# head", "---")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("trained") / "my-run"
    return picturewise.train("digits", model="mlp 32", epochs=2, out=out, progress=False)


def front_matter(card: str) -> dict[str, Any]:
    _, text, _ = card.split("---\n", 2)
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def hostile() -> Classifier:
    """A classifier whose class names try to leave their places."""
    description = Description(
        layers=("flatten",),
        shape=(2, 2, 1),
        resize="crop",
        classes=HOSTILE,
        preparation=Preparation(mean=(100.0,), std=(50.0,)),
        provenance={"dataset": "x: `y`\n---\nlicense: mit"},
    )
    return Classifier(
        {"1.weight": np.ones((6, 4), np.float32), "1.bias": np.zeros(6, np.float32)}, description
    )


def test_before_the_evaluation_the_card_says_that_nobody_knows(trained: Run) -> None:
    card = picturewise.card(trained)
    assert "**Not evaluated on test pictures.**" in card
    kept = trained.kept_epoch
    assert f"accuracy is {kept.valid_accuracy:.4f} (epoch {kept.epoch})" in card
    assert "model-index" not in front_matter(card)


def test_after_it_every_score_has_its_interval(trained: Run) -> None:
    evaluation = picturewise.evaluate(trained)
    card = picturewise.card(trained, licence="apache-2.0")
    head = front_matter(card)
    assert (head["license"], head["pipeline_tag"]) == ("apache-2.0", "image-classification")
    (result,) = head["model-index"][0]["results"]
    assert result["dataset"] == {"name": "digits", "type": "digits", "split": "test"}
    accuracy, loss = result["metrics"]
    assert accuracy["value"] == pytest.approx(evaluation.accuracy.value, abs=1e-6)
    assert f"{evaluation.accuracy.low:.4f} to {evaluation.accuracy.high:.4f}" in accuracy["name"]
    assert loss["type"] == "loss"
    for score in evaluation.per_class:
        assert score.recall is not None
        assert (
            f"| `{score.name}` | {score.support} | {score.recall.value:.4f} ({score.recall.low:.4f}–" in card
        )
    assert trained.classifier().weights_sha256 in card
    assert "$ picturewise train DATA --recipe recipe.toml" in card
    assert f"Began at {trained.record.sessions[0].date} and took " in card
    assert "No licence was named" not in card
    assert "No licence was named" in picturewise.card(trained)


def test_a_recipe_in_a_card_trains_the_same_weights_and_names_no_folder(
    tmp_path: Path, picture_folder: Path
) -> None:
    run = picturewise.train(
        picture_folder, model="mlp 8", epochs=1, folds=0, out=tmp_path / "run", progress=False
    )
    card = picturewise.card(run)
    assert str(picture_folder) not in card
    (recipe,) = re.findall(r"```toml\n(.*?)```", card, re.DOTALL)
    (tmp_path / "recipe.toml").write_text(recipe)
    again = picturewise.train(
        picture_folder, recipe=tmp_path / "recipe.toml", out=tmp_path / "again", progress=False
    )
    assert again.record.final_weights_sha256 == run.record.final_weights_sha256


def test_hostile_names_stay_in_their_places() -> None:
    card = picturewise.card(hostile(), licence="mit\n---\n# x")
    head = front_matter(card)
    assert head["license"] == "mit\n---\n# x"
    assert card.count("\n# ") == 1
    assert "```tick` ```" not in card
    assert "``` ``tick` ```" in card
    assert "`</script>`" in card
    assert "`x: ``y" not in card
    assert "``x: `y`\\n---\\nlicense: mit``" not in card.split("---\n", 2)[1]


def test_the_command_prints_or_writes_it(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["card", str(trained.path)]) == 0
    printed = capsys.readouterr().out
    assert printed == picturewise.card(trained)
    assert command(["card", str(trained.path), "--out", str(tmp_path / "README.md")]) == 0
    assert (tmp_path / "README.md").read_text() == printed
    assert command(["card", str(trained.path), "--out", str(tmp_path / "README.md")]) == 2


def test_a_classifier_alone_has_a_card_too(trained: Run) -> None:
    card = picturewise.card(trained.classifier())
    assert "Trained on `digits`. The run is not at hand, so no more is known." in card
    assert f"{trained.record.parameters:,} parameters" in card


def test_the_folder_for_the_hub_has_what_the_hub_reads(trained: Run, tmp_path: Path) -> None:
    found = picturewise.export(trained, "huggingface", out=tmp_path / "hub", licence="mit", progress=False)
    assert found.parity is None
    assert {path.relative_to(tmp_path / "hub").as_posix() for path in found.files} >= {
        "README.md", "config.json", "preprocessor_config.json", "model.safetensors", "figures/learning-curves.png",
    }  # fmt: skip
    assert found.bytes == sum(path.stat().st_size for path in found.files)
    config = json.loads((tmp_path / "hub" / "config.json").read_text())
    assert config["id2label"] == {str(number): str(number) for number in range(10)}
    assert config["label2id"] == {str(number): number for number in range(10)}
    assert front_matter((tmp_path / "hub" / "README.md").read_text())["license"] == "mit"
    # Picturewise opens the weights as its own, and other programs as tensors
    again = picturewise.load_classifier(tmp_path / "hub" / "model.safetensors")
    assert again.weights_sha256 == trained.classifier().weights_sha256
    assert "1.weight" in load_tensors((tmp_path / "hub" / "model.safetensors").read_bytes())
    preprocessor = json.loads((tmp_path / "hub" / "preprocessor_config.json").read_text())
    preparation = trained.classifier().description.preparation
    assert preprocessor["image_mean"] == [pytest.approx(mean / 255) for mean in preparation.mean]
    with pytest.raises(UsageError, match="already exists"):
        picturewise.export(trained, "huggingface", out=tmp_path / "hub", progress=False)
    with pytest.raises(UsageError, match="licence is for the model card"):
        picturewise.export(trained, "triton", out=tmp_path / "t", licence="mit", progress=False)


def test_the_repository_for_triton_has_its_form(trained: Run, tmp_path: Path) -> None:
    found = picturewise.export(trained, "triton", out=tmp_path / "models", progress=False)
    assert found.parity is not None
    names = [path.relative_to(tmp_path / "models").as_posix() for path in found.files]
    assert names == ["my-run/config.pbtxt", "my-run/labels.txt", "my-run/1/model.onnx"]
    assert (tmp_path / "models" / "my-run" / "labels.txt").read_text().split() == [*map(str, range(10))]
    config = (tmp_path / "models" / "my-run" / "config.pbtxt").read_text()
    assert config.startswith('name: "my-run"\nplatform: "onnxruntime_onnx"\n')
    assert config.count("[") == config.count("]")
    assert config.count("{") == config.count("}")


def test_a_name_that_no_address_can_hold_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be the name of a model in Triton"):
        triton_folder("a/b", ["x"], b"")


def test_small_and_uneven_classes_are_named(trained: Run) -> None:
    record = trained.record
    counts = dict.fromkeys(record.data.classes, 20) | {"0": 500}
    splits = {"train": record.data.splits["train"].model_copy(update={"counts": counts})}
    data = record.data.model_copy(update={"splits": splits})
    facts = {
        "classes": list(record.data.classes), "picturewise": "1", "temperature": 1.5, "weights_sha256": "0",
        "preparation": {"channels": 3, "height": 8, "width": 8, "resize": "crop"}, "provenance": {},
    }  # fmt: skip
    evaluation = picturewise.evaluate(trained)
    per_class = tuple(one.model_copy(update={"support": 5}) for one in evaluation.per_class)
    card = model_card(
        CardFacts(
            "x",
            facts,
            record=record.model_copy(update={"data": data}),
            evaluation=evaluation.model_copy(update={"per_class": per_class}),
        )
    )
    assert "The classes differ in size: 500 training pictures of `0`, 20 of `1`." in card
    assert "Fewer than 30 test pictures, so little is known: `0` (5), `1` (5)" in card
    assert "calibrated with a temperature of 1.500" in card
    assert "Classifies colour pictures" in card
