"""What is known about a request while it is answered; it ends up in the log and in the metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from starlette.types import Scope

_KEY = "picturewise.facts"


@dataclass(slots=True)
class Facts:
    """What is known about a request; nothing of its content.

    Attributes:
        request_id: the client's, or ours.
        route: the pattern of its path; "": no route fits.
        model: the name of the model that it is for; "": none, or not known yet.
        pictures: how many it has.
        size: bytes of its body that have arrived.
        arrived: its body is complete, or does not matter.
        gone: the client has closed the connection.
    """

    request_id: str
    route: str = ""
    model: str = ""
    pictures: int = 0
    size: int = 0
    arrived: bool = False
    gone: bool = False


def attach(scope: Scope, facts: Facts) -> None:
    """Keep facts with a request."""
    scope[_KEY] = facts


def facts_of(scope: Scope) -> Facts:
    """Return the facts that were attached."""
    return cast(Facts, scope[_KEY])
