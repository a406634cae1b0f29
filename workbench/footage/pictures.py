"""How a decoded picture becomes the bytes that are stored, the same for the same picture, and a picture again."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from workbench.footage.recordings import size_within

__all__ = ["LONG_SIDE_PX", "Jpeg", "as_rgb", "decode_image", "encode_jpeg"]

LONG_SIDE_PX = 1280
"""A stored picture is at most so long; a still that is decoded no longer than this is stored as it comes."""

JPEG_QUALITY = 92


@dataclass(frozen=True)
class Jpeg:
    content: bytes
    size_wh: tuple[int, int]


def encode_jpeg(image: Image.Image) -> Jpeg:
    """Return ``image`` as a JPEG whose long side has at most :data:`LONG_SIDE_PX` pixels."""
    rgb = as_rgb(image)
    size_wh = size_within(rgb.size, LONG_SIDE_PX)
    if size_wh != rgb.size:
        rgb = rgb.resize(size_wh, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    rgb.save(buffer, format="JPEG", quality=JPEG_QUALITY)
    return Jpeg(buffer.getvalue(), size_wh)


def decode_image(content: bytes) -> Image.Image:
    """Return the RGB image of a file's bytes."""
    return as_rgb(Image.open(io.BytesIO(content)))


def as_rgb(image: Image.Image) -> Image.Image:
    """Return ``image`` as RGB; of 16 bits of grey the upper eight, where Pillow would show all above 255 as white."""
    if image.mode.startswith("I"):
        image = Image.fromarray(np.clip(np.asarray(image) // 256, 0, 255).astype(np.uint8))
    return image if image.mode == "RGB" else image.convert("RGB")
