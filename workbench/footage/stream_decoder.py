"""Live streams, decoded with PyAV."""

import errno
import time
from collections.abc import Iterator
from dataclasses import dataclass

import av
from av.container import InputContainer
from av.format import Flags
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from workbench.errors import FootageError, LastingStreamError
from workbench.footage.addresses import host_is_known, without_credentials
from workbench.footage.decoding import MAX_PIXELS, VideoStill, told_by_ffmpeg

__all__ = ["StreamFormat", "stream_frames", "without_pictures"]

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
class StreamFormat:
    """What a stream says of itself. ``has_end``: it is a recording that somebody serves, not a live camera."""

    codec_name: str
    announced_fps: float | None
    has_end: bool


def stream_frames(url: str, *, timeout_s: float) -> Iterator[tuple[VideoStill, StreamFormat]]:
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
                yield VideoStill(time_s - first_s, frame), stream_format
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


def _frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Decode packet by packet, past the packets that are damaged."""
    for packet in _packets(container, stream):
        try:
            frames = packet.decode()
        except (av.error.InvalidDataError, av.error.EOFError):
            continue
        yield from frames


def _packets(container: InputContainer, stream: VideoStream) -> "Iterator[av.Packet[VideoStream]]":
    """Read up to the end, or to where a served file breaks off."""
    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except (StopIteration, av.error.InvalidDataError, av.error.EOFError):
            return


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
    found = told_by_ffmpeg(exc)
    if exc.errno == errno.EIO:
        found = "that the connection broke" if host_is_known(url) else "no host of this name"
    return FootageError(
        expected=expected, found=found, remedy="check its address and port, that the camera is on, and the network"
    )
