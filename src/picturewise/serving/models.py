"""The classifiers of a service, by name; each can be replaced while it is in use."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from picturewise.cores import available_cores
from picturewise.data.pictures.decode import Form
from picturewise.data.pictures.decode_warm import WarmDecoder
from picturewise.errors import PictureError, PicturewiseError
from picturewise.prediction.classifier import Classifier
from picturewise.serving.batching import Batcher
from picturewise.serving.deep_pictures import DeepPictures
from picturewise.serving.metrics import Metrics
from picturewise.serving.refusals import RefusedRequest

Load = Callable[[], Classifier]
_QUICK = 16_000_000
"""Multiplications of about half a millisecond on one core of 2020."""


@dataclass(eq=False)
class Served:
    """One classifier in service.

    Attributes:
        name: in addresses.
        version: the first 12 digits of the SHA-256 of its weights.
        classifier: what predicts.
        decoder: the children that decode its pictures.
        deep: reads those that they refuse for their number of bits.
        batcher: computes the pictures of all requests.
    """

    name: str
    version: str
    classifier: Classifier
    decoder: WarmDecoder
    deep: DeepPictures
    batcher: Batcher
    _users: int = 0
    _free: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of its pictures."""
        return self.classifier.description.shape

    async def pixels(self, content: bytes, *, alone: bool = False) -> NDArray[np.uint8]:
        """Return a picture (H, W, C) in the classifier's form.

        Args:
            content: of a picture file.
            alone: no other request is being answered.

        Raises:
            PictureError: it cannot be decoded.
        """
        try:
            return await self.decoder.decode(content, alone=alone)
        except PictureError as error:
            return await self.deep.decode(content, error)

    @contextlib.contextmanager
    def in_use(self) -> Iterator[Served]:
        """Keep it from being closed."""
        self._users += 1
        self._free.clear()
        try:
            yield self
        finally:
            self._users -= 1
            if not self._users:
                self._free.set()

    async def close(self) -> None:
        """End its children and its thread as soon as nobody uses it."""
        if self._users:
            await self._free.wait()
        await self.decoder.close()
        self.batcher.close()


class Models:
    """The classifiers of a service.

    Args:
        loads: functions that load them, by name, in the order in which they are listed.
        metrics: is told the sizes of batches.
        value_range: of pictures of more than 8 bits, see `Settings`.
    """

    def __init__(
        self, loads: Mapping[str, Load], metrics: Metrics, value_range: tuple[float, float] | None = None
    ) -> None:
        self._loads = dict(loads)
        self._metrics = metrics
        self._value_range = value_range
        self._served: dict[str, Served] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()

    @property
    def names(self) -> Sequence[str]:
        """Their names."""
        return tuple(self._loads)

    @property
    def served(self) -> Sequence[Served]:
        """Those that are loaded."""
        return tuple(self._served.values())

    @property
    def ready(self) -> bool:
        """Whether each is loaded and has a child that decodes."""
        return len(self._served) == len(self._loads) and all(one.decoder.pool.ready for one in self.served)

    def find(self, name: str | None, version: str | None = None) -> Served:
        """Return a classifier.

        Args:
            name: None: the only one.
            version: None: the current one.

        Raises:
            RefusedRequest: there is none of that name and version, or several and no name.
        """
        known = ", ".join(self.names)
        if name is None:
            if len(self.names) > 1:
                raise RefusedRequest(
                    "bad_request", f"There are several models ({known}). Choose one with ?model=NAME."
                )
            name = self.names[0]
        found = self._served.get(name)
        if found is None:
            raise RefusedRequest("model_not_found", f"There is no model of that name. Choose from {known}.")
        if version is not None and version != found.version:
            raise RefusedRequest(
                "model_not_found",
                f"The model {name} does not have that version. It has version {found.version}.",
            )
        return found

    async def start(self) -> None:
        """Load and check all of them.

        Raises:
            PicturewiseError: one cannot be loaded.
        """
        for name, load in self._loads.items():
            self._served[name] = await self._opened(name, load)

    async def reload(self, tell: Callable[[str, bool], None]) -> None:
        """Load each again, and put it in the place of the old one if it predicts.

        Args:
            tell: is called with a sentence about each, and whether it was loaded.
        """
        async with self._reloading:
            for name, load in self._loads.items():
                old = self._served[name]
                try:
                    new = await self._opened(name, load)
                except Exception as error:  # noqa: BLE001 (whatever is wrong with the file, the old one goes on)
                    said = (
                        error if isinstance(error, PicturewiseError) else f"{type(error).__name__}: {error}"
                    )
                    tell(
                        f"{name} could not be loaded again, so version {old.version} goes on serving. {said}",
                        False,
                    )
                    continue
                self._served[name] = new
                tell(
                    f"{name} was loaded again: version {new.version} takes the place of {old.version}.", True
                )
                closing = asyncio.get_running_loop().create_task(old.close())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """End all children and threads."""
        await asyncio.gather(*self._closing, *(one.close() for one in self.served))

    async def _opened(self, name: str, load: Load) -> Served:
        """Return a classifier that has predicted a picture, with its children ready."""
        classifier = await asyncio.get_running_loop().run_in_executor(None, lambda: _checked(load()))
        description = classifier.description
        values = self._value_range or description.values
        decoder = WarmDecoder(Form(*description.shape, description.resize, description.background, values))
        await decoder.start()
        summary = classifier.summary()
        batcher = Batcher(
            functools.partial(_probabilities, classifier),
            self._metrics.batches(name),
            quick=0 if summary is None else _QUICK // max(1, summary.multiplications),
        )
        # Several pictures are computed by other threads than one, which are made ready after the start.
        batcher.prepare(np.zeros((available_cores(), *description.shape), np.uint8))
        return Served(
            name, classifier.weights_sha256[:12], classifier, decoder, DeepPictures(classifier), batcher
        )


def _checked(classifier: Classifier) -> Classifier:
    """Return a classifier after it has predicted a picture."""
    classifier.probabilities(np.zeros((1, *classifier.description.shape), np.uint8))
    return classifier


def _probabilities(classifier: Classifier, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return probabilities (N, K); those of a picture for which the network overflows are not finite."""
    return classifier.description.target.probabilities(classifier.logits(pictures, checked=False))
