"""The server: the socket, the signals, and an end that leaves no accepted request without its answer."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import math
import signal
import socket
from collections.abc import Callable, Generator, Mapping
from types import FrameType

import uvicorn

from picturewise.errors import UsageError
from picturewise.logs import NAME, log
from picturewise.serving.admission import Admission
from picturewise.serving.app import application
from picturewise.serving.metrics import Metrics
from picturewise.serving.models import Load, Models
from picturewise.serving.protocol import BoundedProtocol
from picturewise.serving.service import Service
from picturewise.serving.settings import Settings

_WAITING = 2048  # connections that the system holds until they are accepted
_KEPT_ALIVE = 75  # seconds of an idle connection, more than the 60 of common proxies


def run(loads: Mapping[str, Load], settings: Settings, announce: Callable[[str], None]) -> int:
    """Serve classifiers until a signal ends it, and return how many requests were answered.

    SIGTERM and Ctrl-C end it after the accepted requests, and a second one at once; SIGHUP loads the models again.

    Args:
        loads: functions that load the classifiers, by name.
        settings: of the service.
        announce: is called with the address as soon as requests are answered.

    Raises:
        UsageError: the address cannot be used.
        PicturewiseError: a model cannot be loaded.
    """
    # What uvicorn has to say goes where our events go, but not what it says of every connection.
    theirs = logging.getLogger("uvicorn")
    theirs.handlers[:] = logging.getLogger(NAME).handlers
    theirs.setLevel(logging.WARNING)
    theirs.propagate = False
    with _bound(settings) as listening:
        metrics = Metrics()
        service = Service(
            settings, Models(loads, metrics, settings.value_range), metrics, Admission(settings)
        )
        asyncio.run(_serve(service, listening, announce))
    return metrics.total


async def _serve(service: Service, listening: socket.socket, announce: Callable[[str], None]) -> None:
    settings, models = service.settings, service.models
    try:
        await models.start()
        config = uvicorn.Config(
            application(service),
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=_WAITING,
            timeout_keep_alive=_KEPT_ALIVE,
            timeout_graceful_shutdown=math.ceil(settings.timeout) + 1,
        )
        host, port = listening.getsockname()[:2]
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        await _Server(config, service, lambda: announce(address)).serve([listening])
    finally:
        await models.close()


class _Server(uvicorn.Server):
    """Uvicorn's server with our signals, which end it with exit code 0."""

    def __init__(self, config: uvicorn.Config, service: Service, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._service = service
        service.answering = self.server_state.tasks
        self._announce = announce
        self._reloading = set[asyncio.Task[None]]()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept requests; see uvicorn."""
        try:
            await super().startup(sockets)
        except OSError as error:
            raise _unusable(self._service.settings, error) from error
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what was accepted; see uvicorn."""
        log("stopping", unanswered_pictures=self._service.admission.pictures)
        await super().shutdown(sockets)
        for reloading in self._reloading:
            reloading.cancel()
        log("stopped", requests=self._service.metrics.total)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Listen to signals while the service runs."""
        before = {number: signal.signal(number, self._end) for number in (signal.SIGINT, signal.SIGTERM)}
        before[signal.SIGHUP] = signal.getsignal(signal.SIGHUP)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)
        try:
            yield
        finally:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.force_exit = self.should_exit
        self.should_exit = True

    def _reload(self) -> None:
        task = asyncio.get_running_loop().create_task(self._service.models.reload(self._tell_reload))
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)

    def _tell_reload(self, sentence: str, worked: bool) -> None:
        self._service.metrics.reload(worked=worked)
        log("reload", level="INFO" if worked else "ERROR", message=sentence)


def _bound(settings: Settings) -> socket.socket:
    """Return a socket with the address, which does not accept connections yet.

    Raises:
        UsageError: the address cannot be used.
    """
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise _unusable(settings, error) from error
    try:
        bound.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # a port that was used a moment ago is free
        bound.bind(address)
    except (OSError, OverflowError) as error:
        bound.close()
        raise _unusable(settings, error) from error
    return bound


def _unusable(settings: Settings, error: Exception) -> UsageError:
    place = f"{settings.host}:{settings.port}"
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return UsageError(f"{place} is in use by another program. Choose another --port.")
    if isinstance(error, OSError) and error.errno == errno.EACCES:
        return UsageError(f"{place} is not allowed for this user. Choose a --port from 1024.")
    said = getattr(error, "strerror", None) or error
    return UsageError(f"Cannot listen on {place} ({said}). Choose another --host or --port.")
