"""`picturewise serve` in a process of its own, and a plain client."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Served:
    """A running service."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(
                method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
            )
            answer = connection.getresponse()
            content = answer.read()
            is_json = answer.headers.get_content_type() == "application/json"
            return answer.status, json.loads(content) if is_json else content

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [
            json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines() if line[:1] == "{"
        ]
        return [line for line in lines if line["event"] == name]

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return the exit code and what else was printed."""
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=90)
        return self.process.returncode, said


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "picturewise", "serve", *map(str, arguments)]


@contextlib.contextmanager
def served(folder: Path, *arguments: object, env: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Start the command on a free port, and end it if the test has not."""
    log = folder / "log"
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command(*arguments, "--port", 0, "--log-json"), stdout=subprocess.PIPE, stderr=errors, text=True,
            env=os.environ | dict(env or {}),
        )  # fmt: skip
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"http://[^,]+:(\d+),", line):
                    yield Served(process, int(found[1]), log)
                    break
            else:
                raise AssertionError(log.read_text(encoding="utf-8"))
        finally:
            process.kill()
            process.communicate()
