"""Video files, decoded with PyAV.

A file is scanned before it is decoded: the packets' presentation times say when every frame is shown, so that a
sampling is planned on the real times and never on a frame rate that the header claims. The scan reads packets and
decodes none. Offsets count from the first frame. A packet that cannot be decoded costs its frames only.
"""

import os
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import chain
from math import inf
from pathlib import Path
from queue import SimpleQueue

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from workbench.errors import FootageError
from workbench.footage.ahead import ahead, mapped_ahead
from workbench.footage.decoding import VideoStill
from workbench.footage.files import file_sha256
from workbench.footage.start_times import StartTime, find_start
from workbench.footage.timeline import Timeline
from workbench.footage.video_scan import opened, packets_there_are, scan, unusable

__all__ = ["VideoFile", "open_video"]

_SKIP_WORTH_S = 1.0
_STILLS_AHEAD = 3
_MOST_DECODERS = 8
_SAME_FRAME_S = 1e-4
_LEAST_TOLERANCE_S = 0.1


class _Skip:
    """How the one who waits for stills tells the one who decodes that nothing before a keyframe is needed."""

    def __init__(self) -> None:
        self._to_pts: int | None = None
        self._sent_pts = -inf

    def to(self, pts: int) -> None:
        """Go on at the keyframe of ``pts``, unless the decoder has it already."""
        if pts > self._sent_pts:
            self._to_pts = pts

    def packets(
        self, packets: "Iterator[av.Packet[VideoStream]]", context: VideoCodecContext
    ) -> "Iterator[av.Packet[VideoStream]]":
        for packet in packets:
            keyframe_pts = packet.pts if packet.is_keyframe else None
            if self._to_pts is not None:
                if keyframe_pts is None or keyframe_pts < self._to_pts:
                    continue
                context.flush_buffers()
                self._to_pts = None
            self._sent_pts = self._sent_pts if keyframe_pts is None else keyframe_pts
            yield packet


@dataclass(frozen=True)
class VideoFile:
    """What a scan found in a file (see :class:`~workbench.footage.video_scan.VideoScan`), and the way to its stills."""

    path: Path
    name: str
    timeline: Timeline
    size_wh: tuple[int, int]
    created_at: datetime | None
    damage: str | None
    note: str | None
    first_pts: int | None
    time_base: Fraction

    @property
    def picture_names(self) -> Mapping[float, str]:
        return {}

    def digest(self) -> str:
        """Return the SHA-256 of the file's bytes."""
        return file_sha256(self.path)

    def start(self, given: datetime | None = None) -> StartTime:
        return find_start(self.path, header=self.created_at, given=given, name=self.name)

    def stills(
        self, offsets_s: Sequence[float], *, on_damage: Callable[[str], None], keyframes_only: bool = False
    ) -> Iterator[tuple[float, VideoStill]]:
        """Decode the frames at ``offsets_s`` (ascending, as :class:`Timeline` returns them), each with its offset.

        A frame that cannot be decoded is replaced by the next one where that is near enough, else left out; each
        frame left out is told to ``on_damage``. With ``keyframes_only`` no packet but theirs is decoded. A thread
        decodes up to three stills ahead.
        """
        for offset_s, still in ahead(self._found_at(offsets_s, keyframes_only), _STILLS_AHEAD):
            if still is None:
                alone = " by itself" if keyframes_only else ""
                on_damage(f"{self.name}: the frame at {offset_s:.2f} s cannot be decoded{alone}")
            else:
                yield offset_s, still

    def _found_at(
        self, offsets_s: Sequence[float], keyframes_only: bool
    ) -> Generator[tuple[float, VideoStill | None], None, None]:
        with opened(self.path, self.name) as (container, stream):
            skip = _Skip()
            if keyframes_only:
                decoded = self._keyframes(container, stream, offsets_s)
            else:
                decoded = self._frames(container, stream, offsets_s, skip)
            held = next(decoded, None)
            for offset_s in offsets_s:
                keyframe_s = self.timeline.keyframe_before(offset_s)
                if held is not None and keyframe_s - held.offset_s > _SKIP_WORTH_S:
                    skip.to(self._pts(keyframe_s))
                while held is not None and held.offset_s < offset_s - _SAME_FRAME_S:
                    held = next(decoded, None)
                is_near = held is not None and held.offset_s - offset_s <= self._tolerance_s
                yield offset_s, held if is_near else None

    @property
    def _tolerance_s(self) -> float:
        return max(_LEAST_TOLERANCE_S, self.timeline.last_interval_s)

    def _frames(
        self, container: InputContainer, stream: VideoStream, offsets_s: Sequence[float], skip: _Skip
    ) -> Iterator[VideoStill]:
        """Decode all but what nobody needs.

        The packets to ``skip`` are read and dropped: seeking would save the reading, but lands too late in some
        containers (MPEG-TS).
        """
        context = stream.codec_context
        context.thread_type = "AUTO"
        comes_in_order = self.first_pts is None and context.has_b_frames
        is_h264 = self.first_pts is not None and context.codec.canonical_name == "h264"
        wanted = {self._pts(offset_s) for offset_s in offsets_s}

        packets = self._packets(container, stream)
        if not comes_in_order:
            packets = skip.packets(packets, context)
        if is_h264:
            packets = _skipping_unneeded(packets, context, wanted)
        for number, frame in enumerate(_decoded_past_damage(context, packets)):
            yield from self._still(frame, number if comes_in_order else frame.pts)

    def _keyframes(
        self, container: InputContainer, stream: VideoStream, offsets_s: Sequence[float]
    ) -> Iterator[VideoStill]:
        """Decode the wanted keyframes, each by itself, by several decoders at once.

        A decoder that goes straight from one to the next shows them in a wrong order and loses some where groups of
        pictures are open.
        """
        wanted = {self._pts(offset_s) for offset_s in offsets_s}
        packets = (packet for packet in self._packets(container, stream) if packet.is_keyframe and packet.pts in wanted)
        workers = max(1, min(_MOST_DECODERS, os.cpu_count() or 1, len(wanted)))
        idle: SimpleQueue[VideoCodecContext] = SimpleQueue()

        def decode(packet: "av.Packet[VideoStream]") -> list[VideoFrame]:
            context = idle.get()
            try:
                return list(_decoded_past_damage(context, iter([packet])))
            finally:
                context.flush_buffers()
                idle.put(context)

        with ExitStack() as held:
            for _ in range(workers):
                _, own_stream = held.enter_context(opened(self.path, self.name))
                own_stream.codec_context.thread_count = 1
                own_stream.codec_context.skip_frame = "NONKEY"
                idle.put(own_stream.codec_context)
            for frames in mapped_ahead(decode, packets, workers):
                for frame in frames:
                    yield from self._still(frame, frame.pts)

    def _packets(self, container: InputContainer, stream: VideoStream) -> "Iterator[av.Packet[VideoStream]]":
        """Read on; where the file's times are of no use, each packet's time is its number."""
        for number, packet in enumerate(packets_there_are(container, stream)):
            if self.first_pts is None:
                packet.pts = number
            yield packet

    def _pts(self, offset_s: float) -> int:
        if self.first_pts is None:
            return bisect_left(self.timeline.offsets_s, offset_s)
        return self.first_pts + round(offset_s / self.time_base)

    def _still(self, frame: VideoFrame, pts: int | None) -> Iterator[VideoStill]:
        """Yield the frame shown at ``pts``, if that is a time of this file."""
        if pts is None or pts < (self.first_pts or 0):
            return
        if self.first_pts is not None:
            yield VideoStill(float((pts - self.first_pts) * self.time_base), frame)
        elif pts < len(self.timeline.offsets_s):
            yield VideoStill(self.timeline.offsets_s[pts], frame)


def open_video(path: Path, *, name: str | None = None) -> VideoFile:
    """Scan the file at ``path`` without decoding more than its first frame; ``name`` is its own if that is a copy.

    Raises:
        FootageError: The file is missing or empty, is no video, or has no frame that can be decoded.
    """
    name = name or path.name
    _require_content(path, name)
    with opened(path, name) as (container, stream):
        first = next(_decoded_past_damage(stream.codec_context, packets_there_are(container, stream)), None)
        if first is None:
            raise unusable(name, "no frame that can be decoded")
    found, size_wh = scan(path, name), VideoStill(0.0, first).size_wh
    return VideoFile(
        path,
        name,
        found.timeline,
        size_wh,
        found.created_at,
        found.damage,
        found.note,
        found.first_pts,
        found.time_base,
    )


def _skipping_unneeded(
    packets: "Iterator[av.Packet[VideoStream]]", context: VideoCodecContext, wanted: Set[int]
) -> "Iterator[av.Packet[VideoStream]]":
    """Let an H.264 decoder skip frames that are neither ``wanted`` nor needed for others.

    No frame is predicted from one whose ``nal_ref_idc`` is 0 (ITU-T H.264, 7.4.1), so that the others keep every bit.
    """
    for packet in packets:
        context.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
        yield packet


def _decoded_past_damage(
    context: VideoCodecContext, packets: "Iterator[av.Packet[VideoStream]]"
) -> Iterator[VideoFrame]:
    for packet in chain(packets, [None]):
        try:
            yield from context.decode(packet)
        except av.FFmpegError:
            continue


def _require_content(path: Path, name: str) -> None:
    if not path.is_file():
        raise FootageError(expected=f"a video file at {path}", found="none there", remedy="check the path")
    if not path.stat().st_size:
        raise unusable(name, "an empty file")
