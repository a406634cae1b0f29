"""A live stream read by a child process, which can be killed when a library below hangs.

The address travels through a pipe, never among the process's arguments. A second pipe is the child's leash: when its
other end closes, because the parent lets go or died in whatever way, the child ends within seconds, even from inside
a read that hangs.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from multiprocessing.connection import Connection, Pipe
from typing import Any

from PIL import Image

from workbench.domain import Mask
from workbench.errors import FootageError, LastingStreamError
from workbench.footage.decoding import VideoStill
from workbench.footage.motion import ChangeDetection, ChangeWatch
from workbench.footage.pictures import Jpeg, encode_jpeg
from workbench.footage.stream_clock import StreamClock, is_due, next_due_s
from workbench.footage.stream_decoder import stream_frames, without_pictures

__all__ = [
    "Alive",
    "Failure",
    "Finished",
    "Live",
    "LiveStill",
    "Message",
    "Probing",
    "Reading",
    "Started",
    "StreamProbe",
    "as_it_is",
    "read_for_parent",
    "reader_process",
]

_SIGN_EVERY_S = 0.5
_LEASH_CHECK_S = 1.0
_GRACE_S = 1.0


@dataclass(frozen=True)
class LiveStill:
    """A picture of a stream, ``offset_s`` seconds after the stream's first frame."""

    offset_s: float
    jpeg: Jpeg


@dataclass(frozen=True)
class StreamProbe:
    """What a stream showed when it was tried out; ``announced_fps`` is None where it says nothing of it.

    ``size_wh`` is the stream's own, upright, whatever became of the picture.
    """

    size_wh: tuple[int, int]
    codec_name: str
    announced_fps: float | None
    jpeg: Jpeg
    first_picture_s: float


@dataclass(frozen=True)
class Started:
    """The child runs and is about to connect."""


@dataclass(frozen=True)
class Live:
    """The connection's first frame came, at ``at_s`` of the monotonic clock."""

    at_s: float
    has_end: bool


@dataclass(frozen=True)
class Alive:
    """A frame came of which no still is sent."""


@dataclass(frozen=True)
class Finished:
    """All was seen that was asked for, or that there is."""

    reason: str


@dataclass(frozen=True)
class Failure:
    """A FootageError of the child; ``is_lasting`` when another try will not mend it."""

    expected: str
    found: str
    remedy: str
    is_lasting: bool = False

    @classmethod
    def of(cls, error: FootageError) -> "Failure":
        return cls(error.expected, error.found, error.remedy, isinstance(error, LastingStreamError))

    def error(self) -> FootageError:
        kind = LastingStreamError if self.is_lasting else FootageError
        return kind(expected=self.expected, found=self.found, remedy=self.remedy)


Message = Started | Live | Alive | LiveStill | StreamProbe | Finished | Failure


def as_it_is(image: Image.Image) -> Image.Image:
    return image


@dataclass(frozen=True)
class Reading:
    """What one connection is to sample; ``prepare`` turns a picture into what may leave the child.

    With ``change`` the frames every ``every_s`` seconds are looked at, and those alone are sent that show a changed
    view where none of ``masks`` hides it; each connection sends its first one. ``zero_at_s`` is when, on the monotonic
    clock, an earlier connection saw the stream's first frame; ``last_offset_s`` that of the last still.
    """

    url: str = field(repr=False)
    every_s: float
    duration_s: float | None
    timeout_s: float
    prepare: Callable[[Image.Image], Image.Image] = as_it_is
    change: ChangeDetection | None = None
    masks: tuple[Mask, ...] = ()
    zero_at_s: float | None = None
    last_offset_s: float | None = None

    def messages(self) -> Iterator[Message]:
        clock: StreamClock | None = None
        choice = _Choice(self)
        has_end = False
        told_s = -inf
        for still, stream_format in stream_frames(self.url, timeout_s=self.timeout_s):
            now_s = time.monotonic()
            if clock is None:
                has_end = stream_format.has_end
                clock = self._clock(now_s, has_end)
                yield Live(now_s, has_end)
            offset_s = clock.offset_s(still.offset_s, now_s)
            if self.duration_s is not None and offset_s >= self.duration_s:
                yield Finished(f"{self.duration_s:g} s have been seen.")
                return
            if choice.takes(offset_s, still):
                yield LiveStill(offset_s, encode_jpeg(self.prepare(still.image())))
            elif now_s - told_s >= _SIGN_EVERY_S:
                yield Alive()
                told_s = now_s
        if not has_end:
            raise without_pictures(self.url, "that the stream ended")
        yield Finished("The recording is over.")

    def _clock(self, now_s: float, has_end: bool) -> StreamClock:
        passed_s = 0.0 if self.zero_at_s is None else now_s - self.zero_at_s
        base_s = max(passed_s, self.last_offset_s or 0.0)
        return StreamClock(base_s=base_s, is_live=not has_end)


class _Choice:
    """Which frames of one connection are sent."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        last_s = reading.last_offset_s
        self._due_s = 0.0 if last_s is None else next_due_s(last_s, reading.every_s)
        self._watch: ChangeWatch | None = None

    def takes(self, offset_s: float, still: VideoStill) -> bool:
        if not is_due(offset_s, self._due_s):
            return False
        self._due_s = next_due_s(offset_s, self._reading.every_s)
        if self._reading.change is None:
            return True
        self._watch = self._watch or ChangeWatch(still.size_wh, self._reading.change, self._reading.masks)
        return self._watch.takes(offset_s, still)


@dataclass(frozen=True)
class Probing:
    """One picture of a stream, and what it says of itself; ``prepare`` is that of :class:`Reading`."""

    url: str = field(repr=False)
    timeout_s: float
    prepare: Callable[[Image.Image], Image.Image] = as_it_is

    def messages(self) -> Iterator[Message]:
        began_s = time.monotonic()
        for still, stream_format in stream_frames(self.url, timeout_s=self.timeout_s):
            first_picture_s = time.monotonic() - began_s
            image = still.image()
            codec_name, fps = stream_format.codec_name, stream_format.announced_fps
            yield StreamProbe(image.size, codec_name, fps, encode_jpeg(self.prepare(image)), first_picture_s)
            return
        raise without_pictures(self.url, "that the stream ended before the first one")


@contextmanager
def reader_process(work: Reading | Probing) -> "Iterator[Connection[Message, Message]]":
    """Run ``work`` in a child process and yield the end of the pipe on which it tells its messages.

    On leaving, the child has time to take leave of the camera, and is gone afterwards.

    Raises:
        FootageError: No process can be started.
    """
    receiver, sink = Pipe(duplex=False)
    leash_end, leash = Pipe(duplex=False)
    with receiver, leash:
        with sink, leash_end:
            child = _start(work, leash_end, sink)
        try:
            with suppress(BrokenPipeError):
                leash.send(work)
            yield receiver
        finally:
            leash.close()
            receiver.close()
            with suppress(subprocess.TimeoutExpired):
                child.wait(2 * _GRACE_S)
            child.kill()
            child.wait()


def read_for_parent() -> None:
    """Do what the parent asks for on its pipe; the child's main function."""
    leash_end: Connection[Any, Any] = Connection(int(sys.argv[1]), writable=False)
    sink: Connection[Any, Any] = Connection(int(sys.argv[2]), readable=False)
    try:
        work: Reading | Probing = leash_end.recv()
    except EOFError:
        return
    let_go = threading.Event()
    threading.Thread(target=_heed, args=(leash_end, os.getppid(), let_go), daemon=True).start()
    with suppress(BrokenPipeError), sink, closing(_messages(work)) as messages:
        for message in messages:
            sink.send(message)
            if let_go.is_set():
                break


def _start(
    work: Reading | Probing, leash_end: "Connection[Any, Any]", sink: "Connection[Any, Any]"
) -> subprocess.Popen[bytes]:
    """Start a child that imports what this process would, in a process group that no Ctrl-C reaches.

    It is not ``multiprocessing``, whose children load the parent's main module: a whole web server per camera.
    """
    main = f"from {__name__} import {read_for_parent.__name__}; {read_for_parent.__name__}()"
    pipes = leash_end.fileno(), sink.fileno()
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", main, *map(str, pipes)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=pipes,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            process_group=0,
        )
    except OSError as exc:
        raise without_pictures(work.url, f"no process to read it ({exc.strerror})") from exc


def _messages(work: Reading | Probing) -> Generator[Message]:
    yield Started()
    try:
        yield from work.messages()
    except FootageError as error:
        yield Failure.of(error)


def _heed(leash_end: "Connection[Any, Any]", parent_pid: int, let_go: threading.Event) -> None:
    """End the process soon after the leash is let go; nobody ever writes to it.

    The parent is looked for as well: a process that it forked may still hold the leash's other end.
    """
    while os.getppid() == parent_pid and not leash_end.poll(_LEASH_CHECK_S):
        pass
    let_go.set()
    time.sleep(_GRACE_S)
    os._exit(1)
