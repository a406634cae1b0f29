"""What is read from one connection to a stream: stills as they fall due, or the first picture alone."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf

from PIL import Image

from workbench.domain import Mask
from workbench.footage.decoding import VideoStill
from workbench.footage.motion import ChangeDetection, ChangeWatch
from workbench.footage.pictures import encode_jpeg
from workbench.footage.stream_clock import StreamClock, due_after_keyframe_s, is_due, next_due_s
from workbench.footage.stream_decoder import StreamFormat, stream_frames, without_pictures
from workbench.footage.stream_messages import Alive, Finished, Live, LiveStill, Message, Seen, Sending, StreamProbe

__all__ = ["Probing", "Reading", "as_it_is"]

_SIGN_EVERY_S = 0.5
_LONGEST_REPEAT_S = 60.0


def as_it_is(image: Image.Image) -> Image.Image:
    return image


@dataclass(frozen=True)
class Reading:
    """What one connection is to sample; ``prepare`` turns a picture into what may leave the child.

    The pictures that it gets are at most ``long_side_px`` long, and whole when that is None.

    With ``keyframes_within_s`` the frames are keyframes alone, at least ``every_s`` apart, and a live connection that
    brings none for so long fails. With ``change`` the frames that are due are looked at, and those alone are sent that
    show a changed view where none of ``masks`` hides it; each connection sends its first one. ``zero_at_s`` is when, on
    the monotonic clock, an earlier connection saw the stream's first frame; ``last_offset_s`` that of the last still;
    ``seen_until_s`` when, by the camera's own clock, the last frame was taken of a stream that repeats itself.
    """

    url: str = field(repr=False)
    every_s: float
    duration_s: float | None
    timeout_s: float
    prepare: Callable[[Image.Image], Image.Image] = as_it_is
    long_side_px: int | None = None
    keyframes_within_s: float | None = None
    change: ChangeDetection | None = None
    masks: tuple[Mask, ...] = ()
    zero_at_s: float | None = None
    last_offset_s: float | None = None
    seen_until_s: float | None = None

    def messages(self) -> Iterator[Message]:
        telling = _Telling(self)
        has_end = False
        frames = stream_frames(self.url, timeout_s=self.timeout_s, keyframes_within_s=self.keyframes_within_s)
        for still, stream_format in frames:
            has_end = stream_format.has_end
            if has_end and self.zero_at_s is not None:
                yield Finished("The live stream is over.")
                return
            for message in telling.of(still, stream_format, time.monotonic()):
                yield message
                if isinstance(message, Finished):
                    return
        if not has_end:
            raise without_pictures(self.url, "that the stream ended")
        yield Finished("The recording is over.")

    def next_due_s(self, offset_s: float) -> float:
        """Return when the next frame is due after one at ``offset_s``."""
        if self.keyframes_within_s is None:
            return next_due_s(offset_s, self.every_s)
        return due_after_keyframe_s(offset_s, self.every_s)

    def clock(self, now_s: float, *, is_live: bool) -> StreamClock:
        """Return a clock that counts on from earlier connections at ``now_s``, when the first frame came."""
        passed_s = 0.0 if self.zero_at_s is None else now_s - self.zero_at_s
        return StreamClock(base_s=max(passed_s, self.last_offset_s or 0.0), is_live=is_live)

    def has_seen(self, camera_s: float) -> bool:
        """Tell whether an earlier connection brought the frame; a camera's clock that was set back shows new ones."""
        return self.seen_until_s is not None and 0 <= self.seen_until_s - camera_s <= _LONGEST_REPEAT_S


class _Telling:
    """What is told of the frames of one connection."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._choice = _Choice(reading)
        self._clock: StreamClock | None = None
        self._sign_told_s = -inf

    def of(self, still: VideoStill | None, stream_format: StreamFormat, now_s: float) -> Iterator[Message]:
        """Tell of the next frame, or of what came instead of one."""
        reading = self._reading
        if still is None or (stream_format.repeats and reading.has_seen(still.offset_s)):
            yield from self._sign(Sending(), now_s)
            return
        if self._clock is None:
            self._clock = reading.clock(now_s, is_live=not stream_format.has_end)
            yield Live(now_s, stream_format.has_end)
        if stream_format.repeats:
            yield Seen(still.offset_s)
        offset_s = self._clock.offset_s(still.offset_s, now_s)
        if reading.duration_s is not None and offset_s >= reading.duration_s:
            yield Finished(f"{reading.duration_s:g} s have been seen.")
        elif self._choice.takes(offset_s, still):
            yield LiveStill(offset_s, encode_jpeg(reading.prepare(still.image(long_side_px=reading.long_side_px))))
        else:
            yield from self._sign(Alive(), now_s)

    def _sign(self, sign: Alive | Sending, now_s: float) -> Iterator[Message]:
        """Give signs of life, but no more than are needed."""
        if now_s - self._sign_told_s >= _SIGN_EVERY_S:
            self._sign_told_s = now_s
            yield sign


class _Choice:
    """Which frames of one connection are sent."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        last_s = reading.last_offset_s
        self._due_s = 0.0 if last_s is None else reading.next_due_s(last_s)
        self._watch: ChangeWatch | None = None

    def takes(self, offset_s: float, still: VideoStill) -> bool:
        if not is_due(offset_s, self._due_s):
            return False
        self._due_s = self._reading.next_due_s(offset_s)
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
            if still is None:
                continue
            first_picture_s = time.monotonic() - began_s
            image = still.image()
            codec_name, fps = stream_format.codec_name, stream_format.announced_fps
            yield StreamProbe(image.size, codec_name, fps, encode_jpeg(self.prepare(image)), first_picture_s)
            return
        raise without_pictures(self.url, "that the stream ended before the first one")
