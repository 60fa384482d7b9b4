"""The command as a process: its start, its signals, its end."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from running_service import deep_picture, make_classifier, picture
from served_process import Served, command, served

from picturewise.data.hints import Hints
from picturewise.tasks.predict import predict as predict_in_python

PREDICT = "/predict"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_classifier(tmp_path_factory.mktemp("served") / "pets.safetensors")


def predict(service: Served) -> tuple[int, object]:
    return service.ask("POST", PREDICT, picture(), Content_Type="image/png")


def wait_for(service: Served, event: str, count: int = 1) -> dict[str, object]:
    for _ in range(600):
        if len(found := service.events(event)) >= count:
            return found[-1]
        time.sleep(0.05)
    raise AssertionError(service.log.read_text(encoding="utf-8"))


def test_it_answers_and_ends_with_a_sentence(file: Path, tmp_path: Path) -> None:
    with served(tmp_path, file) as service:
        assert predict(service)[0] == 200
        status, told = service.ask("GET", "/v2/models/pets")
        assert (status, told["parameters"]["classes"]) == (200, ["cat", "dog", "ünï 猫"])
        code, said = service.end()
    assert (code, said) == (0, "Stopped after 2 requests; all that were accepted have been answered.\n")
    assert [line["path"] for line in service.events("request")] == [PREDICT, "/v2/models/pets"]


def test_deep_pictures_have_the_range_that_the_option_says(file: Path, tmp_path: Path) -> None:
    scan = tmp_path / "scan.png"
    scan.write_bytes(deep_picture())
    with served(tmp_path, file, "--value-range", "0..4095") as service:
        status, told = service.ask("POST", PREDICT, scan.read_bytes(), Content_Type="image/png")
        _, described = service.ask("GET", "/openapi.json")
        tensor = {"name": "encoded", "datatype": "BYTES", "shape": [1]}
        infer = {"inputs": [tensor | {"data": [base64.b64encode(scan.read_bytes()).decode()]}]}
        _, inferred = service.ask("POST", "/v2/models/pets/infer", json.dumps(infer).encode())
    assert status == 200
    (predicted,), _ = predict_in_python(file, scan, hints=Hints(value_range="0..4095"))
    expected = predicted.probabilities
    assert told["predictions"][0]["probabilities"] == pytest.approx(expected, abs=1e-6)
    assert inferred["outputs"][0]["data"] == pytest.approx(list(expected.values()), abs=1e-6)
    body = described["paths"]["/predict"]["post"]["requestBody"]
    assert "0 is black and 4095 is white" in body["description"]


def test_it_needs_no_torch_and_no_training(file: Path, tmp_path: Path) -> None:
    with served(tmp_path, file) as service:
        assert predict(service)[0] == 200
        mapped = Path(f"/proc/{service.process.pid}/maps")
        if not mapped.exists():
            pytest.skip("only Linux says which libraries a process has")
        assert "libtorch" not in mapped.read_text()


def test_a_new_file_takes_the_place_of_the_old_one_unless_it_is_damaged(file: Path, tmp_path: Path) -> None:
    place = tmp_path / "pets.safetensors"
    shutil.copy(file, place)
    with served(tmp_path, place) as service:
        _, before = service.ask("GET", "/v2/models/pets")
        place.write_bytes(file.read_bytes()[:-8])
        service.process.send_signal(signal.SIGHUP)
        told = wait_for(service, "reload")
        assert (told["level"], "goes on serving" in str(told["message"])) == ("error", True)
        assert service.ask("GET", "/v2/models/pets") == (200, before)
        assert predict(service)[0] == 200
        make_classifier(place, seed=5)
        service.process.send_signal(signal.SIGHUP)
        assert wait_for(service, "reload", 2)["level"] == "info"
        _, after = service.ask("GET", "/v2/models/pets")
        assert after["versions"] != before["versions"]
        assert predict(service)[0] == 200
        _, found = service.ask("GET", "/metrics")
        assert b'picturewise_reloads_total{outcome="failed"} 1\n' in found
        assert service.end()[0] == 0


def test_several_models_have_the_names_that_are_passed(file: Path, tmp_path: Path) -> None:
    with served(tmp_path, file, file, "--model-name", "one", "--model-name", "two") as service:
        assert service.ask("GET", "/v2/models/two")[0] == 200
        assert service.ask("POST", PREDICT + "?model=one", picture(), Content_Type="image/png")[0] == 200


def test_a_token_comes_from_the_environment_or_a_file(file: Path, tmp_path: Path) -> None:
    with served(tmp_path, file, env={"PICTUREWISE_TOKEN": "abc"}) as service:
        assert service.ask("GET", "/metrics")[0] == 401
        assert service.ask("GET", "/metrics", Authorization="Bearer abc")[0] == 200
        assert "abc" not in service.log.read_text(encoding="utf-8")


def test_what_is_not_http_gets_an_answer_in_json(file: Path, tmp_path: Path) -> None:
    with served(tmp_path, file) as service:
        for sent in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nA: " + b"x" * 100_000):
            with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
                connection.sendall(sent)
                answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400")
            assert json.loads(body)["error"]["code"] == "bad_request"
        assert predict(service)[0] == 200


def test_a_signal_to_the_whole_group_loses_nothing(file: Path, tmp_path: Path) -> None:
    with served(tmp_path, file) as service:
        children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
        if not children.exists():
            pytest.skip("only Linux lists the children of a process")
        for child in children.read_text().split():
            os.kill(int(child), signal.SIGTERM)
        assert predict(service)[0] == 200
        assert service.end(signal.SIGINT)[0] == 0


def refused(*arguments: object, env: dict[str, str] | None = None) -> tuple[int, str]:
    found = subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, env=os.environ | (env or {})
    )
    return found.returncode, found.stderr.strip()


def test_what_cannot_be_served_is_told_in_a_sentence(file: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, said = refused(file, "--port", port)
    assert (code, said) == (
        2, f"picturewise: 127.0.0.1:{port} is in use by another program. Choose another --port.",
    )  # fmt: skip
    for arguments, expected, sentence in (
        ([tmp_path], 3, "is not a run folder"),
        ([tmp_path / "missing"], 3, "missing"),
        ([file, "--host", "198.51.100.7"], 2, "Cannot listen on 198.51.100.7:8000"),
        ([file, file], 2, "Two models are called pets"),
        ([file, "--model-name", "a/b"], 2, "'a/b' cannot be the name of a model"),
        ([file, "--model-name", "a", "--model-name", "b"], 2, "There are 1 models, but 2 names"),
        ([file, "--value-range", "9..1"], 2, "'9..1' is not a valid range of values"),
        ([file, "--token-file", tmp_path / "none"], 2, "cannot be read (No such file or directory)"),
    ):
        code, said = refused(*arguments)
        assert (code, said.count("\n")) == (expected, 0), said
        assert sentence in said


@pytest.mark.campaign
def test_no_accepted_request_is_lost_at_the_end(file: Path, tmp_path: Path, whole_campaign: bool) -> None:
    for turn in range(10 if whole_campaign else 1):
        folder = tmp_path / str(turn)
        folder.mkdir()
        answered, lost = list[int](), list[str]()
        with served(folder, file) as service:

            def keep_asking() -> None:
                while True:
                    try:
                        answered.append(predict(service)[0])  # noqa: B023 (the threads end in this turn)
                    except OSError as error:  # refused, or closed before the request was read
                        lost.append(type(error).__name__)  # noqa: B023 (the same)
                        return

            threads = [threading.Thread(target=keep_asking) for _ in range(8)]
            for thread in threads:
                thread.start()
            time.sleep(0.5 + 0.05 * turn)
            code, _ = service.end()
            for thread in threads:
                thread.join(60)
        assert code == 0
        assert set(answered) <= {200, 503}
        told = [line["status"] for line in service.events("request")]
        assert sorted(told) == sorted(answered)  # each request that the service has read has its answer
