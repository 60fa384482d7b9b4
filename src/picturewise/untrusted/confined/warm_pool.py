"""Children for a program that waits for single items: they are started once, and an event loop talks to all of them.

They are the children of `pool`, with the same limits, and trusted as little: one that crashes, hangs or answers nonsense
is replaced, the item that did it gets a reason, and the items behind it go to another child.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import math
from collections import deque
from pathlib import Path
from typing import cast

from picturewise.errors import DataError, PicturewiseError
from picturewise.printable import printable
from picturewise.untrusted.confined import blame, process, protocol
from picturewise.untrusted.confined.pool_thread import Task

# Items that a child takes at a time: several save time when many wait, and a slow one delays those behind it.
_CHUNK = 4
_CHUNK_BYTES = 1 << 20
_START = 60.0  # seconds of real time in which a child must be ready
_PAUSE = 1.0  # seconds until the next try, if no child can be started
_TRIED_LONG = 1.0  # seconds after which an item that nobody waits for any longer is worth a new child


class _Asked:
    """An item, and the future of its answer."""

    __slots__ = ("answer", "item")

    def __init__(self, item: bytes, answer: asyncio.Future[bytes]) -> None:
        self.item = item
        self.answer = answer


class WarmPool:
    """Children that wait for items; all methods belong to one event loop.

    Args:
        task: what they do with each.
        children: how many, from 1.
        length: bytes of each answer.
    """

    def __init__(self, task: Task, children: int, length: int) -> None:
        self.task = task
        self.length = length
        self._count = children
        self._waiting: deque[_Asked] = deque()
        self._children: set[_Child] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def ready(self) -> int:
        """How many children are ready for items, or busy with them."""
        return sum(child.ready.done() for child in self._children)

    @property
    def process_ids(self) -> list[int]:
        """The children that are ready."""
        return [child.process_id for child in self._children if child.ready.done()]

    async def start(self) -> None:
        """Start the children and wait until they are ready.

        Raises:
            PicturewiseError: one cannot be started.
        """
        try:
            await asyncio.gather(*(self._add() for _ in range(self._count)))
        except BaseException:
            await self.close()
            raise

    async def answer(self, item: bytes) -> bytes:
        """Return a child's answer for an item.

        Raises:
            DataError: the reason why it has none.
        """
        if self._closed:
            raise PicturewiseError("The processes that decode pictures have been stopped.")
        asked = _Asked(item, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        self.feed()
        try:
            return await asked.answer
        except asyncio.CancelledError:
            for child in self._children:
                child.give_up(asked)
            raise

    async def close(self) -> None:
        """End the children; items without an answer are refused."""
        self._closed = True
        for starting in self._starting:
            starting.cancel()
        children = list(self._children)
        for child in children:
            child.kill()
        for child in children:
            await child.ended.wait()
        for asked in self._waiting:
            if not asked.answer.done():
                asked.answer.set_exception(PicturewiseError("The service has been stopped."))
        self._waiting.clear()

    def feed(self) -> None:
        """Give waiting items to children that have none."""
        for child in self._children:
            if not self._waiting:
                return
            if child.idle and (chunk := self._chunk()):
                child.ask(chunk)

    def take_back(self, unanswered: deque[_Asked]) -> None:
        """Let other children answer the items of one that has ended, before all others."""
        self._waiting.extendleft(reversed(unanswered))

    def replace(self, child: _Child) -> None:
        """Start another child, unless the pool is closed."""
        self._children.discard(child)
        if not self._closed:
            starting = asyncio.get_running_loop().create_task(self._keep_trying())
            self._starting.add(starting)
            starting.add_done_callback(self._starting.discard)

    async def _keep_trying(self) -> None:
        while not self._closed:
            try:
                await self._add()
            except PicturewiseError:
                await asyncio.sleep(_PAUSE)
            else:
                return

    async def _add(self) -> None:
        child = _Child(self)
        loop = asyncio.get_running_loop()
        try:
            await loop.subprocess_exec(
                lambda: child, *process.command(), stderr=asyncio.subprocess.DEVNULL, env=process.environment()
            )
        except OSError as error:
            raise PicturewiseError(blame.cannot_start(str(error))) from error
        try:
            async with asyncio.timeout(_START):
                await asyncio.shield(child.ready)
        except TimeoutError as error:
            raise PicturewiseError(blame.cannot_start("it is not ready in time")) from error
        except DataError as error:
            raise PicturewiseError(blame.cannot_start(str(error))) from error
        finally:
            if not child.is_ready:
                child.ready.add_done_callback(_retrieved)
                child.kill()
        if self._closed:
            child.kill()
            return
        self._children.add(child)
        self.feed()

    def _chunk(self) -> list[_Asked]:
        """Take items for a child: its share of those that wait, and not more bytes than are quickly sent."""
        share = min(_CHUNK, math.ceil(len(self._waiting) / self._count))
        chunk, held = list[_Asked](), 0
        while self._waiting and len(chunk) < share:
            asked = self._waiting[0]
            if chunk and held + len(asked.item) > _CHUNK_BYTES:
                break
            self._waiting.popleft()
            if not asked.answer.done():  # otherwise nobody waits for it any longer
                chunk.append(asked)
                held += len(asked.item)
        return chunk


def _retrieved(future: asyncio.Future[None]) -> None:
    """Look at a future that nobody waits for any longer, so that asyncio does not complain about its error."""
    if not future.cancelled():
        future.exception()


class _Child(asyncio.SubprocessProtocol):
    """One child: what it was asked, and what has arrived from it."""

    def __init__(self, pool: WarmPool) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.ended = asyncio.Event()
        self._loop = loop
        self._pool = pool
        self._asked: deque[_Asked] = deque()
        self._arrived = bytearray()
        self._fresh = True
        self._overdue = False
        self._reason: str | None = None
        self._began = 0.0
        self._clock: asyncio.TimerHandle | None = None

    @property
    def is_ready(self) -> bool:
        return self.ready.done() and not self.ready.cancelled() and self.ready.exception() is None

    @property
    def idle(self) -> bool:
        return not self._asked and self._reason is None and not self._overdue

    @property
    def process_id(self) -> int:
        return self._process.get_pid()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first line; see `asyncio.SubprocessProtocol`."""
        self._process = cast(asyncio.SubprocessTransport, transport)
        self._requests = cast(asyncio.WriteTransport, self._process.get_pipe_transport(0))
        self._requests.write(self._pool.task.first_line())

    def ask(self, chunk: list[_Asked]) -> None:
        """Send items; the child has none."""
        self._asked.extend(chunk)
        message = io.BytesIO()
        protocol.write_chunk(message, [asked.item for asked in chunk], Path())
        self._requests.write(message.getvalue())
        self._begin()

    def give_up(self, asked: _Asked) -> None:
        """End the child if it has long been busy with an item that nobody waits for any longer."""
        if self._asked and self._asked[0] is asked and self._loop.time() - self._began > _TRIED_LONG:
            self._overdue = True
            self.kill()

    def kill(self) -> None:
        """End the child at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Take answers, which may arrive in pieces; see `asyncio.SubprocessProtocol`."""
        del fd
        self._arrived += data
        try:
            while self._arrived and self._reason is None:
                if not self._take():
                    break
        except ValueError:
            self._reason = blame.INVALID
        except MemoryError:
            self._reason = blame.too_much_memory(self._pool.task.memory)
        if self._reason is not None:
            self.kill()
        elif not self._asked and self.is_ready:
            self._pool.feed()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """End a child that answers no more; see `asyncio.SubprocessProtocol`."""
        del fd, exc
        self.kill()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note why the current item has no answer, and start another child; see `asyncio.SubprocessProtocol`."""
        del exc
        code = self._process.get_returncode() or 0
        self._stop_clock()
        if not self.ready.done():
            self.ready.set_exception(DataError(process.how_it_ended(code)))
        if self._asked:
            reason = self._reason
            if self._overdue or process.ran_out_of_time(code):
                reason = blame.TOO_LONG
            elif not self._fresh:
                reason = None  # an earlier item may have left the child damaged or full: a fresh one tries again
            elif reason is None:
                reason = blame.crashed(code)
            if reason is not None:
                self._refuse(reason)
            self._pool.take_back(self._asked)
        self._process.close()
        self.ended.set()
        if self.is_ready:
            self._pool.replace(self)

    def _take(self) -> bool:
        """Take one answer from what has arrived; return False if it is not complete."""
        if self._arrived[:1] == protocol.DONE and len(self._arrived) < self._pool.length:
            return False  # without copying what there is for each piece that arrives
        stream = io.BytesIO(self._arrived)
        kind = stream.read(1)
        if not self.is_ready:
            if kind != protocol.READY:
                raise ValueError("not ready")
            self.ready.set_result(None)
            del self._arrived[:1]
            return True
        if not self._asked:
            raise ValueError("an answer that nobody asked for")
        if kind == protocol.NO_MEMORY:
            raise MemoryError
        try:
            if kind == protocol.DONE:
                content = bytearray(self._pool.length)
                protocol.read_result(stream, [memoryview(content)])
                self._answer(bytes(content))
            elif kind == protocol.REFUSED:
                self._refuse(printable(protocol.read_reason(stream))[: protocol.LONGEST_REASON])
            else:
                raise ValueError("unknown kind of answer")
        except EOFError:
            return False
        del self._arrived[: stream.tell()]
        self._fresh = False
        self._begin()
        return True

    def _answer(self, content: bytes) -> None:
        answer = self._asked.popleft().answer
        if not answer.done():
            answer.set_result(content)

    def _refuse(self, reason: str) -> None:
        answer = self._asked.popleft().answer
        if not answer.done():
            answer.set_exception(DataError(reason))

    def _begin(self) -> None:
        """Start the clock for the item that is answered next."""
        self._stop_clock()
        if self._asked:
            self._began = self._loop.time()
            self._clock = self._loop.call_later(
                self._pool.task.patience(self._asked[0].item), self._lose_patience
            )

    def _lose_patience(self) -> None:
        self._overdue = True
        self.kill()

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
