"""Video files and streams, decoded with PyAV; nothing else imports ``av``.

A file is scanned before it is decoded: the packets' presentation times say when every frame is shown, so that a
sampling is planned on the real times and never on a frame rate that the header claims. The scan reads packets and
decodes none. Offsets count from the first frame. A packet that cannot be decoded costs its frames only.
"""

import errno
import itertools
import os
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from queue import SimpleQueue

import av
import numpy as np
from av.container import InputContainer
from av.format import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from workbench.errors import FootageError
from workbench.footage.addresses import host_is_known, without_credentials
from workbench.footage.ahead import ahead, mapped_ahead
from workbench.footage.files import file_sha256
from workbench.footage.recordings import Grey, size_within
from workbench.footage.start_times import StartTime, find_start
from workbench.footage.timeline import Timeline, timeline_of_count, timeline_of_times

__all__ = [
    "LastingStreamError",
    "Still",
    "StreamFormat",
    "VideoFile",
    "open_video",
    "stream_frames",
    "without_pictures",
]

MAX_PIXELS = 64_000_000
MAX_DURATION_S = 31 * 86_400.0
_SKIP_WORTH_S = 1.0
_STILLS_AHEAD = 3
_MOST_DECODERS = 8
_SAME_FRAME_S = 1e-4
_LEAST_TOLERANCE_S = 0.1
_NO_PTS = -(2**63)
_DAMAGE = (errno.EIO, errno.ENOMEM)
_FORMATS = (
    "3gp,apng,asf,asf_o,av1,avi,dhav,dv,flv,gif,h261,h263,h264,hevc,hxvs,ivf,m4v,matroska,mjpeg,mov,mp4,mpeg,mpegts,"
    "mpegvideo,mpjpeg,mxf,nut,obu,ogg,rm,smjpeg,swf,vc1,vvc,webm,wtv,yuv4mpegpipe"
)
_FILE_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)}
"""A playlist in a file's clothes must not make the library read other files or ask the network."""
_STREAM_OPTIONS = {"protocol_whitelist": "rtp,udp,tcp,tls,http,https,httpproxy,crypto,data", "fpsprobesize": "0"}
"""The first picture comes seconds earlier when no frame rate is measured."""
_WITHOUT_SIZE = ("dash", "hls", "mpjpeg")
"""Playlists, whose size is not the stream's, and multipart JPEG, of which some cameras announce a made-up one."""
_LASTING_STREAM_ERRORS = (
    (
        av.error.HTTPUnauthorizedError,
        "that user and password are refused (401)",
        "give those of the camera, as in rtsp://user:password@camera/path",
    ),
    (
        av.error.HTTPForbiddenError,
        "that this user may not watch it (403)",
        "allow it in the camera's settings or give another user",
    ),
    (
        av.error.HTTPNotFoundError,
        "no stream of this path (404)",
        "take the path from the camera's manual or its own page",
    ),
)


@dataclass(frozen=True)
class Still:
    """A decoded frame, ``offset_s`` seconds after the first one. FootageError where its pixels cannot be converted."""

    offset_s: float
    frame: VideoFrame

    def image(self, *, long_side_px: int | None = None) -> Image.Image:
        """Return the picture as RGB, turned upright as its display matrix says, and as long as ``long_side_px``.

        A smaller picture keeps its size. libswscale averages areas: nothing aliases, at half the cost of its bicubic.
        """
        own_wh = self.frame.width, self.frame.height
        width, height = own_wh if long_side_px is None else size_within(own_wh, long_side_px)
        scaling = None if (width, height) == own_wh else "AREA"
        with _told_unconvertible(self.frame):
            rgb = self.frame.reformat(width, height, "rgb24", interpolation=scaling, threads=1).to_ndarray()
        return Image.fromarray(np.rot90(rgb, _quarter_turns(self.frame)))

    def grey(self, size_wh: tuple[int, int]) -> Grey:
        """Return the picture's brightness, each pixel the mean of the area that it stands for."""
        turns = _quarter_turns(self.frame)
        width, height = size_wh[::-1] if turns % 2 else size_wh
        with _told_unconvertible(self.frame):
            small = self.frame.reformat(width, height, "gray", interpolation="AREA", threads=1)
            return np.rot90(small.to_ndarray(), turns).astype(np.uint8)


class _Skip:
    """How the one who waits for stills tells the one who decodes that nothing before a keyframe is needed."""

    def __init__(self) -> None:
        self._to_pts: int | None = None
        self._sent_pts = _NO_PTS

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
    """What a scan found in a file. ``damage`` says in words what is missing of it.

    ``first_pts`` is the presentation time of offset 0; None where frames are told apart by their order alone.
    """

    path: Path
    name: str
    timeline: Timeline
    size_wh: tuple[int, int]
    created_at: datetime | None
    damage: str | None
    first_pts: int | None
    time_base: Fraction

    def digest(self) -> str:
        """Return the SHA-256 of the file's bytes."""
        return file_sha256(self.path)

    def start(self, given: datetime | None = None) -> StartTime:
        return find_start(self.path, header=self.created_at, given=given, name=self.name)

    def stills(
        self, offsets_s: Sequence[float], *, on_damage: Callable[[str], None], keyframes_only: bool = False
    ) -> Iterator[tuple[float, Still]]:
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
    ) -> Generator[tuple[float, Still | None], None, None]:
        with _opened(self.path, self.name) as (container, stream):
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
    ) -> Iterator[Still]:
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

    def _keyframes(self, container: InputContainer, stream: VideoStream, offsets_s: Sequence[float]) -> Iterator[Still]:
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

        with ExitStack() as opened:
            for _ in range(workers):
                _, own_stream = opened.enter_context(_opened(self.path, self.name))
                own_stream.codec_context.thread_count = 1
                own_stream.codec_context.skip_frame = "NONKEY"
                idle.put(own_stream.codec_context)
            for frames in mapped_ahead(decode, packets, workers):
                for frame in frames:
                    yield from self._still(frame, frame.pts)

    def _packets(self, container: InputContainer, stream: VideoStream) -> "Iterator[av.Packet[VideoStream]]":
        """Read on; where the file's times are of no use, each packet's time is its number."""
        for number, packet in enumerate(_packets_there_are(container, stream)):
            if self.first_pts is None:
                packet.pts = number
            yield packet

    def _pts(self, offset_s: float) -> int:
        if self.first_pts is None:
            return bisect_left(self.timeline.offsets_s, offset_s)
        return self.first_pts + round(offset_s / self.time_base)

    def _still(self, frame: VideoFrame, pts: int | None) -> Iterator[Still]:
        """Yield the frame shown at ``pts``, if that is a time of this file."""
        if pts is None or pts < (self.first_pts or 0):
            return
        if self.first_pts is not None:
            yield Still(float((pts - self.first_pts) * self.time_base), frame)
        elif pts < len(self.timeline.offsets_s):
            yield Still(self.timeline.offsets_s[pts], frame)


def open_video(path: Path, *, name: str | None = None) -> VideoFile:
    """Scan the file at ``path`` without decoding more than its first frame; ``name`` is its own if that is a copy.

    Raises:
        FootageError: The file is missing or empty, is no video, or has no frame that can be decoded.
    """
    name = name or path.name
    _require_content(path, name)
    with _opened(path, name) as (container, stream):
        first = next(_decoded_past_damage(stream.codec_context, _packets_there_are(container, stream)), None)
        if first is None:
            raise _unusable(name, "no frame that can be decoded")
        size_wh = (first.height, first.width) if _quarter_turns(first) % 2 else (first.width, first.height)
        created_at = _created_at(container, stream)
    with _opened(path, name) as (container, stream):
        timeline, first_pts, told = _scan(name, container, stream)
        damage = _damage(container, stream, timeline, told)
        return VideoFile(path, name, timeline, size_wh, created_at, damage, first_pts, stream.time_base or Fraction(1))


class LastingStreamError(FootageError):
    """What the same address will meet again at the next try: a wrong password, an unknown path, no video."""


@dataclass(frozen=True)
class StreamFormat:
    """What a stream says of itself. ``has_end``: it is a recording that somebody serves, not a live camera."""

    codec_name: str
    announced_fps: float | None
    has_end: bool


def stream_frames(url: str, *, timeout_s: float) -> Iterator[tuple[Still, StreamFormat]]:
    """Decode the frames of a live stream (RTSP over TCP, HTTP) for as long as it lasts.

    Offsets are the camera's times since the first frame, as they come: they may leap. Where a stream carries no times
    (multipart JPEG; the library below would count 25 frames a second) they are those of the arrival.

    A read that stays silent for ``timeout_s`` ends it; as a library below may hang all the same, run this in a child
    process that can be killed (:mod:`workbench.footage.stream_reader`). Errors never repeat the address's credentials.

    Raises:
        LastingStreamError: What another try will not mend.
        FootageError: Everything else that ended the stream, but its own end.
    """
    options = dict(_STREAM_OPTIONS)
    heard_s = time.monotonic()
    if url.lower().startswith("rtsp"):
        options["rtsp_transport"] = "tcp"
    try:
        with av.open(url, mode="r", options=options, timeout=timeout_s) as container:
            stream = _live_video(container, without_credentials(url))
            stream_format = _stream_format(container, stream)
            is_timed = not container.format.flags & Flags.no_timestamps.value  # type: ignore[operator]
            first_s: float | None = None
            for frame in _frames(container, stream):
                heard_s = time.monotonic()
                if is_timed and frame.pts is None:
                    continue
                time_s = frame.time if is_timed else heard_s
                first_s = time_s if first_s is None else first_s
                yield Still(time_s - first_s, frame), stream_format
    except av.FFmpegError as exc:
        if isinstance(exc, av.error.ExitError) or time.monotonic() - heard_s >= timeout_s:
            raise without_pictures(url, f"no picture for {timeout_s:g} s") from None
        raise _stream_error(url, exc) from None


def without_pictures(url: str, found: str) -> FootageError:
    return FootageError(
        expected=f"pictures from {without_credentials(url)}",
        found=found,
        remedy="check that the camera is on and reachable, then try again",
    )


def _live_video(container: InputContainer, shown_url: str) -> VideoStream:
    for stream in container.streams.video:
        if stream.codec_context is not None and stream.width * stream.height <= MAX_PIXELS:
            return stream
    raise LastingStreamError(
        expected=f"a video stream at {shown_url}",
        found="none that can be decoded",
        remedy="give the address of the camera's video stream",
    )


def _stream_format(container: InputContainer, stream: VideoStream) -> StreamFormat:
    rate = stream.average_rate or stream.codec_context.framerate
    is_file = container.size > 0 and container.format.name not in _WITHOUT_SIZE
    return StreamFormat(
        codec_name=stream.codec_context.codec.canonical_name,
        announced_fps=float(rate) if rate else None,
        has_end=bool(container.duration and container.duration > 0) or is_file,
    )


def _stream_error(url: str, exc: av.FFmpegError) -> FootageError:
    expected = f"a stream at {without_credentials(url)}"
    for kind, found, remedy in _LASTING_STREAM_ERRORS:
        if isinstance(exc, kind):
            return LastingStreamError(expected=expected, found=found, remedy=remedy)
    if isinstance(exc, av.error.InvalidDataError):
        lasting = LastingStreamError if url.lower().startswith("http") else FootageError
        remedy = "give the address of the stream itself, not of the camera's page"
        return lasting(expected=expected, found="no video that can be read", remedy=remedy)
    found = _told_by_ffmpeg(exc)
    if exc.errno == errno.EIO:
        found = "that the connection broke" if host_is_known(url) else "no host of this name"
    return FootageError(
        expected=expected, found=found, remedy="check its address and port, that the camera is on, and the network"
    )


@contextmanager
def _opened(path: Path, name: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    try:
        with av.open(str(path), mode="r", options=dict(_FILE_OPTIONS), metadata_errors="replace") as container:
            stream = _video_stream(container, name)
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            yield container, stream
    except av.error.ArgumentError as exc:
        raise _without_video(name, "content of another kind, or a damaged header") from exc
    except av.FFmpegError as exc:
        raise _unusable(name, _told_by_ffmpeg(exc)) from exc


def _video_stream(container: InputContainer, name: str) -> VideoStream:
    if not container.streams.video:
        raise _without_video(name, "none")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise _without_video(name, "one in a format that cannot be decoded here")
    pixels = stream.width * stream.height
    if not 0 < pixels <= MAX_PIXELS:
        raise FootageError(
            expected=f"pictures of 1 to {MAX_PIXELS // 1_000_000} million pixels in {name}",
            found=f"{stream.width} x {stream.height}",
            remedy="export the recording again in the camera's own size",
        )
    return stream


def _frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Decode packet by packet, past the packets that are damaged."""
    for packet in _packets(container, stream):
        try:
            frames = packet.decode()
        except (av.error.InvalidDataError, av.error.EOFError):
            continue
        yield from frames


def _packets(container: InputContainer, stream: VideoStream) -> "Iterator[av.Packet[VideoStream]]":
    """Read up to the end, or to where the file breaks off."""
    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except (StopIteration, av.error.InvalidDataError, av.error.EOFError):
            return


def _packets_there_are(
    container: InputContainer, stream: VideoStream, told: list[str] | None = None
) -> "Iterator[av.Packet[VideoStream]]":
    """Read a file's packets up to where it ends or cannot be read any further; ``told`` then says why."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.FFmpegError as exc:
            if told is not None:
                told.append(_told_by_ffmpeg(exc))
            return
        if packet.size and not packet.is_discard:
            yield packet


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
    for packet in itertools.chain(packets, [None]):
        try:
            yield from context.decode(packet)
        except av.FFmpegError:
            continue


def _scan(name: str, container: InputContainer, stream: VideoStream) -> tuple[Timeline, int | None, list[str]]:
    """Return the timeline, the presentation time of offset 0 and what was met that tells of damage.

    Where a container has no presentation times, or (AVI with B-frames) wrong ones, frames are told apart by their
    order alone and that time is None.
    """
    told: list[str] = []
    pts, is_keyframe = array("q"), bytearray()
    corrupt_packets = 0
    for packet in _packets_there_are(container, stream, told):
        corrupt_packets += packet.is_corrupt
        pts.append(_NO_PTS if packet.pts is None else packet.pts)
        is_keyframe.append(packet.is_keyframe)
    if told:
        told = [f"it cannot be read to its end ({told[0]})"]
    if corrupt_packets:
        told.append(f"{corrupt_packets} of its packets are damaged")
    timeline, first_pts = _timeline(name, np.array(pts), np.array(is_keyframe, bool), container, stream)
    if first_pts is None and _NO_PTS in pts:
        told.append(f"its frames carry no times and count as {1 / timeline.last_interval_s:g} a second")
    if timeline.duration_s > MAX_DURATION_S:
        raise _unusable(name, f"frame times that run over {timeline.duration_s / 86_400:.0f} days")
    return timeline, first_pts, told


def _timeline(
    name: str,
    pts: NDArray[np.int64],
    is_keyframe: NDArray[np.bool_],
    container: InputContainer,
    stream: VideoStream,
) -> tuple[Timeline, int | None]:
    nominal_s = _nominal_interval_s(stream)
    is_timed = pts != _NO_PTS
    if not pts.size:
        raise _unusable(name, "no frames")
    misordered = container.format.name == "avi" and stream.codec_context.has_b_frames
    if misordered or 2 * is_timed.sum() < len(pts):
        if nominal_s is None:
            raise _unusable(name, "frames without times and no frame rate")
        return timeline_of_count(is_keyframe, nominal_s=nominal_s), None
    time_base = stream.time_base or Fraction(1)
    timeline = timeline_of_times(pts[is_timed], is_keyframe[is_timed], time_base, nominal_s=nominal_s)
    return timeline, int(pts[is_timed].min())


def _nominal_interval_s(stream: VideoStream) -> float | None:
    rate = stream.average_rate or stream.guessed_rate
    return float(1 / rate) if rate else None


def _damage(container: InputContainer, stream: VideoStream, timeline: Timeline, told: Sequence[str]) -> str | None:
    declared_s = _declared_duration_s(container, stream)
    if declared_s is not None and timeline.duration_s < declared_s - max(2 * timeline.last_interval_s, 0.5):
        return f"the file breaks off at {timeline.duration_s:.2f} s of the {declared_s:.2f} s that its header promises"
    return "; ".join(told) or None


def _declared_duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Return what the header promises; the least of its claims, as sound may last longer and edits may cut."""
    if container.format.name == "avi":
        interval_s = _nominal_interval_s(stream)
        return stream.frames * interval_s if interval_s else None
    if stream.duration is None or stream.time_base is None or container.duration is None:
        return None
    return min(float(stream.duration * stream.time_base), container.duration / 1_000_000)


def _created_at(container: InputContainer, stream: VideoStream) -> datetime | None:
    """Return ``creation_time`` of the header; clocks that were never set (1904, 1970) do not count."""
    text = container.metadata.get("creation_time") or stream.metadata.get("creation_time")
    try:
        created_at = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    if created_at is None or created_at.year < 2000:
        return None
    return created_at.replace(tzinfo=created_at.tzinfo or UTC).astimezone(UTC)


def _quarter_turns(frame: VideoFrame) -> int:
    """Return how often the frame is to be turned by 90 degrees, counter-clockwise."""
    return round(frame.rotation / 90) % 4


@contextmanager
def _told_unconvertible(frame: VideoFrame) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, ValueError, MemoryError) as exc:
        raise FootageError(
            expected="a frame whose pixels can be converted",
            found=f"{frame.width} x {frame.height} in the format {frame.format.name}",
            remedy="export the recording again as H.264",
        ) from exc


def _require_content(path: Path, name: str) -> None:
    if not path.is_file():
        raise FootageError(expected=f"a video file at {path}", found="none there", remedy="check the path")
    if not path.stat().st_size:
        raise _unusable(name, "an empty file")


def _told_by_ffmpeg(exc: av.FFmpegError) -> str:
    if exc.errno in _DAMAGE:
        return "damaged or missing parts"
    found = exc.strerror or type(exc).__name__
    return found[0].lower() + found[1:]


def _without_video(name: str, found: str) -> FootageError:
    return FootageError(
        expected=f"a video stream in {name}",
        found=found,
        remedy="give a recording of a camera, not a sound file or a playlist",
    )


def _unusable(name: str, found: str) -> FootageError:
    return FootageError(
        expected=f"a video in {name} that can be decoded",
        found=found,
        remedy="play the file to see whether it is whole, and export or copy it again",
    )
