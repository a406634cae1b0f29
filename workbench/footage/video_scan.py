"""What the packets of a video file tell before any is decoded: when each frame is shown, and what is missing."""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from workbench.errors import FootageError
from workbench.footage.decoding import MAX_PIXELS, told_by_ffmpeg
from workbench.footage.timeline import Timeline, timeline_of_count, timeline_of_times
from workbench.wording import counted

__all__ = ["VideoScan", "opened", "packets_there_are", "scan", "unusable"]

MAX_DURATION_S = 31 * 86_400.0
_NO_PTS = -(2**63)
_FORMATS = (
    "3gp,apng,asf,asf_o,av1,avi,dhav,dv,flv,gif,h261,h263,h264,hevc,hxvs,ivf,m4v,matroska,mjpeg,mov,mp4,mpeg,mpegts,"
    "mpegvideo,mpjpeg,mxf,nut,obu,ogg,rm,smjpeg,swf,vc1,vvc,webm,wtv,yuv4mpegpipe"
)
_FILE_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)}
"""A playlist in a file's clothes must not make the library read other files or ask the network."""


@dataclass(frozen=True)
class VideoScan:
    """``damage`` says in words what is missing of a file, ``note`` by what its frames are timed that carry no times.

    ``first_pts`` is the presentation time of offset 0, in ticks of ``time_base`` seconds; None where a container has no
    presentation times, or (AVI with B-frames) wrong ones: frames are then told apart by their order alone.
    """

    timeline: Timeline
    created_at: datetime | None
    damage: str | None
    note: str | None
    first_pts: int | None
    time_base: Fraction


@contextmanager
def opened(path: Path, name: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    try:
        with av.open(str(path), mode="r", options=dict(_FILE_OPTIONS), metadata_errors="replace") as container:
            stream = _video_stream(container, name)
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            yield container, stream
    except av.error.ArgumentError as exc:
        raise _without_video(name, "content of another kind, or a damaged header") from exc
    except av.FFmpegError as exc:
        raise unusable(name, told_by_ffmpeg(exc)) from exc


def packets_there_are(
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
                told.append(told_by_ffmpeg(exc))
            return
        if packet.size and not packet.is_discard:
            yield packet


def scan(path: Path, name: str) -> VideoScan:
    """Read the packets of the file at ``path``; FootageError where they do not tell when its frames are shown."""
    with opened(path, name) as (container, stream):
        created_at = _created_at(container, stream)
        pts, is_keyframe, told = _read(container, stream)
        timeline, first_pts = _timeline(name, pts, is_keyframe, container, stream)
        note = None
        if first_pts is None and (pts == _NO_PTS).any():
            note = f"its frames carry no times and count as {1 / timeline.last_interval_s:g} a second"
        if timeline.duration_s > MAX_DURATION_S:
            raise unusable(name, f"frame times that run over {timeline.duration_s / 86_400:.0f} days")
        damage = _damage(container, stream, timeline, told)
        return VideoScan(timeline, created_at, damage, note, first_pts, stream.time_base or Fraction(1))


def unusable(name: str, found: str) -> FootageError:
    return FootageError(
        expected=f"a video in {name} that can be decoded",
        found=found,
        remedy="play the file to see whether it is whole, and export or copy it again",
    )


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


def _read(container: InputContainer, stream: VideoStream) -> tuple[NDArray[np.int64], NDArray[np.bool_], list[str]]:
    """Return each packet's presentation time, whether it is a keyframe, and what was met that tells of damage."""
    told: list[str] = []
    pts, is_keyframe = array("q"), bytearray()
    corrupt_packets = 0
    for packet in packets_there_are(container, stream, told):
        corrupt_packets += packet.is_corrupt
        pts.append(_NO_PTS if packet.pts is None else packet.pts)
        is_keyframe.append(packet.is_keyframe)
    if told:
        told = [f"it cannot be read to its end ({told[0]})"]
    if corrupt_packets:
        told.append(f"it has {counted(corrupt_packets, 'damaged packet')}")
    return np.array(pts, np.int64), np.array(is_keyframe, np.bool_), told


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
        raise unusable(name, "no frames")
    misordered = container.format.name == "avi" and stream.codec_context.has_b_frames
    if misordered or 2 * is_timed.sum() < len(pts):
        if nominal_s is None:
            raise unusable(name, "frames without times and no frame rate")
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
    if container.duration is None:
        return None
    whole_s = container.duration / 1_000_000
    if stream.duration is not None and stream.time_base is not None:
        return min(float(stream.duration * stream.time_base), whole_s)
    return whole_s if len(container.streams) == 1 else _tagged_duration_s(stream)


def _tagged_duration_s(stream: VideoStream) -> float | None:
    """Return what Matroska's tag of the stream says, as ``00:00:04.000000000``."""
    try:
        hours, minutes, seconds = map(float, stream.metadata["DURATION"].split(":"))
    except (KeyError, ValueError):
        return None
    return 3600 * hours + 60 * minutes + seconds


def _created_at(container: InputContainer, stream: VideoStream) -> datetime | None:
    """Return ``creation_time`` of the header; clocks that were never set (1904, 1970) do not count."""
    text = container.metadata.get("creation_time") or stream.metadata.get("creation_time")
    try:
        created_at = datetime.fromisoformat(text) if text else None
        if created_at is None or created_at.year < 2000:
            return None
        return created_at.replace(tzinfo=created_at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _without_video(name: str, found: str) -> FootageError:
    return FootageError(
        expected=f"a video stream in {name}",
        found=found,
        remedy="give a recording of a camera, not a sound file or a playlist",
    )
