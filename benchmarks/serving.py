"""The HTTP service under load, beside the same model in FastAPI and ONNX Runtime.

python benchmarks/serving.py --seconds 60 --markdown build/serving.md --peers-python .venv-peers/bin/python
python benchmarks/serving.py --seconds 10 --rounds 5 ...   (on a busy machine)

Each client keeps one connection, sends a picture, waits for the answer, and sends the next. A refused client (503)
waits as long as it is told and tries again: the times include that, except for the 99th percentile of tries, which
is that of the tries that were answered. Every answer is compared with what the classifier says here. The clients run
in this process, on the same cores. Processor time is that of the service with all its processes.

With several rounds, the services take turns, so that other programs slow down all of them. The numbers are medians with
the 10 to 90 % range; the ratios are to the last service in the same round. The 10 % quantile of the latency is close to
that on idle cores.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from picturewise.architectures.lines import parse
from picturewise.architectures.named import NETWORKS
from picturewise.networks.builder import build
from picturewise.onnx_models.model import Normalisation, onnx_model
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.prediction.description import Description
from picturewise.preparing.preparation import Preparation
from picturewise.seeds import stream

SHAPES = {"cnn": (28, 28, 1), "resnet18": (64, 64, 3)}
CLIENTS = (1, 16, 256)
PICTURES = 64
HERE = Path(__file__).parent


@dataclass
class Load:
    """What happened under a load."""

    seconds: float = 0.0
    answered: list[float] = field(
        default_factory=list
    )  # seconds of each answered request, its refusals included
    accepted: list[float] = field(default_factory=list)  # seconds of the try that was answered
    wrong: int = 0
    refused: int = 0
    failed: int = 0
    processor: float = 0.0

    def numbers(self) -> list[float]:
        """Return pictures/s, the latencies in ms, and processor seconds for 1,000 requests."""
        p10, p50, p99 = 1000 * np.quantile(self.answered or [np.nan], [0.1, 0.5, 0.99])
        tried = 1000 * np.quantile(self.accepted or [np.nan], 0.99)
        answered = len(self.answered)
        return [answered / self.seconds, p10, p50, p99, tried, 1000 * self.processor / max(1, answered)]


NUMBERS = ("images/s", "p10 ms", "p50 ms", "p99 ms", "p99 ms of tries", "CPU s / 1,000")


def row(rounds: Sequence[Load], others: Sequence[Load]) -> list[str]:
    """Return the cells of a service: the median and the 10 to 90 % range of each number over the rounds.

    Args:
        rounds: of the service.
        others: of the last service, in the same order: the ratios to them follow, of images/s, p50, p99 and CPU.
    """
    own = np.array([load.numbers() for load in rounds])
    ratios = own / np.array([load.numbers() for load in others])
    told = [_spread(column) for column in own.T]
    told += [f"{sum(getattr(load, name) for load in rounds):,}" for name in ("refused", "wrong", "failed")]
    return told + [_spread(ratios[:, number]) for number in (0, 2, 3, 5)]


def _spread(values: NDArray[np.float64]) -> str:
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    return f"{middle:.3g}" if len(values) == 1 else f"{middle:.3g} ({low:.3g}–{high:.3g})"


def make_classifier(name: str, folder: Path) -> Path:
    """Write a classifier with initial weights; how good it is does not matter here."""
    shape = SHAPES[name]
    lines, channels = tuple(NETWORKS[name](shape)), shape[2]
    preparation = Preparation(mean=(127.0,) * channels, std=(60.0,) * channels)
    description = Description(
        layers=lines,
        shape=shape,
        resize="crop",
        classes=tuple(f"class {number}" for number in range(10)),
        preparation=preparation,
    )
    network = build(parse(lines), shape, description.target.output_line, seed=0)
    place = folder / f"{name}.safetensors"
    Classifier(network, description).save(place)
    return place


def write_onnx(classifier: Classifier, place: Path) -> None:
    """Write the model that Picturewise's own session computes."""
    description, preparation = classifier.description, classifier.description.preparation
    assert description.layers is not None
    place.write_bytes(
        onnx_model(
            parse(description.layers),
            description.shape,
            description.target,
            classifier.arrays,
            Normalisation(preparation.grey, preparation.mean, preparation.std),
            temperature=description.temperature,
        )
    )


def make_pictures(shape: tuple[int, int, int], count: int) -> list[bytes]:
    random = stream(0, "served pictures")
    found = []
    for _ in range(count):
        pixels = random.integers(0, 256, shape, dtype=np.uint8)
        content = io.BytesIO()
        Image.fromarray(pixels[:, :, 0] if shape[2] == 1 else pixels).save(content, "PNG")
        found.append(content.getvalue())
    return found


class Client(asyncio.Protocol):
    """One connection: sends prepared requests, and understands just enough of the answers."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[tuple[int, bytes, bytes]] | None = None
        self._arrived = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._arrived += data
        head, found, rest = self._arrived.partition(b"\r\n\r\n")
        if not found or self.answer is None:
            return
        lower = head.lower()
        length = int(lower.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(rest) >= length:
            self._arrived = b""
            self.answer.set_result((int(head[9:12]), lower, rest))

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(ConnectionError("closed"))

    async def ask(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Return the status, the head in lower case and the body of the answer to a request."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)  # type: ignore[attr-defined]
        return await self.answer


async def client(
    port: int, requests: Sequence[tuple[bytes, str]], first: int, until: float, load: Load, count: bool
) -> None:
    loop = asyncio.get_running_loop()
    _, one = await loop.create_connection(Client, "127.0.0.1", port)
    number = first
    while time.perf_counter() < until:
        request, label = requests[number % len(requests)]
        number += 1
        start = time.perf_counter()
        while True:
            last = time.perf_counter()
            try:
                status, head, body = await one.ask(request)
            except ConnectionError:
                _, one = await loop.create_connection(Client, "127.0.0.1", port)
                status = -1
            if status != 503:
                break
            load.refused += count
            await asyncio.sleep(float(head.split(b"retry-after:", 1)[1].split(b"\r\n", 1)[0]))
            if time.perf_counter() > until:
                break
        if not count or status == 503:
            continue
        if status != 200:
            load.failed += 1
            continue
        load.answered.append(time.perf_counter() - start)
        load.accepted.append(time.perf_counter() - last)
        told = json.loads(body)
        load.wrong += told.get("label", told.get("predictions", [{}])[0].get("label")) != label
    one.transport.close()


async def put_under_load(
    port: int, process: int, requests: Sequence[tuple[bytes, str]], clients: int, seconds: float
) -> Load:
    load = Load()
    for count, length in ((False, min(2.0, seconds)), (True, seconds)):  # the first is to warm up
        before, start = processor_time(process), time.perf_counter()
        until = start + length
        await asyncio.gather(
            *(client(port, requests, 7 * number, until, load, count) for number in range(clients))
        )
        load.seconds = time.perf_counter() - start
        load.processor = processor_time(process) - before
    return load


def processor_time(process: int) -> float:
    """Return the processor time of a process and its children so far."""
    ticks, found = os.sysconf("SC_CLK_TCK"), 0
    processes, parents = {}, {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            values = place.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        number = int(place.parent.name)
        parents[number], processes[number] = int(values[1]), sum(map(int, values[11:15]))
    for number, used in processes.items():
        above = number
        while above not in (0, process):
            above = parents.get(above, 0)
        found += used if above == process else 0
    return found / ticks


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def service(command: Sequence[str], port: int, health: str) -> Iterator[tuple[int, float]]:
    """Yield the process of a service once it is ready, and the processor time that it took until then."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{health}", timeout=1).read()
                break
            except OSError:
                time.sleep(0.05)
        yield process.pid, processor_time(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def request(picture: bytes, port: int) -> bytes:
    """Return the bytes of the request with a picture."""
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: image/png\r\n"
    return f"{head}Content-Length: {len(picture)}\r\n\r\n".encode() + picture


def start_of(
    contender: str, given: argparse.Namespace, name: str, folder: Path, classes: Sequence[str], port: int
) -> tuple[list[str], str]:
    """Return the command that starts a service, and the path that says whether it is ready."""
    if contender == "fastapi":
        program, model = str(HERE / "contenders" / "fastapi_onnx.py"), str(folder / f"{name}.onnx")
        shape = map(str, SHAPES[name])
        return [given.peers_python, program, model, *shape, json.dumps(classes), str(port)], "/health"
    start = [sys.executable, "-m", "picturewise", "serve", str(folder / f"{name}.safetensors")]
    return [*start, "--port", str(port), *(f"--{option}" for option in given.options)], "/v2/health/ready"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=60.0)
    arguments.add_argument("--rounds", type=int, default=1, help="in which the services take turns")
    arguments.add_argument("--clients", type=int, nargs="+", default=CLIENTS)
    arguments.add_argument("--models", nargs="+", choices=[*SHAPES], default=[*SHAPES])
    arguments.add_argument("--contenders", nargs="+", default=["picturewise", "fastapi"])
    arguments.add_argument("--peers-python", default=sys.executable, help="an interpreter with FastAPI")
    arguments.add_argument(
        "--options", nargs="*", default=[], help="of picturewise serve, without the dashes"
    )
    arguments.add_argument("--markdown", type=Path)
    given = arguments.parse_args()
    columns = ["model", "clients", "service", *NUMBERS, "refused", "wrong", "failed"]
    columns += [f"{name} ratio" for name in ("images/s", "p50", "p99", "CPU")]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    starts = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in given.models:
            file = make_classifier(name, folder)
            classifier = load_classifier(file)
            write_onnx(classifier, folder / f"{name}.onnx")
            pictures = make_pictures(SHAPES[name], PICTURES)
            labels = [classifier.predict(picture) for picture in pictures]
            with ExitStack() as stack:
                running: dict[str, tuple[int, int, list[tuple[bytes, str]]]] = {}
                for contender in given.contenders:
                    port = free_port()
                    command, health = start_of(contender, given, name, folder, classifier.classes, port)
                    process, started = stack.enter_context(service(command, port, health))
                    starts.append(
                        f"{contender}, {name}: {started:.2f} processor seconds from the start to ready"
                    )
                    asked = [request(picture, port) for picture in pictures]
                    running[contender] = port, process, list(zip(asked, labels, strict=True))
                for clients in given.clients:
                    found: dict[str, list[Load]] = {contender: [] for contender in running}
                    for turn in range(given.rounds):
                        for contender in [*running][:: -1 if turn % 2 else 1]:
                            port, process, requests = running[contender]
                            load = put_under_load(port, process, requests, clients, given.seconds)
                            found[contender].append(asyncio.run(load))
                    for contender, rounds in found.items():
                        cells = row(rounds, found[given.contenders[-1]])
                        lines.append(f"| {name} | {clients} | {contender} | {' | '.join(cells)} |")
                        print(lines[-1], flush=True)
    print(*lines, "", *starts, sep="\n")
    if given.markdown:
        given.markdown.parent.mkdir(parents=True, exist_ok=True)
        given.markdown.write_text("\n".join([*lines, "", *starts]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
