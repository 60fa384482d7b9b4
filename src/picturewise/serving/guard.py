"""What happens around every request: its id, who may ask, how long it may take, and its lines in log and metrics."""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
import time
import traceback
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from picturewise.logs import log
from picturewise.serving.answers import refused
from picturewise.serving.bodies import ClientGoneError
from picturewise.serving.facts import Facts, attach, headers_in
from picturewise.serving.refusals import RefusedRequest
from picturewise.serving.service import Service

_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_OPEN = frozenset({"/", "/v2/health/live", "/v2/health/ready"})
"""Paths that need no token: what asks them has none. The page has no secrets, and asks for the token that it sends."""
_OWN_NAMES = ("localhost", "127.0.0.1", "::1")
_CLIENT_GONE = 499
"""Status in the log if the client closed the connection, as in nginx; nobody sees it."""
_METHODS = "GET, POST, OPTIONS"
_LONGEST_PATH = 200


class Guard:
    """The outermost part of the application.

    Args:
        inner: answers the requests that may be answered; it may raise RefusedRequest.
        service: whose settings and metrics are used.
    """

    def __init__(self, inner: ASGIApp, service: Service) -> None:
        settings = service.settings
        self._inner = inner
        self._service = service
        self._hosts = frozenset(
            _plain(name) for name in (*_OWN_NAMES, settings.host, *settings.allowed_hosts)
        )
        self._origins = frozenset(settings.origins)
        self._token = None if settings.token is None else settings.token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; see ASGI."""
        if scope["type"] != "http":
            raise RuntimeError("only HTTP is served")
        start = time.perf_counter()
        headers = headers_in(scope)
        asked_id = headers.get("x-request-id", "")
        facts = Facts(asked_id if _SANE_ID.fullmatch(asked_id) else secrets.token_hex(8), headers)
        attach(scope, facts)
        added = [
            (b"x-request-id", facts.request_id.encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            *self._cors(headers),
        ]
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        try:
            try:
                async with asyncio.timeout(self._service.settings.timeout):
                    if (response := self._checked(scope, headers)) is not None:
                        await response(scope, receive, answer)
                    else:
                        scope["service"] = self._service
                        await self._inner(scope, receive, answer)
            except TimeoutError:
                raise self._too_late(facts) from None
            except HTTPException as error:
                raise _translated(error) from error
        except RefusedRequest as error:
            if not status:
                await refused(error, facts, scope["path"])(scope, receive, answer)
        except ClientGoneError:
            status = _CLIENT_GONE
        except Exception as error:  # noqa: BLE001 (a mistake of ours is told as one, and the service goes on)
            self._confess(error, facts)
            if not status:
                mistake = RefusedRequest("internal_error", "This is a bug in Picturewise; the log says more.")
                await refused(mistake, facts, scope["path"])(scope, receive, answer)
        finally:
            self._tell(scope, facts, status, time.perf_counter() - start)

    def _checked(self, scope: Scope, headers: Mapping[str, str]) -> Response | None:
        """Return the answer to a browser's question before a request; None: the request may be answered.

        Raises:
            RefusedRequest: it may not.
        """
        host = headers.get("host", "")
        hosts = sum(name == b"host" for name, _ in scope["headers"])
        if hosts != 1 or _host_in(host) not in self._hosts:
            raise RefusedRequest(
                "host_not_allowed",
                "This service is not called by that host name. Start it with --allow-host NAME.",
            )
        origin = headers.get("origin")
        if origin is not None and not self._is_allowed(origin) and _host_of(origin) != host.lower():
            raise RefusedRequest(
                "origin_not_allowed",
                "Pages of that origin may not use this service. Start it with --cors ORIGIN.",
            )
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            return Response(status_code=204)
        if self._token is not None and scope["path"] not in _OPEN:
            kind, _, given = headers.get("authorization", "").partition(" ")
            # Both sides as bytes: headers may hold any.
            same = hmac.compare_digest(given.strip().encode("latin-1"), self._token)
            if kind.lower() != "bearer" or not same:
                raise RefusedRequest(
                    "invalid_token",
                    "The token is missing or wrong. Send it as Authorization: Bearer TOKEN.",
                    {"WWW-Authenticate": "Bearer"},
                )
        return None

    def _is_allowed(self, origin: str) -> bool:
        return "*" in self._origins or origin in self._origins

    def _cors(self, headers: Mapping[str, str]) -> Iterable[tuple[bytes, bytes]]:
        """Yield the headers that let a page of an allowed origin read the answer."""
        origin = headers.get("origin")
        if not self._origins or origin is None or not self._is_allowed(origin):
            return
        yield b"access-control-allow-origin", origin.encode("latin-1")
        yield b"vary", b"Origin"
        yield b"access-control-expose-headers", b"X-Request-ID, Inference-Header-Content-Length, Retry-After"
        if "access-control-request-method" in headers:
            yield b"access-control-allow-methods", _METHODS.encode()
            yield (
                b"access-control-allow-headers",
                b"Authorization, Content-Type, Inference-Header-Content-Length, X-Request-ID",
            )
            yield b"access-control-max-age", b"600"

    def _too_late(self, facts: Facts) -> RefusedRequest:
        seconds = self._service.settings.timeout
        if not facts.arrived:
            return RefusedRequest("request_timeout", f"The body did not arrive within {seconds:g} seconds.")
        return RefusedRequest(
            "timeout", f"The answer was not ready within {seconds:g} seconds. Try again later."
        )

    def _confess(self, error: Exception, facts: Facts) -> None:
        """Log a mistake of ours: where it was made, but no values, which could be a client's."""
        places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        log(
            "bug",
            level="ERROR",
            request_id=facts.request_id,
            error=type(error).__name__,
            at=places[-5:],
        )

    def _tell(self, scope: Scope, facts: Facts, status: int, seconds: float) -> None:
        self._service.metrics.request(facts.route, facts.model, status, seconds)
        log(
            "request",
            request_id=facts.request_id,
            method=scope["method"],
            path=scope["path"][:_LONGEST_PATH].encode("ascii", "backslashreplace").decode(),
            status=status,
            ms=round(1000 * seconds, 2),
            model=facts.model,
            pictures=facts.pictures,
            bytes=facts.size,
        )


def _translated(error: HTTPException) -> RefusedRequest:
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return RefusedRequest(
            "method_not_allowed", f"That method is not allowed here. Use {allowed}.", error.headers
        )
    return RefusedRequest(
        "not_found", "There is nothing at that path; GET /openapi.json lists what there is."
    )


def _plain(name: str) -> str:
    return name.strip("[]").lower()


def _host_in(header: str) -> str:
    """Return the name in a Host header, without its port; "": it is not valid.

    >>> _host_in("LOCALHOST:8000"), _host_in("[::1]:8000"), _host_in("a:b:c")
    ('localhost', '::1', '')
    """
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:@/?#\s]+)(?::[0-9]{1,5})?", header)
    return "" if found is None else _plain(found[1])


def _host_of(origin: str) -> str:
    """Return the host and port of an origin, as a Host header has them; "": it is not valid."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
