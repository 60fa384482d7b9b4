"""An answer leaves as one packet, and everything is sent before a connection is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from picturewise.serving.protocol import Joined


class Sent:
    """A transport that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.told.append(data)

    def close(self) -> None:
        self.told.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.told


def told(what: Callable[[Joined], None], turns: int = 0) -> list[bytes | str]:
    """Return what the transport was told by the end of some turns of the loop."""

    async def inside() -> list[bytes | str]:
        sent = Sent()
        what(Joined(cast(asyncio.Transport, sent)))
        for _ in range(turns):
            await asyncio.sleep(0)
        return list(sent.told)

    return asyncio.run(inside())


def test_a_head_and_its_content_are_sent_at_once_and_together() -> None:
    def answer(joined: Joined) -> None:
        joined.write(b"head ")
        joined.write(b"content")

    assert told(answer) == [b"head content"]


def test_what_nothing_follows_is_sent_in_the_next_turn() -> None:
    assert told(lambda joined: joined.write(b"100 Continue")) == []
    assert told(lambda joined: joined.write(b"100 Continue"), turns=1) == [b"100 Continue"]


def test_everything_is_sent_in_order_and_before_the_end() -> None:
    def several(joined: Joined) -> None:
        for piece in (b"a", b"b", b"c"):
            joined.write(piece)
        assert not joined.is_closing()
        joined.close()
        assert joined.is_closing()

    assert told(several, turns=2) == [b"ab", b"c", "closed"]
