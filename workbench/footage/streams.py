"""Live streams, sampled and tried out through child processes that can be killed.

The libraries below a stream can hang in a read that no timeout reaches, so a child process reads it
(:mod:`workbench.footage.stream_process`). A thread of this process watches the child and starts another after a fault
(:mod:`workbench.footage.stream_supervisor`), also while whoever takes the stills is busy with one.
"""

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, Pipe

from PIL import Image

from workbench.domain import Mask, StreamKind, utc_now
from workbench.errors import FootageError
from workbench.footage.addresses import require_stream
from workbench.footage.motion import ChangeDetection
from workbench.footage.stream_decoder import without_pictures
from workbench.footage.stream_mailbox import Mailbox, Pause
from workbench.footage.stream_messages import Failure, LiveStill, Message, Started, StreamProbe
from workbench.footage.stream_process import reader_process
from workbench.footage.stream_reading import Probing, Reading, as_it_is
from workbench.footage.stream_supervisor import StreamPatience, StreamState, StreamSupervisor

__all__ = [
    "PATIENCE",
    "LiveStill",
    "StreamPatience",
    "StreamProbe",
    "StreamState",
    "probe_stream",
    "sample_stream",
    "to_nobody",
]

PATIENCE = StreamPatience()
_START_S = 60.0
_ANSWER_S = 1.0
_LEAVE_S = 10.0
_PAUSE_S = 5.0


def to_nobody(state: StreamState) -> None:
    """Tell no one."""


def sample_stream(
    url: str,
    *,
    every_s: float | None,
    duration_s: float | None = None,
    keyframes_only: bool = False,
    prepare: Callable[[Image.Image], Image.Image] = as_it_is,
    long_side_px: int | None = None,
    change: ChangeDetection | None = None,
    masks: Sequence[Mask] = (),
    patience: StreamPatience = PATIENCE,
    on_state: Callable[[StreamState], None] = to_nobody,
    on_pause: Callable[[], None] = lambda: None,
) -> Generator[LiveStill]:
    """Yield a still of the stream every ``every_s`` seconds until ``duration_s`` have passed; for ever when None.

    The duration counts from the stream's first frame, also while the camera is away. When it is over before a still
    came, because it is 0 or the camera went right after its first frame, nothing is yielded and nothing is raised.

    With ``keyframes_only`` the keyframes are yielded that are at least ``every_s`` apart, every one when that is None;
    nothing else is decoded, so that one machine can record dozens of cameras.

    With ``change`` the stream is looked at every ``change.look_every_s`` seconds instead, and only stills whose view
    has changed are yielded: the first of each connection, then few while nothing happens. What moves behind one of
    ``masks`` is no change.

    After silence, a fault or its end a live stream is connected again; offsets count on over the gap. A recording
    that somebody serves is read once. Of the stills of a live stream that nobody takes in time the oldest are
    dropped and counted. ``prepare`` changes each picture before it leaves the child process, so it can be pickled; it
    gets pictures at most ``long_side_px`` long, whole ones when that is None.
    ``on_state`` is called by whoever asks for the next still, in that thread, and so is ``on_pause``: every five
    seconds while nothing comes. Closing the iterator ends everything.

    Raises:
        FootageError: No address of a stream, or the stream was given up. What was yielded before is good.
    """
    require_stream(url)
    every_s = every_s if change is None else change.look_every_s
    if (every_s is None and not keyframes_only) or (every_s is not None and every_s <= 0):
        raise FootageError(
            expected="a sampling interval above 0 seconds",
            found="none" if every_s is None else f"{every_s:g} s",
            remedy="give one as --every 1s",
        )
    reading = Reading(
        url=url,
        every_s=every_s or 0.0,
        duration_s=duration_s,
        timeout_s=patience.silence_s,
        prepare=prepare,
        long_side_px=long_side_px,
        keyframes_within_s=patience.keyframe_s if keyframes_only else None,
        change=change,
        masks=tuple(masks),
    )
    return _sampled(reading, patience, on_state, on_pause)


def probe_stream(
    url: str, *, timeout_s: float = 10.0, prepare: Callable[[Image.Image], Image.Image] = as_it_is
) -> StreamProbe:
    """Connect to the stream, wait up to ``timeout_s`` for its first picture and say what it is.

    ``prepare`` changes the picture before it leaves the child process, so it can be pickled.

    Raises:
        FootageError: No address of a stream, or no picture came, and why.
    """
    require_stream(url)
    with reader_process(Probing(url, timeout_s, prepare)) as receiver:
        message = _next(receiver, _START_S)
        if isinstance(message, Started):
            message = _next(receiver, timeout_s + _ANSWER_S)
    if isinstance(message, StreamProbe):
        return message
    raise message.error() if isinstance(message, Failure) else without_pictures(url, f"no picture for {timeout_s:g} s")


def _next(receiver: "Connection[Message, Message]", timeout_s: float) -> Message | None:
    try:
        return receiver.recv() if receiver.poll(timeout_s) else None
    except (EOFError, OSError):
        return None


def _sampled(
    reading: Reading,
    patience: StreamPatience,
    on_state: Callable[[StreamState], None],
    on_pause: Callable[[], None],
) -> Generator[LiveStill]:
    stop, stopper = Pipe(duplex=False)
    mailbox = Mailbox(waiting_stills=patience.waiting_stills)
    supervisor = StreamSupervisor(reading, patience, stop)
    thread = threading.Thread(target=_supervise, args=(supervisor, mailbox), daemon=True)
    thread.start()
    told = StreamState(StreamKind.CONNECTING, utc_now())
    try:
        while (event := mailbox.take(_PAUSE_S)) is not None:
            if isinstance(event, Pause):
                on_pause()
                continue
            if isinstance(event, StreamState):
                told = replace(event, stills_dropped=mailbox.stills_dropped)
                on_state(told)
                continue
            if told.stills_dropped != mailbox.stills_dropped:
                told = replace(told, stills_dropped=mailbox.stills_dropped)
                on_state(told)
            yield event
    finally:
        stopper.close()
        mailbox.close()
        thread.join(_LEAVE_S)
        stop.close()
        if told.kind is not StreamKind.ENDED:
            on_state(replace(told, kind=StreamKind.ENDED, since=utc_now(), reason="Stopped.", retry_in_s=None))


def _supervise(supervisor: StreamSupervisor, mailbox: Mailbox) -> None:
    """Fill the mailbox; whatever ends it, ends the iteration of whoever takes from it."""
    error: BaseException | None = None
    try:
        for event in supervisor.events():
            mailbox.put(event, may_drop=not supervisor.has_end)
    except Exception as exc:  # noqa: BLE001 - raised again in the thread that takes the stills
        error = exc
    finally:
        mailbox.close(error)
