"""What decoded video has in common, wherever it comes from: a frame as a still, and a failure in words."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import av
import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from workbench.errors import FootageError
from workbench.footage.recordings import Grey, size_within

__all__ = ["MAX_PIXELS", "VideoStill", "told_by_ffmpeg"]

MAX_PIXELS = 64_000_000
_DAMAGE = (errno.EIO, errno.ENOMEM)


@dataclass(frozen=True)
class VideoStill:
    """A decoded frame, ``offset_s`` seconds after the first one. FootageError where its pixels cannot be converted."""

    offset_s: float
    frame: VideoFrame

    @property
    def size_wh(self) -> tuple[int, int]:
        """Return the size of the picture that stands upright."""
        width, height = self.frame.width, self.frame.height
        return (height, width) if _quarter_turns(self.frame) % 2 else (width, height)

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


def told_by_ffmpeg(exc: av.FFmpegError) -> str:
    if exc.errno in _DAMAGE:
        return "damaged or missing parts"
    found = exc.strerror or type(exc).__name__
    return found[0].lower() + found[1:]


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
