"""The application: routes to answers, inside the guard."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from picturewise.serving import open_inference
from picturewise.serving.answers import answer
from picturewise.serving.facts import facts_of
from picturewise.serving.guard import Guard
from picturewise.serving.metrics import CONTENT_TYPE
from picturewise.serving.openapi import description
from picturewise.serving.predicting import predict
from picturewise.serving.refusals import RefusedRequest
from picturewise.serving.service import Service

_MODEL = "/v2/models/{name}"
_VERSION = _MODEL + "/versions/{version}"
_OF_PAGES = {
    # The rest of its policy is in the page; a browser obeys both.
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def application(service: Service) -> ASGIApp:
    """Return the ASGI application of a service whose models are loaded."""
    routes = (
        ("POST", "/predict", predict),
        ("GET", "/v2/health/live", open_inference.live),
        ("GET", "/v2/health/ready", open_inference.ready),
        ("GET", "/v2", open_inference.server),
        ("GET", "/v2/models", open_inference.models),
        ("GET", _MODEL, open_inference.model),
        ("GET", _VERSION, open_inference.model),
        ("GET", _MODEL + "/ready", open_inference.model_ready),
        ("GET", _VERSION + "/ready", open_inference.model_ready),
        ("POST", _MODEL + "/infer", open_inference.infer),
        ("POST", _VERSION + "/infer", open_inference.infer),
        ("GET", "/metrics", _metrics),
        ("GET", "/openapi.json", _openapi),
        ("GET", "/", _page),
    )
    router = Router(
        [_Named(path, one, methods=[method]) for method, path, one in routes], redirect_slashes=False
    )

    # The router tries one pattern after the other, and wraps what it finds; most requests can do without that.
    plain = {(method, path): one for method, path, one in routes if "{" not in path}

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        found = plain.get((scope["method"], scope["path"]))
        if found is not None:
            facts_of(scope).route = scope["path"]
            response = await found(Request(scope, receive))
            await response(scope, receive, send)
            return
        scope["app"] = router  # so that the router raises what the guard translates
        await router(scope, receive, send)

    return Guard(inner, service)


class _Named(Route):
    """A route that notes its pattern, which metrics use as a label."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; see `Route`."""
        facts_of(scope).route = self.path
        await super().handle(scope, receive, send)


async def _metrics(request: Request) -> Response:
    service: Service = request.scope["service"]
    settings, admission = service.settings, service.admission
    gauges = {
        "picturewise_queue_pictures": ("Pictures that are waited for.", admission.pictures),
        "picturewise_queue_limit_pictures": ("Pictures that may be waited for.", settings.queue),
        "picturewise_held_bytes": ("Bytes of bodies that are held.", admission.held),
        "picturewise_decoders_ready": (
            "Children that decode pictures.",
            sum(one.decoder.pool.ready for one in service.models.served),
        ),
    }
    return Response(service.metrics.text(gauges), headers={"Content-Type": CONTENT_TYPE})


async def _openapi(request: Request) -> Response:
    service: Service = request.scope["service"]
    return answer(description(service.settings, service.models.names))


async def _page(request: Request) -> Response:
    service: Service = request.scope["service"]
    if service.settings.page is None:
        raise RefusedRequest(
            "not_found", "This service does not have a page; GET /openapi.json lists what there is."
        )
    return Response(service.settings.page, headers=_OF_PAGES, media_type="text/html; charset=utf-8")
