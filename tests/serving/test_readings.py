"""A service with a classifier that reads sequences."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from reading_classifiers import reader
from running_service import Running, form, make_classifier, picture, service_of

from picturewise.targets.sequences import SequenceTarget, is_sequences

PNG = {"Content-Type": "image/png"}
CONTENTS = [picture(seed, (12, 32)) for seed in range(3)]


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with the models numbers and colour."""
    folder = tmp_path_factory.mktemp("models")
    reader().save(folder / "numbers.safetensors")
    files = {
        "numbers": folder / "numbers.safetensors",
        "colour": make_classifier(folder / "colour.safetensors"),
    }
    with service_of(files) as found:
        yield found


def expected(running: Running, folder: Path) -> tuple[SequenceTarget, np.ndarray]:
    """The probabilities that the classifier gives for `CONTENTS`."""
    from picturewise.data.pictures.decode import read_picture

    classifier = running.classifier("numbers")
    rows = []
    for number, content in enumerate(CONTENTS):
        (folder / f"{number}.png").write_bytes(content)
        rows.append(read_picture(folder / f"{number}.png", (12, 32), 1))
    assert is_sequences(classifier.description.target)
    return classifier.description.target, classifier.probabilities(np.stack(rows))


def test_predict_tells_the_reading_its_parts_and_the_likeliest_readings(
    reading: Running, tmp_path: Path
) -> None:
    target, table = expected(reading, tmp_path)
    headers, body = form(*CONTENTS)
    found = reading.ask("POST", "/predict?model=numbers&top=3", body=body, headers=headers)
    assert found.status == 200
    answers, confidence = target.decode(table)
    for told, row, answer, sure in zip(found.json["predictions"], table, answers, confidence, strict=True):
        assert told["label"] == target.text(answer)
        assert told["probability"] == pytest.approx(sure, abs=1e-5)
        assert told["probabilities"] == pytest.approx(dict(target.alternatives(row, 3)), abs=1e-5)
        assert [(one["part"], pytest.approx(one["probability"], abs=1e-5)) for one in told["parts"]] == (
            target.parts(row)
        )
    usual = reading.ask("POST", "/predict?model=numbers", body=CONTENTS[0], headers=PNG)
    assert len(usual.json["predictions"][0]["probabilities"]) == 5
    other = reading.ask("POST", "/predict?model=colour", body=CONTENTS[0], headers=PNG)
    assert "parts" not in other.json["predictions"][0]


def test_more_readings_than_a_hundred_are_refused(reading: Running) -> None:
    found = reading.ask("POST", "/predict?model=numbers&top=101", body=CONTENTS[0], headers=PNG)
    assert (found.status, found.code) == (400, "bad_request")
    assert "at most 100 readings" in found.json["error"]["message"]
    most = reading.ask("POST", "/predict?model=numbers&top=100", body=CONTENTS[0], headers=PNG)
    assert len(most.json["predictions"][0]["probabilities"]) == 100


def test_the_open_inference_protocol_has_tensors_for_readings(reading: Running, tmp_path: Path) -> None:
    target, table = expected(reading, tmp_path)
    answers, confidence = target.decode(table)
    metadata = reading.ask("GET", "/v2/models/numbers").json
    assert [(one["name"], one["datatype"], one["shape"]) for one in metadata["outputs"]] == [
        ("label", "BYTES", [-1]), ("confidence", "FP32", [-1]), ("length", "INT64", [-1]), ("digits", "INT64", [-1, 3]),
    ]  # fmt: skip
    assert metadata["parameters"]["alphabet"] == [*"1234056789"]
    assert metadata["parameters"]["thresholds"] == {"0.98": 0.25, "0.99": 0.5}
    assert "classes" not in metadata["parameters"]
    encoded = {
        "name": "encoded", "datatype": "BYTES", "shape": [3],
        "data": [base64.b64encode(content).decode() for content in CONTENTS],
    }  # fmt: skip
    told = reading.ask(
        "POST", "/v2/models/numbers/infer", body=json.dumps({"inputs": [encoded]}).encode()
    ).json["outputs"]
    outputs = {one["name"]: one for one in told}
    assert outputs["label"]["data"] == [target.text(answer) for answer in answers]
    np.testing.assert_allclose(outputs["confidence"]["data"], confidence, atol=1e-5)
    assert outputs["length"]["data"] == answers[:, 0].tolist()
    assert outputs["digits"]["shape"] == [3, 3]
    assert outputs["digits"]["data"] == answers[:, 1:].reshape(-1).tolist()
    wanted = [{"name": "digits", "parameters": {"binary_data": True}}]
    raw = reading.ask(
        "POST", "/v2/models/numbers/infer", body=json.dumps({"inputs": [encoded], "outputs": wanted}).encode()
    )
    length = int(raw.headers["inference-header-content-length"])
    assert json.loads(raw.body[:length])["outputs"][0]["datatype"] == "INT64"
    assert np.frombuffer(raw.body[length:], "<i8").tolist() == answers[:, 1:].reshape(-1).tolist()


def test_outputs_of_the_other_kind_are_refused(reading: Running) -> None:
    content = base64.b64encode(CONTENTS[0]).decode()
    for model, wanted, known in (
        ("numbers", "probabilities", "label, confidence, length, digits"),
        ("colour", "digits", "probabilities, label"),
    ):
        request = {
            "inputs": [{"name": "encoded", "datatype": "BYTES", "shape": [1], "data": [content]}],
            "outputs": [{"name": wanted}],
        }
        found = reading.ask("POST", f"/v2/models/{model}/infer", body=json.dumps(request).encode())
        assert found.status == 400
        assert f"an output must be one of {known}" in found.json["error"]
