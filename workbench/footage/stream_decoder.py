"""Live streams, decoded with PyAV."""

import errno
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

import av
from av.container import InputContainer
from av.format import Flags
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from workbench.errors import FootageError, LastingStreamError
from workbench.footage.addresses import host_is_known, without_credentials
from workbench.footage.decoding import MAX_PIXELS, VideoStill, told_by_ffmpeg

__all__ = ["StreamFormat", "stream_frames", "without_pictures"]

_STREAM_OPTIONS = {
    "protocol_whitelist": "rtp,udp,tcp,tls,http,https,httpproxy,crypto,data",
    "fpsprobesize": "0",
    "tls_verify": "0",
}
"""The first picture comes seconds earlier when no frame rate is measured. Cameras sign their certificates themselves,
so none is verified, whatever a version of the library below does by default."""
_WITHOUT_SIZE = ("dash", "hls", "mpjpeg")
"""Playlists, whose size is not the stream's, and multipart JPEG, of which some cameras announce a made-up one."""
_CHECK_ENCRYPTION = "check its port, whether the camera speaks TLS there (rtsps://) or not (rtsp://), and the network"
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
    """What a stream says of itself. ``has_end``: it is a recording that somebody serves, not a live camera.

    ``repeats``: whoever connects again gets the last frames once more, with the same times.
    """

    codec_name: str
    announced_fps: float | None
    has_end: bool
    repeats: bool


def stream_frames(
    url: str, *, timeout_s: float, keyframes_within_s: float | None = None
) -> Iterator[tuple[VideoStill | None, StreamFormat]]:
    """Decode the frames of a live stream (RTSP over TCP, HTTP, HLS) for as long as it lasts.

    Offsets are the camera's own times, as they come: they begin anywhere and may leap. Where a stream carries no times
    (multipart JPEG; the library below would count 25 frames a second) they are those of the arrival.

    With ``keyframes_within_s`` nothing but keyframes is decoded, and None comes for each packet that is passed over; a
    live stream that brings no keyframe for so long ends with an error.

    A read that stays silent for ``timeout_s`` ends it; as a library below may hang all the same, run this in a child
    process that can be killed (:mod:`workbench.footage.stream_process`). Errors never repeat the address's credentials.

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
            is_timed = _is_timed(container)
            if keyframes_within_s is None:
                frames = _frames(container, stream)
            else:
                frames = _keyframes(container, stream, url, inf if stream_format.has_end else keyframes_within_s)
            for frame in frames:
                heard_s = time.monotonic()
                if frame is None:
                    yield None, stream_format
                elif not is_timed or frame.pts is not None:
                    yield VideoStill(frame.time if is_timed else heard_s, frame), stream_format
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


def _frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame | None]:
    for packet in _packets(container, stream):
        yield from _decoded(stream, packet)


def _keyframes(
    container: InputContainer, stream: VideoStream, url: str, within_s: float
) -> Iterator[VideoFrame | None]:
    """Decode the keyframes, each by itself: a decoder that goes on to the next would show it one keyframe late."""
    context = stream.codec_context
    context.thread_count = 1
    context.skip_frame = "NONKEY"
    last_s = time.monotonic()
    packets = _packets(container, stream)
    for packet in _with_times(packets) if _is_timed(container) else packets:
        frames = []
        if packet.is_keyframe:
            frames = [*_decoded(stream, packet), *_decoded(stream, None)]
            context.flush_buffers()
        for frame in frames:
            frame.time_base = packet.time_base
            last_s = time.monotonic()
            yield frame
        if not frames:
            yield None
        if time.monotonic() - last_s >= within_s:
            raise FootageError(
                expected=f"keyframes from {without_credentials(url)}",
                found=f"no keyframe for {within_s:g} s",
                remedy="let the camera send them more often, or take stills at even intervals",
            )


def _with_times(packets: "Iterator[av.Packet[VideoStream]]") -> "Iterator[av.Packet[VideoStream]]":
    """Give keyframes without a time, as the first one of RTSP comes, that of the next packet less their duration."""
    waiting: av.Packet[VideoStream] | None = None
    for packet in packets:
        if waiting is not None and packet.pts is not None:
            waiting.pts = packet.pts - (waiting.duration or 0)
            yield waiting
            waiting = None
        if packet.is_keyframe and packet.pts is None:
            waiting = packet
        else:
            yield packet


def _decoded(stream: VideoStream, packet: "av.Packet[VideoStream] | None") -> list[VideoFrame]:
    """Return what ``packet`` completes, or what is left in the decoder; nothing where it is damaged."""
    try:
        return stream.decode(packet)
    except (av.error.InvalidDataError, av.error.EOFError):
        return []


def _packets(container: InputContainer, stream: VideoStream) -> "Iterator[av.Packet[VideoStream]]":
    """Read up to the end, or to where a served file breaks off."""
    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except (StopIteration, av.error.InvalidDataError, av.error.EOFError):
            return


def _is_timed(container: InputContainer) -> bool:
    return not container.format.flags & Flags.no_timestamps.value  # type: ignore[operator]


def _stream_format(container: InputContainer, stream: VideoStream) -> StreamFormat:
    rate = stream.average_rate or stream.codec_context.framerate
    is_file = container.size > 0 and container.format.name not in _WITHOUT_SIZE
    return StreamFormat(
        codec_name=stream.codec_context.codec.canonical_name,
        announced_fps=float(rate) if rate else None,
        has_end=bool(container.duration and container.duration > 0) or is_file,
        repeats=container.format.name == "hls",
    )


def _stream_error(url: str, exc: av.FFmpegError) -> FootageError:
    expected = f"a stream at {without_credentials(url)}"
    for kind, found, remedy in _LASTING_STREAM_ERRORS:
        if isinstance(exc, kind):
            return LastingStreamError(expected=expected, found=found, remedy=remedy)
    if isinstance(exc, av.error.InvalidDataError):
        found = "no video that can be read"
        if url.lower().startswith("rtsp"):
            return FootageError(expected=expected, found=found, remedy=_CHECK_ENCRYPTION)
        remedy = "give the address of the stream itself, not of the camera's page"
        return LastingStreamError(expected=expected, found=found, remedy=remedy)
    found, remedy = told_by_ffmpeg(exc), "check its address and port, that the camera is on, and the network"
    if exc.errno == errno.EIO and not host_is_known(url):
        found = "no host of this name"
    elif exc.errno == errno.EIO:
        found = "that the connection broke"
        remedy = _CHECK_ENCRYPTION if url.lower().startswith("rtsps") else remedy
    return FootageError(expected=expected, found=found, remedy=remedy)
