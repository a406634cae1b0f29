"""Writing of rendered frames as H.264 clips."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from PIL import Image

from workbench.errors import StorageError


def write_clip(path: Path, frames: Iterable[Image.Image], *, fps: int, size_wh: tuple[int, int], crf: int) -> None:
    """Encode RGB ``frames`` of ``size_wh`` as an MP4 file; ``crf`` is x264's quality (lower is better and larger).

    The clip takes its name only when it is complete.

    Raises:
        StorageError: The file cannot be written.
    """
    partial = path.with_name(f".{path.name}")
    try:
        _encode(partial, frames, fps=fps, size_wh=size_wh, crf=crf)
        partial.replace(path)
    except (OSError, av.FFmpegError) as exc:
        raise StorageError(
            expected=f"to write the clip {path}",
            found=exc.strerror or str(exc),
            remedy="free some space there or name another folder",
        ) from exc
    finally:
        partial.unlink(missing_ok=True)


def _encode(path: Path, frames: Iterable[Image.Image], *, fps: int, size_wh: tuple[int, int], crf: int) -> None:
    options = {"crf": str(crf), "preset": "slow", "threads": "1", "tune": "film"}
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=fps, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, fps)
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
