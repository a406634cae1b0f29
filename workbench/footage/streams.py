"""Live streams, sampled by a child process under a watchdog.

The libraries below a stream can hang in a read that no timeout reaches. The child tells of every frame that it
decodes; when it has been silent for too long it is killed. Its address travels through a pipe, so that credentials
appear neither among the processes' arguments nor in any error.
"""

import multiprocessing
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

from workbench.errors import FootageError
from workbench.footage.addresses import without_credentials
from workbench.footage.pictures import Jpeg, encode_jpeg
from workbench.footage.video import stream_frames

__all__ = ["LiveStill", "sample_stream"]

SILENCE_S = 20.0
_START_S = 60.0
_TOLERANCE_S = 0.001


@dataclass(frozen=True)
class LiveStill:
    """A picture of a stream, ``offset_s`` seconds after the stream's first frame."""

    offset_s: float
    jpeg: Jpeg


@dataclass(frozen=True)
class _Alive:
    pass


@dataclass(frozen=True)
class _Failure:
    expected: str
    found: str
    remedy: str


_Message = LiveStill | _Alive | _Failure


def sample_stream(url: str, *, every_s: float, duration_s: float, silence_s: float = SILENCE_S) -> Iterator[LiveStill]:
    """Yield a still of the stream every ``every_s`` seconds until ``duration_s`` have been seen or it ends.

    Raises:
        FootageError: It cannot be opened, or no frame came for ``silence_s``. What was yielded before is good.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_read, args=(url, every_s, duration_s, silence_s, sender), daemon=True)
    child.start()
    sender.close()
    try:
        for message in _messages(receiver, silence_s, duration_s):
            if isinstance(message, _Failure):
                raise FootageError(expected=message.expected, found=message.found, remedy=message.remedy)
            if isinstance(message, LiveStill):
                yield message
    except TimeoutError as exc:
        raise _without_frames(url, f"none for {silence_s:g} s") from exc
    finally:
        receiver.close()
        child.kill()
        child.join()


def _messages(receiver: "Connection[_Message, _Message]", silence_s: float, duration_s: float) -> Iterator[_Message]:
    """Yield what the child says until it is done; TimeoutError when it falls silent."""
    patience_s = _START_S
    ends_at: float | None = None
    while ends_at is None or time.monotonic() < ends_at:
        if not receiver.poll(patience_s):
            raise TimeoutError
        try:
            message = receiver.recv()
        except EOFError:
            return
        patience_s = silence_s
        if isinstance(message, LiveStill) and ends_at is None:
            ends_at = time.monotonic() + duration_s + silence_s
        yield message


def _read(
    url: str, every_s: float, duration_s: float, silence_s: float, sink: "Connection[_Message, _Message]"
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sink.send(_Alive())
    due_s = 0.0
    try:
        for still in stream_frames(url, timeout_s=silence_s):
            if still.offset_s >= duration_s:
                break
            if still.offset_s < due_s - _TOLERANCE_S:
                sink.send(_Alive())
                continue
            sink.send(LiveStill(still.offset_s, encode_jpeg(still.image())))
            due_s = ((still.offset_s + _TOLERANCE_S) // every_s + 1) * every_s
        if not due_s:
            raise _without_frames(url, "a stream that ended before the first one")
    except FootageError as error:
        sink.send(_Failure(error.expected, error.found, error.remedy))
    sink.close()


def _without_frames(url: str, found: str) -> FootageError:
    return FootageError(
        expected=f"frames from {without_credentials(url)}",
        found=found,
        remedy="check that the camera is on and reachable, then run the same command again",
    )
