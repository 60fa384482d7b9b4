"""Children for a program that is asked for single items at any time: an event loop talks to all of them.

They are the children of `pool`, with the same limits, and trusted as little: one that crashes, hangs or answers
nonsense is replaced, the item that did it gets a reason, and the items behind it go to another child. The loop reads
and writes their pipes itself, which it can do on every system but Windows: a thread for each would double the cost of
a small picture.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import math
import os
import select
import subprocess
import time
from collections import deque
from pathlib import Path
from typing import IO, cast

from picturewise.errors import DataError, PicturewiseError
from picturewise.printable import printable
from picturewise.untrusted.confined import blame, process, protocol
from picturewise.untrusted.confined.pool_thread import Task

# Items that a child takes at a time: several save time when many wait, and a slow one delays those behind it.
_CHUNK = 4
_CHUNK_BYTES = 1 << 20
_START = 60.0  # seconds of real time in which a child must be ready
_PAUSE = 1.0  # seconds until the next try, if no child can be started
_TRIES = 4  # children that an item may end before it is blamed, if none of them was fresh
_LEAVE = 0.5  # seconds in which a child can end by itself
_LOOK = 0.005  # seconds between two looks whether it has
_PIECE = 1 << 16  # bytes read at a time: what a pipe holds
_STOPPED = "The processes that decode pictures have been stopped."
_TRIED_LONG = 1.0  # seconds after which an item that nobody waits for any longer is worth a new child


class _Asked:
    """An item, and the future of its answer."""

    __slots__ = ("answer", "item", "tries")

    def __init__(self, item: bytes, answer: asyncio.Future[bytes]) -> None:
        self.item = item
        self.answer = answer
        self.tries = 0  # children that ended while they had it


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
        self._restarting: set[asyncio.Task[None]] = set()
        self._closed = False
        self._prompt = True  # whether the last answer that the loop could have waited for was quick

    @property
    def ready(self) -> int:
        """How many children are ready for items, or busy with them."""
        return len(self.process_ids)

    @property
    def process_ids(self) -> list[int]:
        """The children that are ready."""
        return [child.process_id for child in self._children if child.was_ready]

    @property
    def waits(self) -> bool:
        """Whether there are items that no child has."""
        return bool(self._waiting)

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

    async def answer(self, item: bytes, *, hold: float = 0.0) -> bytes:
        """Return a child's answer for an item.

        Args:
            item: what the child gets.
            hold: seconds in which the loop does nothing but wait for the answer, unless the last one took longer. An
                answer that is awaited comes sooner than one that must wake the loop up.

        Raises:
            DataError: the reason why it has none.
        """
        if self._closed:
            raise PicturewiseError(_STOPPED)
        asked = _Asked(item, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        self.feed()
        try:
            if not hold:
                return await asked.answer
            start = time.perf_counter()
            if self._prompt:
                self._hold(asked, start + hold)
            try:
                return asked.answer.result() if asked.answer.done() else await asked.answer
            finally:
                self._prompt = time.perf_counter() - start < hold
        except asyncio.CancelledError:
            for child in list(self._children):
                child.give_up(asked)
            raise

    async def close(self) -> None:
        """End the children; items without an answer are refused."""
        self._closed = True
        for restarting in self._restarting:
            restarting.cancel()
        children = list(self._children)
        for child in children:
            child.kill()
        for child in children:
            await child.ended
        for asked in self._waiting:
            if not asked.answer.done():
                asked.answer.set_exception(PicturewiseError(_STOPPED))
        self._waiting.clear()

    def feed(self) -> None:
        """Give waiting items to children that have none."""
        for child in self._children:
            if not self._waiting:
                return
            if child.idle and (chunk := self._chunk()):
                child.ask(chunk)

    def _hold(self, asked: _Asked, until: float) -> None:
        """Wait for an answer, at most until this time of `time.perf_counter`."""
        child = next((child for child in self._children if child.has(asked)), None)
        while child is not None and not asked.answer.done() and time.perf_counter() < until:
            child.look()

    def take_back(self, unanswered: deque[_Asked]) -> None:
        """Let other children answer the items of one that has ended, before all others."""
        self._waiting.extendleft(reversed(unanswered))

    def lost(self, child: _Child) -> None:
        """Start another child in the place of one that has ended, unless the pool is closed."""
        self._children.discard(child)
        if child.was_ready and not self._closed:
            restarting = asyncio.get_running_loop().create_task(self._restart())
            self._restarting.add(restarting)
            restarting.add_done_callback(self._restarting.discard)
            self.feed()

    async def _restart(self) -> None:
        while not self._closed:
            try:
                await self._add()
            except PicturewiseError:
                await asyncio.sleep(_PAUSE)
            else:
                return

    async def _add(self) -> None:
        """Start a child and wait until it is ready."""
        try:
            child = _Child(self)
        except OSError as error:  # no more processes, or no memory for one
            raise PicturewiseError(blame.cannot_start(str(error))) from error
        self._children.add(child)
        try:
            async with asyncio.timeout(_START):
                how = await child.ready
        except TimeoutError as error:
            raise PicturewiseError(blame.cannot_start("it is not ready in time")) from error
        finally:
            if not child.was_ready:
                child.kill()
        if how is not None:
            raise PicturewiseError(blame.cannot_start(how))
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


class _Child:
    """One child: what it was asked, and what has arrived from it."""

    def __init__(self, pool: WarmPool) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[str | None] = loop.create_future()  # None, or how it ended before
        self.ended: asyncio.Future[None] = loop.create_future()
        self.was_ready = False
        self._loop = loop
        self._pool = pool
        self._asked: deque[_Asked] = deque()
        self._arrived = bytearray()
        self._unsent = bytearray()
        self._head = protocol.result_head(pool.length)
        self._whole = len(self._head) + pool.length
        self._fresh = True  # whether it has not answered anything yet
        self._overdue = False
        self._open = True
        self._reason: str | None = None
        self._began = 0.0
        self._deadline = math.inf
        self._clock: asyncio.TimerHandle | None = None
        self._process = process.start(subprocess.PIPE)
        self._requests = cast(IO[bytes], self._process.stdin).fileno()
        self._answers = cast(IO[bytes], self._process.stdout).fileno()
        for pipe in (self._requests, self._answers):
            os.set_blocking(pipe, False)
        loop.add_reader(self._answers, self._receive)
        self._arrivals = select.poll()
        self._arrivals.register(self._answers, select.POLLIN)
        self._send(pool.task.first_line())

    @property
    def idle(self) -> bool:
        """Whether it waits for items; one that was killed may have ended without a word yet."""
        waits = self.was_ready and self._open and not self._asked and not self._overdue
        return waits and self._process.poll() is None

    @property
    def process_id(self) -> int:
        """The child's."""
        return self._process.pid

    def ask(self, chunk: list[_Asked]) -> None:
        """Send items; the child has none."""
        self._asked.extend(chunk)
        message = io.BytesIO()
        protocol.write_chunk(message, [asked.item for asked in chunk], Path())
        self._send(message.getvalue())
        self._begin()

    def has(self, asked: _Asked) -> bool:
        """Return whether this item is the next that it answers."""
        return bool(self._asked) and self._asked[0] is asked

    def look(self) -> None:
        """Take answers if some have arrived; otherwise let others have the core for a moment."""
        if self._open and self._arrivals.poll(0):
            self._receive()
        else:
            os.sched_yield()

    def give_up(self, asked: _Asked) -> None:
        """End the child if it has long been busy with an item that nobody waits for any longer."""
        if self.has(asked) and self._loop.time() - self._began > _TRIED_LONG:
            self._lose_patience()

    def kill(self) -> None:
        """End the child at once."""
        self._process.kill()
        self._close()

    def _send(self, content: bytes) -> None:
        """Write as much as the pipe takes, and the rest when it takes more."""
        if self._unsent:
            self._unsent += content
            return
        written = self._written(content)
        if written < len(content):
            self._unsent += memoryview(content)[written:]
            self._loop.add_writer(self._requests, self._flush)

    def _flush(self) -> None:
        del self._unsent[: self._written(self._unsent)]
        if not self._unsent:
            self._loop.remove_writer(self._requests)

    def _written(self, content: bytes | bytearray) -> int:
        """Write what the pipe takes, and return how many bytes that were."""
        try:
            return os.write(self._requests, content)
        except BlockingIOError:
            return 0
        except OSError:  # the child has ended, which its answers will tell
            return len(content)

    def _receive(self) -> None:
        """Take answers, which may arrive in pieces."""
        try:
            piece = os.read(self._answers, _PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._close()
            return
        self._arrived += piece
        try:
            while self._arrived and self._take():
                pass
        except ValueError:
            self._reason = blame.INVALID
            self.kill()
        except MemoryError:
            self._reason = blame.too_much_memory(self._pool.task.memory)
            self.kill()
        if self._pool.waits and self.idle:
            self._pool.feed()

    def _close(self) -> None:
        """Close the pipes, and wait for the end of the child."""
        if not self._open:
            return
        self._open = False
        self._stop_clock()
        self._loop.remove_reader(self._answers)
        self._loop.remove_writer(self._requests)
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                cast(IO[bytes], pipe).close()
        self._wait(_LEAVE)

    def _wait(self, left: float) -> None:
        """Look whether the child has ended, kill it if it does not, and look again."""
        if self._process.poll() is not None:
            self._end(self._process.returncode)
            return
        if left <= 0:
            self._process.kill()
        self._loop.call_later(_LOOK, self._wait, left - _LOOK)

    def _end(self, code: int) -> None:
        """Note why the current item has no answer, and let another child go on."""
        if self._asked:
            reason = self._reason
            if self._overdue or process.ran_out_of_time(code):
                reason = blame.TOO_LONG
            else:
                asked = self._asked[0]
                asked.tries += 1
                # An earlier item may have left the child damaged or full, and other programs can kill it.
                if asked.tries == 1 or (not self._fresh and asked.tries < _TRIES):
                    reason = None
                elif reason is None:
                    reason = blame.crashed(code)
            if reason is not None:
                self._refuse(reason)
            self._pool.take_back(self._asked)
        if not self.ready.done():
            self.ready.set_result(process.how_it_ended(code))
        self.ended.set_result(None)
        self._pool.lost(self)

    def _take(self) -> bool:
        """Take one answer from what has arrived; return False if it is not complete."""
        if not self.was_ready:
            if self._arrived != protocol.READY:
                raise ValueError("not ready")
            self._arrived.clear()
            self.was_ready = True
            if not self.ready.done():
                self.ready.set_result(None)
            return True
        if not self._asked:
            raise ValueError("an answer that nobody asked for")
        if self._arrived.startswith(self._head):  # usual; nothing is copied until all of it has arrived
            if len(self._arrived) < self._whole:
                return False
            self._answer(bytes(self._arrived[len(self._head) : self._whole]))
            self._took(self._whole)
            return True
        stream = io.BytesIO(self._arrived)
        kind = stream.read(1)
        if kind == protocol.NO_MEMORY:
            raise MemoryError
        try:
            if kind == protocol.DONE:  # of another length, or not even that has arrived
                protocol.read_result(stream, [memoryview(bytearray(self._pool.length))])
            elif kind == protocol.REFUSED:
                self._refuse(printable(protocol.read_reason(stream))[: protocol.LONGEST_REASON])
            else:
                raise ValueError("unknown kind of answer")
        except EOFError:
            return False
        self._took(stream.tell())
        return True

    def _took(self, size: int) -> None:
        """Forget an answer of so many bytes, and wait for the next."""
        del self._arrived[:size]
        self._fresh = False
        self._begin()

    def _answer(self, content: bytes) -> None:
        answer = self._asked.popleft().answer
        if not answer.done():
            answer.set_result(content)

    def _refuse(self, reason: str) -> None:
        answer = self._asked.popleft().answer
        if not answer.done():
            answer.set_exception(DataError(reason))

    def _begin(self) -> None:
        """Set the deadline of the item that is answered next."""
        if not self._asked:
            self._deadline = math.inf  # the clock goes on: starting it again for each item would cost more
            return
        self._began = self._loop.time()
        self._deadline = self._began + self._pool.task.patience(self._asked[0].item)
        if self._clock is None or self._clock.when() > self._deadline:
            self._stop_clock()
            self._clock = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        """Lose patience with an item that is overdue, or wait for a later one."""
        self._clock = None
        if self._deadline <= self._loop.time():
            self._lose_patience()
        elif self._deadline < math.inf:
            self._clock = self._loop.call_at(self._deadline, self._ring)

    def _lose_patience(self) -> None:
        self._overdue = True
        self.kill()

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
