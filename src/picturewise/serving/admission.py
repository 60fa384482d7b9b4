"""How much is accepted at a time: a bounded number of pictures, and a bounded number of bytes that wait for them."""

from __future__ import annotations

from types import TracebackType

from picturewise.serving.refusals import busy
from picturewise.serving.settings import Settings


class Admission:
    """The places that are taken by requests that are not answered yet."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.pictures = 0
        self.held = 0

    def place(self) -> Place:
        """Return the place of a new request, with one picture.

        Raises:
            RefusedRequest: all places are taken.
        """
        place = Place(self)
        place.take(pictures=1)
        return place

    def take(self, pictures: int, size: int) -> None:
        """Take places for pictures and bytes.

        Raises:
            RefusedRequest: there are not as many.
        """
        settings = self._settings
        if self.pictures + pictures > settings.queue:
            raise busy(f"The queue is full ({settings.queue:,} pictures). Try again in a second.")
        if self.held + size > settings.max_held:
            raise busy(
                f"Too many large requests arrive at once ({settings.max_held:,} bytes). Try again in a second."
            )
        self.pictures += pictures
        self.held += size


class Place:
    """The place of one request, as a context manager: it is given back at its end."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._pictures = 0
        self._held = 0

    def take(self, *, pictures: int = 0, size: int = 0) -> None:
        """Take more; see `Admission.take`."""
        self._admission.take(pictures, size)
        self._pictures += pictures
        self._held += size

    def __enter__(self) -> Place:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission.pictures -= self._pictures
        self._admission.held -= self._held
