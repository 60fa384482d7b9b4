"""What is known about a request while it is answered; it ends up in the log and in the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from starlette.types import Scope

_KEY = "picturewise.facts"


@dataclass(slots=True)
class Facts:
    """What is known about a request; nothing of its content but the headers.

    Attributes:
        request_id: the client's, or ours.
        headers: see `headers_in`.
        route: the pattern of its path; "": no route fits.
        model: the name of the model that it is for; "": none, or not known yet.
        pictures: how many it has.
        size: bytes of its body that have arrived.
        arrived: its body is complete, or does not matter.
        gone: the client has closed the connection.
    """

    request_id: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    route: str = ""
    model: str = ""
    pictures: int = 0
    size: int = 0
    arrived: bool = False
    gone: bool = False


def headers_in(scope: Scope) -> Mapping[str, str]:
    """Return the headers by name, in lower case; of several with a name, the first.

    Starlette's `Headers` go through all of them for each name, which a request asks for ten times.
    """
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}


def attach(scope: Scope, facts: Facts) -> None:
    """Keep facts with a request."""
    scope[_KEY] = facts


def facts_of(scope: Scope) -> Facts:
    """Return the facts that were attached."""
    return cast(Facts, scope[_KEY])
