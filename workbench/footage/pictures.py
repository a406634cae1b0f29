"""How a decoded picture becomes the bytes that are stored: the same picture gives the same bytes."""

import io
from dataclasses import dataclass

from PIL import Image

__all__ = ["Jpeg", "encode_jpeg"]

LONG_SIDE_PX = 1280
JPEG_QUALITY = 92


@dataclass(frozen=True)
class Jpeg:
    content: bytes
    size_wh: tuple[int, int]


def encode_jpeg(image: Image.Image) -> Jpeg:
    """Return ``image`` as a JPEG whose long side has at most 1280 pixels."""
    rgb = image.convert("RGB")
    if max(rgb.size) > LONG_SIDE_PX:
        rgb.thumbnail((LONG_SIDE_PX, LONG_SIDE_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    rgb.save(buffer, format="JPEG", quality=JPEG_QUALITY)
    return Jpeg(buffer.getvalue(), rgb.size)
