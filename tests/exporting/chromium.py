"""A headless Chromium, driven over its DevTools protocol through a pipe: no library, no port, no network."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# Chromium reads its commands from descriptor 3 and answers on 4.
_LAUNCH = """
import os, sys
reading, writing = map(int, sys.argv[1:3])
os.dup2(reading, 3), os.dup2(writing, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
_SECONDS = 120


class Page:
    """One page that is open in a browser."""

    def __init__(self, browser: Browser, session: str, address: str) -> None:
        self._browser, self._session, self._address = browser, session, address

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the protocol and return its result."""
        return self._browser.call(method, self._session, **parameters)

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def wait(self, condition: str, seconds: float = _SECONDS) -> Any:
        """Wait until an expression is true, and return its value."""
        end = time.monotonic() + seconds
        while not (value := self.run(condition)):
            if time.monotonic() > end:
                raise TimeoutError(f"{condition}; the page says: {self.problems()}")
            time.sleep(0.05)
        return value

    def give_files(self, selector: str, paths: Sequence[Path]) -> None:
        """Choose files in an input element, as a user would."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path.resolve()) for path in paths])

    def look(self, width: int, *, dark: bool = False, height: int = 900) -> None:
        """Give the window a width in pixels and a colour scheme."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
            mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self) -> bytes:
        """Return a PNG of the whole page."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(found["data"])

    def requests(self) -> list[str]:
        """Return the addresses that were asked for, apart from the page itself and what lies within it."""
        found = [
            event["params"]["request"]["url"]
            for event in self._browser.events(self._session, "Network.requestWillBeSent")
        ]
        return [url for url in found if not url.startswith(("blob:", "data:")) and url != self._address]

    def problems(self) -> list[str]:
        """Return uncaught errors, and errors and warnings of the console and of the page's policy."""
        thrown = [
            str(event["params"]["exceptionDetails"].get("exception", {}).get("description"))
            for event in self._browser.events(self._session, "Runtime.exceptionThrown")
        ]
        logged = [
            event["params"]["entry"]["text"]
            for event in self._browser.events(self._session, "Log.entryAdded")
            if event["params"]["entry"]["level"] in {"error", "warning"}
        ]
        printed = [
            str([argument.get("value", argument.get("description")) for argument in event["params"]["args"]])
            for event in self._browser.events(self._session, "Runtime.consoleAPICalled")
            if event["params"]["type"] in {"error", "warning", "assert"}
        ]
        return thrown + logged + printed


class Browser:
    """A running browser; see `browser`."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._number, self._buffer = 0, b""
        self._events: list[dict[str, Any]] = []

    def open(self, place: Path | str, *, first: str = "") -> Page:
        """Open a page of its own: a file, offline from the start, or an address, see `browser`.

        `first` is a script that runs before those of the page.
        """
        address = place if isinstance(place, str) else place.as_uri()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, address)
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            page.call(f"{domain}.enable")
        if isinstance(place, Path):
            page.call(
                "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0,
                uploadThroughput=0,
            )  # fmt: skip
        page.call("Page.addScriptToEvaluateOnNewDocument", source=first)
        page.call("Page.navigate", url=address)
        page.wait(f"location.href === {json.dumps(address)} && document.readyState === 'complete'")
        return page

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its result."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data) :]
        while True:
            answer = self._next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            if "method" in answer:
                self._events.append(answer)

    def events(self, session: str, method: str) -> list[dict[str, Any]]:
        """Return the events of one kind that a page has sent."""
        return [
            event for event in self._events if event.get("sessionId") == session and event["method"] == method
        ]

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + _SECONDS
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], max(0, end - time.monotonic()))
            data = os.read(self._answers, 1 << 20) if ready else b""
            if not data:
                raise RuntimeError("Chromium has ended, or does not answer")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start a Chromium whose profile is in a folder, and end it afterwards; it reaches this machine only."""
    assert BROWSER is not None
    reading, commands = map(_high, os.pipe())
    answers, writing = map(_high, os.pipe())
    command = [
        sys.executable, "-c", _LAUNCH, str(reading), str(writing),
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}", "about:blank",
    ]  # fmt: skip
    process = subprocess.Popen(command, pass_fds=(reading, writing), stderr=subprocess.DEVNULL)
    os.close(reading)
    os.close(writing)
    try:
        yield Browser(commands, answers)
    finally:
        with contextlib.suppress(OSError):
            os.write(commands, b'{"id":0,"method":"Browser.close"}\0')
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(commands)
        os.close(answers)


def _high(descriptor: int) -> int:
    """Return the descriptor under a number that Chromium does not use."""
    number = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
    os.close(descriptor)
    return number
