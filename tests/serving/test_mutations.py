"""Damaged requests never make the service fail, grow or stop."""

from __future__ import annotations

import json
import random
import re
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from running_service import form, make_classifier, picture
from served_process import served

pytestmark = [pytest.mark.slow, pytest.mark.campaign]


def requests() -> list[bytes]:
    """Return valid requests of every kind."""
    headers, body = form(picture(), picture(1, kind="JPEG"))
    tensor = {"name": "images", "datatype": "UINT8", "shape": [1, 2, 2, 1], "data": [1, 2, 3, 4]}
    text = json.dumps({"inputs": [tensor], "outputs": [{"name": "label"}]}).encode()
    raw = {
        "name": "images",
        "datatype": "UINT8",
        "shape": [1, 2, 2, 1],
        "parameters": {"binary_data_size": 4},
    }
    binary = json.dumps({"inputs": [raw]}).encode()
    given = [
        ("POST /predict?top=2", "Content-Type: image/png", picture()),
        ("POST /predict", "Content-Type: image/jpeg", picture(2, kind="JPEG")),
        ("POST /predict", f"Content-Type: {headers['Content-Type']}", body),
        ("POST /v2/models/pets/infer", "Content-Type: application/json", text),
        ("POST /v2/models/pets/infer", f"Inference-Header-Content-Length: {len(binary)}", binary + b"abcd"),
        ("GET /v2/models/pets", "Accept: */*", b""),
        ("GET /metrics", "X-Request-ID: me", b""),
    ]
    head = "{} HTTP/1.1\r\nHost: localhost\r\n{}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n"
    return [head.format(start, header, len(content)).encode() + content for start, header, content in given]


def mutated(request: bytes, chance: random.Random) -> bytes:
    """Return a request with bytes changed, left out, repeated or inserted; most often behind its head."""
    content = bytearray(request)
    start = 0 if chance.random() < 0.3 else request.index(b"\r\n\r\n") + 4
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        place = chance.randrange(min(start, len(content) - 1), len(content))
        match chance.randrange(5):
            case 0:
                content[place] = chance.randrange(256)
            case 1:
                del content[place : place + chance.choice([1, 2, 50])]
            case 2:
                content[place:place] = content[place : place + chance.choice([1, 20])]
            case 3:
                content[place:place] = chance.choice(
                    [b"\0", b"\xff", b"-1", b"[", b'"', b"\r\n", b"99999999999", b"--mark"]
                )
            case _:
                content[place] ^= 1 << chance.randrange(8)
        if len(content) < 2:
            break
    head, found, body = bytes(content).partition(b"\r\n\r\n")
    if found and chance.random() < 0.8:  # a length that fits, so that more than the parser of HTTP is tried
        head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(body), head)
    return head + found + body


def memory(process: int) -> int:
    """Return the bytes of memory of a process."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return 1024 * int(found[1])


def test_damaged_requests_do_not_make_it_fail_or_grow(tmp_path: Path, whole_campaign: bool) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux says how much memory another process has")
    file, chance = make_classifier(tmp_path / "pets.safetensors"), random.Random(0)
    with served(tmp_path, file, "--timeout", "1") as service:

        def send(request: bytes) -> int:
            # Some requests say that more follows; the service waits for a second, and heads may take longer.
            with socket.create_connection(("127.0.0.1", service.port), timeout=3) as connection:
                try:
                    connection.sendall(request)
                    answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
                except OSError:  # no answer, or closed while the request was sent
                    return 0
            return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0

        whole = requests()
        assert [send(request) for request in whole] == [200] * len(whole)
        for _ in range(30):
            for request in whole:
                send(request)
        before = memory(service.process.pid)
        damaged = [mutated(chance.choice(whole), chance) for _ in range(10_000 if whole_campaign else 60)]
        with ThreadPoolExecutor(16) as pool:
            statuses = Counter(pool.map(send, damaged))
        grown = memory(service.process.pid) - before
        assert [send(request) for request in whole] == [200] * len(whole)
        assert 500 not in statuses, statuses
        assert not service.events("bug")
        assert grown < 50_000_000
        assert service.end()[0] == 0
    assert len(statuses) > 3, statuses  # the requests were damaged in different ways
