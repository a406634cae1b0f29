"""A live stream kept alive: connected, watched, connected again after a fault, given up when that is hopeless."""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing.connection import Connection, wait
from typing import Any

from workbench.domain import StreamKind, utc_now
from workbench.errors import FootageError
from workbench.footage.stream_decoder import without_pictures
from workbench.footage.stream_messages import Failure, Finished, Live, LiveStill, Message, Seen, Sending, Started
from workbench.footage.stream_process import reader_process
from workbench.footage.stream_reading import Reading

__all__ = ["StreamPatience", "StreamState", "StreamSupervisor"]


@dataclass(frozen=True)
class StreamState:
    """How a stream is doing, for a person; ``reason`` is a sentence without credentials, empty while all is well.

    ``retry_in_s`` counts from ``since`` and is None unless the stream waits for its next try. ``reconnects`` is how
    often it came back, ``stills_dropped`` how many stills were lost because nobody took them in time.
    """

    kind: StreamKind
    since: datetime
    reason: str = ""
    retry_in_s: float | None = None
    reconnects: int = 0
    stills_dropped: int = 0


@dataclass(frozen=True)
class StreamPatience:
    """How long to wait for what; ``waiting_stills`` is how many stills wait at most for a slow reader.

    A connection has ``start_s`` for its first frame (process, network, the camera's next key frame) and is cut when
    none came for ``silence_s``. The next try comes after ``first_retry_s``, then after twice as long each time, up to
    ``longest_retry_s``; a connection that lasted ``good_stretch_s`` begins anew. A stream is given up when no try
    brought a frame for ``first_frame_s`` from the start, or for ``give_up_s`` after its last frame; a recording when it
    breaks off, as another try would begin at its start. Where keyframes alone are asked for, whatever the camera sends
    breaks the silence, and a connection is cut when it brought no keyframe for ``keyframe_s``.
    """

    silence_s: float = 20.0
    start_s: float = 60.0
    keyframe_s: float = 300.0
    first_retry_s: float = 1.0
    longest_retry_s: float = 30.0
    good_stretch_s: float = 60.0
    first_frame_s: float = 60.0
    give_up_s: float = 600.0
    waiting_stills: int = 32


class StreamSupervisor:
    """Connects as often as it takes; closing the other end of ``stop`` ends it."""

    def __init__(self, reading: Reading, patience: StreamPatience, stop: "Connection[Any, Any]") -> None:
        self.has_end = False
        self._reading = reading
        self._patience = patience
        self._stop = stop
        self._reconnects = 0
        self._last_frame_s: float | None = None

    def events(self) -> Iterator[LiveStill | StreamState]:
        """Yield every state and every still until all was seen, or ``stop``.

        Raises:
            FootageError: The stream was given up, and why.
        """
        begun_s = time.monotonic()
        retry_in_s = self._patience.first_retry_s
        while not self._is_over():
            yield self._state(StreamKind.CONNECTING)
            connecting_s = time.monotonic()
            outcome = yield from self._connection()
            if outcome is None:
                return
            if isinstance(outcome, Finished):
                yield self._state(StreamKind.ENDED, outcome.reason)
                return
            if self._is_hopeless(outcome, begun_s):
                yield self._state(StreamKind.ENDED, str(outcome.error()))
                raise outcome.error()
            if self._lasted(connecting_s):
                retry_in_s = self._patience.first_retry_s
            yield self._state(StreamKind.WAITING, _sentence(outcome.found), retry_in_s)
            if wait([self._stop], timeout=retry_in_s):
                return
            retry_in_s = min(2 * retry_in_s, self._patience.longest_retry_s)
        yield self._state(StreamKind.ENDED, self._over().reason)

    def _connection(self) -> Generator[LiveStill | StreamState, None, Finished | Failure | None]:
        """Read one connection and return why it ended; None when it was stopped."""
        try:
            with reader_process(self._reading) as receiver:
                return (yield from self._read(receiver))
        except FootageError as error:
            return Failure.of(error)

    def _read(
        self, receiver: "Connection[Message, Message]"
    ) -> Generator[LiveStill | StreamState, None, Finished | Failure | None]:
        patience_s = self._patience.start_s
        while True:
            ready = wait([receiver, self._stop], timeout=patience_s)
            if self._stop in ready:
                return None
            if not ready:
                return self._failure(f"no picture for {patience_s:g} s")
            try:
                message = receiver.recv()
            except (EOFError, OSError):
                return self._failure("that the process that reads it ended")
            if end := self._end(message):
                return end
            if not isinstance(message, Started):
                patience_s = self._patience.silence_s
            if not isinstance(message, Started | Sending):
                self._last_frame_s = time.monotonic()
            if isinstance(message, Live):
                self._note(message)
                yield self._state(StreamKind.LIVE)
            if isinstance(message, Seen):
                self._reading = replace(self._reading, seen_until_s=message.camera_s)
            if isinstance(message, LiveStill):
                self._reading = replace(self._reading, last_offset_s=message.offset_s)
                yield message

    def _end(self, message: Message) -> Finished | Failure | None:
        """Return why nothing more is to be read after ``message``."""
        if isinstance(message, Finished | Failure):
            return message
        if isinstance(message, Sending) and not self.has_end and self._is_over():
            return self._over()
        return None

    def _note(self, live: Live) -> None:
        self.has_end = live.has_end
        if self._reading.zero_at_s is None:
            self._reading = replace(self._reading, zero_at_s=live.at_s)
        else:
            self._reconnects += 1

    def _is_over(self) -> bool:
        zero_at_s, duration_s = self._reading.zero_at_s, self._reading.duration_s
        return zero_at_s is not None and duration_s is not None and time.monotonic() - zero_at_s >= duration_s

    def _over(self) -> Finished:
        return Finished(f"{self._reading.duration_s:g} s are over.")

    def _is_hopeless(self, failure: Failure, begun_s: float) -> bool:
        if self._last_frame_s is None:
            return failure.is_lasting or time.monotonic() - begun_s >= self._patience.first_frame_s
        return self.has_end or time.monotonic() - self._last_frame_s >= self._patience.give_up_s

    def _lasted(self, connecting_s: float) -> bool:
        return self._last_frame_s is not None and (self._last_frame_s - connecting_s >= self._patience.good_stretch_s)

    def _failure(self, found: str) -> Failure:
        return Failure.of(without_pictures(self._reading.url, found))

    def _state(self, kind: StreamKind, reason: str = "", retry_in_s: float | None = None) -> StreamState:
        return StreamState(kind, utc_now(), reason, retry_in_s, self._reconnects)


def _sentence(found: str) -> str:
    clause = found.removeprefix("that ")
    return f"{clause[0].upper()}{clause[1:]}."
