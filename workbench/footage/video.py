"""Video files and streams, decoded with PyAV; nothing else imports ``av``.

A file is scanned before it is decoded: the packets' presentation times say when every frame is shown, so that a
sampling is planned on the real times and never on a frame rate that the header claims. Offsets count from the first
frame. A packet that cannot be decoded costs its frames only.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from workbench.errors import FootageError
from workbench.footage.addresses import without_credentials
from workbench.footage.timeline import Timeline

__all__ = ["Still", "VideoFile", "open_video", "stream_frames"]

MAX_PIXELS = 64_000_000
_SEEK_WORTH_S = 5.0
_SAME_FRAME_S = 1e-4
_LEAST_TOLERANCE_S = 0.1


@dataclass(frozen=True)
class Still:
    """A decoded frame, ``offset_s`` seconds after the first one."""

    offset_s: float
    frame: VideoFrame

    def image(self) -> Image.Image:
        """Return the picture as RGB, turned upright as its display matrix says."""
        image: Image.Image = self.frame.to_image()  # type: ignore[no-untyped-call]
        return image.rotate(self.frame.rotation, expand=True) if self.frame.rotation else image


@dataclass(frozen=True)
class VideoFile:
    """What a scan found in a file. ``damage`` says in words what is missing of it."""

    path: Path
    timeline: Timeline
    size_wh: tuple[int, int]
    created_at: datetime | None
    damage: str | None
    first_pts: int | None
    time_base: Fraction

    def stills(self, offsets_s: Sequence[float], *, on_damage: Callable[[str], None]) -> Iterator[tuple[float, Still]]:
        """Decode the frames at ``offsets_s`` (ascending, as :class:`Timeline` returns them), each with its offset.

        A frame that cannot be decoded is replaced by the next one where that is near enough, else left out; each
        frame left out is told to ``on_damage``.
        """
        with _opened(self.path) as (container, stream):
            stream.thread_type = "AUTO"
            decoded = self._decoded(container, stream)
            held = next(decoded, None)
            for offset_s in offsets_s:
                if held is not None and self._seeking_helps(held.offset_s, offset_s):
                    decoded = self._sought(container, stream, self.timeline.keyframe_before(offset_s))
                    held = next(decoded, None)
                while held is not None and held.offset_s < offset_s - _SAME_FRAME_S:
                    held = next(decoded, None)
                if held is None or held.offset_s - offset_s > self._tolerance_s:
                    on_damage(f"{self.path.name}: the frame at {offset_s:.2f} s cannot be decoded")
                else:
                    yield offset_s, held

    @property
    def _tolerance_s(self) -> float:
        return max(_LEAST_TOLERANCE_S, self.timeline.last_interval_s)

    def _seeking_helps(self, position_s: float, target_s: float) -> bool:
        return self.first_pts is not None and self.timeline.keyframe_before(target_s) - position_s > _SEEK_WORTH_S

    def _sought(self, container: InputContainer, stream: VideoStream, keyframe_s: float) -> Iterator[Still]:
        assert self.first_pts is not None
        container.seek(self.first_pts + round(keyframe_s / self.time_base), stream=stream)
        return self._decoded(container, stream)

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[Still]:
        for index, frame in enumerate(_frames(container, stream)):
            if self.first_pts is None:
                if index < len(self.timeline.offsets_s):
                    yield Still(self.timeline.offsets_s[index], frame)
            elif frame.pts is not None and frame.pts >= self.first_pts:
                yield Still(float((frame.pts - self.first_pts) * self.time_base), frame)


def open_video(path: Path) -> VideoFile:
    """Scan the file at ``path`` without decoding more than its first frame.

    Raises:
        FootageError: The file is missing or empty, is no video, or has no frame that can be decoded.
    """
    _require_content(path)
    with _opened(path) as (container, stream):
        first = next(_frames(container, stream), None)
        if first is None:
            raise _unusable(path, "no frame that can be decoded")
        size_wh = Still(0.0, first).image().size
        created_at = _created_at(container, stream)
    with _opened(path) as (container, stream):
        timeline, first_pts, corrupt_packets = _scan(path, container, stream)
        damage = _damage(container, stream, timeline, corrupt_packets)
        return VideoFile(path, timeline, size_wh, created_at, damage, first_pts, stream.time_base or Fraction(1))


def stream_frames(url: str, *, timeout_s: float) -> Iterator[Still]:
    """Decode the frames of a live stream (RTSP over TCP, HTTP) for as long as it lasts.

    A read that stays silent for ``timeout_s`` ends it; as a library below may hang all the same, run this in a child
    process that can be killed (:mod:`workbench.footage.streams`). Errors never repeat the address's credentials.
    """
    options = {"rtsp_transport": "tcp"} if url.lower().startswith("rtsp") else {}
    shown_url = without_credentials(url)
    try:
        with av.open(url, mode="r", options=options, timeout=timeout_s) as container:
            stream = _video_stream(container, shown_url)
            first_s: float | None = None
            for frame in _frames(container, stream):
                if frame.pts is None:
                    continue
                first_s = frame.time if first_s is None else first_s
                yield Still(frame.time - first_s, frame)
    except av.FFmpegError as exc:
        raise FootageError(
            expected=f"a stream at {shown_url}",
            found=exc.strerror or type(exc).__name__,
            remedy="check the address, its user and password, and that the camera is on",
        ) from None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    try:
        with av.open(str(path), mode="r", metadata_errors="replace") as container:
            yield container, _video_stream(container, path.name)
    except av.FFmpegError as exc:
        raise _unusable(path, exc.strerror or type(exc).__name__) from exc


def _video_stream(container: InputContainer, name: str) -> VideoStream:
    if not container.streams.video:
        raise FootageError(
            expected=f"a video stream in {name}", found="none", remedy="give a recording of a camera, not a sound file"
        )
    stream = container.streams.video[0]
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


def _scan(path: Path, container: InputContainer, stream: VideoStream) -> tuple[Timeline, int | None, int]:
    """Return the timeline, the presentation time of offset 0 and the number of damaged packets.

    Where a container has no presentation times, or (AVI with B-frames) wrong ones, frames are told apart by their
    order alone and that time is None.
    """
    shown: list[tuple[int | None, bool]] = []
    corrupt_packets = 0
    for packet in _packets(container, stream):
        corrupt_packets += packet.is_corrupt
        if packet.size and not packet.is_discard:
            shown.append((packet.pts, packet.is_keyframe))
    nominal_s = _nominal_interval_s(stream)
    misordered = container.format.name == "avi" and stream.codec_context.has_b_frames
    if not shown or (any(pts is None for pts, _ in shown) and nominal_s is None):
        raise _unusable(path, "frames without times and no frame rate" if shown else "no frames")
    if any(pts is None for pts, _ in shown):
        offsets_s = tuple(index * (nominal_s or 0.0) for index in range(len(shown)))
        return Timeline(offsets_s, (0.0,), nominal_s or 0.0), None, corrupt_packets
    times = sorted({pts for pts, _ in shown if pts is not None})
    time_base = stream.time_base or Fraction(1)
    offsets_s = tuple(float((pts - times[0]) * time_base) for pts in times)
    keyframes_s = sorted(float((pts - times[0]) * time_base) for pts, is_key in shown if is_key and pts is not None)
    last_interval_s = offsets_s[-1] - offsets_s[-2] if len(offsets_s) > 1 else nominal_s or 0.0
    timeline = Timeline(offsets_s, tuple(keyframes_s), last_interval_s)
    return timeline, None if misordered else times[0], corrupt_packets


def _nominal_interval_s(stream: VideoStream) -> float | None:
    rate = stream.average_rate or stream.guessed_rate
    return float(1 / rate) if rate else None


def _damage(container: InputContainer, stream: VideoStream, timeline: Timeline, corrupt_packets: int) -> str | None:
    declared_s = _declared_duration_s(container, stream)
    if declared_s is not None and timeline.duration_s < declared_s - max(2 * timeline.last_interval_s, 0.5):
        return f"the file breaks off at {timeline.duration_s:.2f} s of the {declared_s:.2f} s that its header promises"
    if corrupt_packets:
        return f"{corrupt_packets} of its packets are damaged"
    return None


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


def _require_content(path: Path) -> None:
    if not path.is_file():
        raise FootageError(expected=f"a video file at {path}", found="none there", remedy="check the path")
    if not path.stat().st_size:
        raise _unusable(path, "an empty file")


def _unusable(path: Path, found: str) -> FootageError:
    return FootageError(
        expected=f"a video in {path.name} that can be decoded",
        found=found[0].lower() + found[1:],
        remedy="play the file to see whether it is whole, and export or copy it again",
    )
