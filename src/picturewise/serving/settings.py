"""What a service allows, and where it listens."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a service allows, and where it listens.

    Attributes:
        host: the address of this machine on which it listens.
        port: the port; 0: any free one.
        allowed_hosts: further names by which clients may call it; `localhost` and `host` are always allowed.
        origins: of pages on other sites that may use it; `*`: of any.
        token: what clients must send as `Authorization: Bearer …`; None: nothing.
        max_bytes: of a request's body.
        max_pictures: in one request.
        queue: pictures that may be waited for at a time, in all requests together.
        timeout: seconds that a request may take, the arrival of its body included.
        value_range: the values of black and white in pictures of more than 8 bits; None: those that the classifier was
            trained with, or such pictures are refused.
        page: the content of `GET /`; None: there is no page.
        version: of Picturewise.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    token: str | None = None
    max_bytes: int = 32 * MEGABYTE
    max_pictures: int = 64
    queue: int = 512
    timeout: float = 30.0
    value_range: tuple[float, float] | None = None
    page: bytes | None = None
    version: str = ""

    @property
    def max_held(self) -> int:
        """Bytes of bodies that are held at a time: eight of the largest."""
        return 8 * self.max_bytes
