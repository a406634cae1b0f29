"""A video of stills, one a frame, for people who mark stretches of a clip; nothing but stored stills goes into it."""

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np
from av.video.stream import VideoStream
from PIL import Image

__all__ = ["stills_to_mp4"]

_LONGEST_EDGE = 960
_OPTIONS = {"crf": "26", "preset": "veryfast", "g": "8", "bf": "0"}
"""A keyframe every eight frames and none that depends on a later one: whoever steps through it sees each still."""


def stills_to_mp4(stills: Sequence[bytes | None], *, fps: int) -> bytes:
    """Return H.264 in an MP4 file that shows each still (JPEG) for one frame; None is one that is gone, shown grey."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options=_OPTIONS)
        assert isinstance(stream, VideoStream)
        for number, image in enumerate(_images(stills)):
            if number == 0:
                stream.width, stream.height = image.size
                stream.pix_fmt = "yuv420p"
                stream.time_base = Fraction(1, fps)
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def _images(stills: Sequence[bytes | None]) -> Iterator[Image.Image]:
    """Yield the stills in the size of the first that is there, its edges even and at most 960 pixels long."""
    size_wh = next((_shown_size(Image.open(io.BytesIO(still)).size) for still in stills if still), (64, 48))
    for still in stills:
        if still is None:
            yield Image.new("RGB", size_wh, (128, 128, 128))
            continue
        image = Image.open(io.BytesIO(still))
        image.draft("RGB", size_wh)
        yield image.convert("RGB").resize(size_wh, Image.Resampling.BILINEAR)


def _shown_size(size_wh: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, _LONGEST_EDGE / max(size_wh))
    width, height = (max(2, round(edge * scale / 2) * 2) for edge in size_wh)
    return width, height
