"""Fixtures: a small set of the catalogue, and a web server on this machine that offers it and can misbehave."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from picturewise.catalogue import entries
from picturewise.catalogue.entries import SetEntry
from picturewise.catalogue.installed import Installed

WriteIdx = Callable[..., Path]


class Server:
    """A web server on this machine that serves `files`, each in the manner that `manners` gives it.

    Manners: `cut` closes the connection half-way, `stall` then says nothing more, `drip` sends a byte now and
    then, `flip` changes a bit, `more` and `more-chunked` send too much, with and without a length, `chunked`
    sends all without a length, `encoded` calls a gzip file an encoding, `slow` takes half a second, a number is
    the status, a path is where it redirects to.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.manners: dict[str, str] = {}
        self.asked: list[str] = []
        self.over = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.ours = self  # type: ignore[attr-defined]
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def url(self, folder: str = "") -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{folder}"

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any  # the one below it has `ours`

    def do_GET(self) -> None:
        ours: Server = self.server.ours
        name = self.path.lstrip("/")
        ours.asked.append(name)
        content = ours.files.get(name)
        manner = ours.manners.get(name, "" if content is not None else "404")
        self.close_connection = True
        with contextlib.suppress(ConnectionError):
            if manner.isdecimal():
                self.send_error(int(manner))
            elif manner.startswith("/"):
                self._head(302, {"Location": manner, "Content-Length": "0"})
            else:
                self._send(content or b"", manner)

    def _send(self, content: bytes, manner: str) -> None:
        half, length = len(content) // 2, str(len(content))
        if manner.endswith("chunked"):
            self._head(200, {"Transfer-Encoding": "chunked"})
            self._pieces(content if manner == "chunked" else content + bytes(2_000_000))
            return
        changed = {"more": {"Content-Length": "1000000"}, "encoded": {"Content-Encoding": "gzip"}}
        self._head(200, {"Content-Length": length, **changed.get(manner, {})})
        sent = {
            "cut": content[:half],
            "stall": content[:half],
            "drip": b"",
            "flip": content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :] if half else b"",
            "more": content.ljust(1_000_000),
        }
        over = self.server.ours.over
        over.wait(0.5 if manner == "slow" else 0)
        self.wfile.write(sent.get(manner, content))
        over.wait(20 if manner == "stall" else 0)
        for byte in content[:200] if manner == "drip" else b"":
            self.wfile.write(bytes([byte]))
            over.wait(0.1)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _pieces(self, content: bytes) -> None:
        for start in range(0, len(content), 50_000):
            piece = content[start : start + 50_000]
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    """A web server on this machine that can misbehave."""
    server = Server()
    yield server
    server.close()


@pytest.fixture
def tiny(server: Server, write_idx: WriteIdx, tmp_path: Path) -> SetEntry:
    """A set like MNIST, of 30 + 10 pictures, that the server offers under good/; bad/ is asked first and has none."""
    files = []
    for prefix, count in (("train", 30), ("t10k", 10)):
        pixels = np.random.default_rng(count).integers(0, 256, (count, 4, 3), dtype=np.uint8)
        for kind, values, shape in (
            ("images-idx3", pixels.tobytes(), pixels.shape),
            ("labels-idx1", bytes(number % 3 for number in range(count)), (count,)),
        ):
            path = write_idx(tmp_path / "published" / f"{prefix}-{kind}-ubyte.gz", values, shape)
            content = path.read_bytes()
            server.files[f"good/{path.name}"] = content
            checksum = f"sha256:{hashlib.sha256(content).hexdigest()}"
            files.append({"name": path.name, "bytes": len(content), "checksum": checksum})
    return SetEntry(
        title="Nothing to see",
        shape=(4, 3, 1),
        classes=("no", "yes", "perhaps"),
        counts={"train": 30, "test": 10},
        licence="CC0",
        citation="Nobody",
        page="https://example.org/",
        mirrors=(server.url("bad/"), server.url("good/")),
        files=files,
    )


@pytest.fixture
def place(tiny: SetEntry, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """The stand-in under the name `tiny`, known to the catalogue."""
    known = {**entries.entries(), "tiny": tiny}
    monkeypatch.setattr(entries, "entries", lambda: known)
    return Installed("tiny", tiny)


@pytest.fixture
def zipped(place: Installed, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """The same set as EMNIST comes: one zip archive with more in it, the pictures lying on their side."""
    names = [file.name for file in place.entry.files]
    with zipfile.ZipFile(tmp_path / "gzip.zip", "w") as archive:
        for name in names:
            archive.writestr(f"gzip/{name}", server.files[f"good/{name}"])
        archive.writestr("gzip/other-images-idx3-ubyte.gz", b"not for us")
    content = server.files["good/gzip.zip"] = (tmp_path / "gzip.zip").read_bytes()
    file = {
        "name": "gzip.zip",
        "bytes": len(content),
        "checksum": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "members": [f"gzip/{name}" for name in names],
    }
    entry = SetEntry.model_validate(place.entry.model_dump() | {"files": [file], "transposed": True})
    monkeypatch.setattr(entries, "entries", lambda: {"tiny": place.entry, "lying": entry})
    return Installed("lying", entry)
