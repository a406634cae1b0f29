"""Clips of any codec from given pictures, encoded on the spot."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

PIXEL_FORMATS = {"gif": "rgb8", "mjpeg": "yuvj420p"}


def encode(
    path: Path,
    pictures: Iterable[NDArray[np.uint8]],
    *,
    codec: str = "libx264",
    ticks: Iterable[int] | None = None,
    ticks_per_s: int = 10,
    options: dict[str, str] | None = None,
) -> Path:
    """Write ``pictures`` (grey ``[height, width]`` or RGB), each shown at its tick (else 0, 1, 2 …)."""
    with av.open(str(path), "w") as container:
        stream = None
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="gray" if picture.ndim == 2 else "rgb24")
            if stream is None:
                stream = container.add_stream(codec, rate=ticks_per_s, options=options or {})
                stream.width, stream.height = frame.width, frame.height
                stream.pix_fmt = PIXEL_FORMATS.get(codec, "yuv420p")
                stream.codec_context.time_base = Fraction(1, ticks_per_s)
                ticks = iter(ticks) if ticks is not None else None
            frame = frame.reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = number if ticks is None else next(ticks), Fraction(1, ticks_per_s)
            container.mux(stream.encode(frame))
        assert stream is not None
        container.mux(stream.encode(None))
    return path


def noisy_scene(size_wh: tuple[int, int], count: int, *, noise: float = 8.0, seed: int = 1) -> list[NDArray[np.uint8]]:
    """Return pictures of one still scene, each with noise of its own (standard deviation, grey levels)."""
    width, height = size_wh
    dice = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    scene = 90 + 30 * np.sin(columns / 19) * np.cos(rows / 13) + 25 * ((columns // 48 + rows // 40) % 2)
    return [np.clip(scene + dice.normal(0, noise, scene.shape), 0, 255).astype(np.uint8) for _ in range(count)]
