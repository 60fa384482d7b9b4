"""A service with two small models, asked without a network: in an event loop of its own, in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from picturewise.architectures.lines import parse
from picturewise.networks.builder import build
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.prediction.description import Description
from picturewise.preparing.preparation import Preparation
from picturewise.serving.admission import Admission
from picturewise.serving.app import application
from picturewise.serving.metrics import Metrics
from picturewise.serving.models import Models
from picturewise.serving.service import Service
from picturewise.serving.settings import Settings

T = TypeVar("T")


def make_classifier(place: Path, *, channels: int = 3, seed: int = 0) -> Path:
    lines = ("conv 4 3x3 relu", "maxpool 2", "flatten")
    preparation = Preparation(mean=(120.0,) * channels, std=(60.0,) * channels)
    description = Description(
        layers=lines,
        shape=(8, 10, channels),
        resize="crop",
        classes=("cat", "dog", "ünï 猫"),
        preparation=preparation,
    )
    network = build(parse(lines), (8, 10, channels), "dense 3", seed=seed)
    Classifier(network, description).save(place)
    return place


def picture(seed: int = 0, size: tuple[int, int] = (12, 9), kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


def deep_picture() -> bytes:
    """A grey PNG of 16 bits a value, with values from 0 to 4095."""
    content = io.BytesIO()
    pixels = np.random.default_rng(3).integers(0, 4096, (12, 9), dtype=np.uint16)
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def form(*parts: bytes, boundary: str = "mark") -> tuple[dict[str, str], bytes]:
    body = b"".join(
        b'--%s\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n%s\r\n'
        % (boundary.encode(), part)
        for part in parts
    )
    return {
        "Content-Type": f"multipart/form-data; boundary={boundary}"
    }, body + f"--{boundary}--\r\n".encode()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error's, after checking its form."""
        error = self.json["error"]
        assert set(error) == {"code", "message", "request_id"}
        assert error["message"].endswith(".")
        assert error["request_id"] == self.headers["x-request-id"]
        return str(error["code"])


@dataclass
class Running:
    """A service in its loop."""

    loop: asyncio.AbstractEventLoop
    service: Service
    app: Any
    files: dict[str, Path] = field(default_factory=dict)

    def with_settings(self, **changed: Any) -> Running:
        """The same models with other settings, and metrics of their own."""
        settings = replace(self.service.settings, **changed)
        service = Service(settings, self.service.models, Metrics(), Admission(settings))
        return Running(self.loop, service, application(service), self.files)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def classifier(self, name: str = "colour") -> Classifier:
        return load_classifier(self.files[name])

    def ask(self, method: str, path: str, **given: Any) -> Answer:
        return self.run(self.asking(method, path, **given))

    async def asking(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        receive: Callable[[], Any] | None = None,
    ) -> Answer:
        path, _, query = path.partition("?")
        sent = {"host": "localhost:8000", "content-length": str(len(body))}
        sent |= {key.lower(): value for key, value in (headers or {}).items()}
        pieces = [{"type": "http.request", "body": body, "more_body": False}]
        status, found, content = 0, {}, b""

        async def usual() -> Any:
            return pieces.pop(0) if pieces else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            nonlocal status, found, content
            if message["type"] == "http.response.start":
                status = message["status"]
                found = {key.decode().lower(): value.decode("latin-1") for key, value in message["headers"]}
            else:
                content += message.get("body", b"")

        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [(k.encode(), v.encode("latin-1")) for k, v in sent.items() if v != ""], "http_version": "1.1",
            "scheme": "http", "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 1), "root_path": "",
        }  # fmt: skip
        await self.app(scope, receive or usual, send)
        return Answer(status, found, content)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with the models colour and grey."""
    folder = tmp_path_factory.mktemp("models")
    files = {
        "colour": make_classifier(folder / "colour.safetensors"),
        "grey": make_classifier(folder / "grey.safetensors", channels=1, seed=1),
    }
    with service_of(files) as found:
        yield found


@contextlib.contextmanager
def service_of(files: dict[str, Path]) -> Iterator[Running]:
    """Run a service with classifiers' files, by the names of the models."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    settings, metrics = Settings(max_bytes=200_000, max_pictures=4, queue=8, version="0.0"), Metrics()
    loads = {name: (lambda place=place: load_classifier(place)) for name, place in files.items()}
    models = Models(loads, metrics)
    service = Service(settings, models, metrics, Admission(settings))
    found = Running(loop, service, application(service), files)
    found.run(models.start())
    yield found
    found.run(models.close())
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def rows_of(classifier: Classifier, *contents: bytes) -> NDArray[np.float32]:
    return np.stack([classifier.predict_proba(content) for content in contents])
