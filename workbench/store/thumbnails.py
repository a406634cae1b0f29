"""Small copies of pictures, for pages that show many."""

import io

from PIL import Image, ImageOps, UnidentifiedImageError

from workbench.errors import StorageError

__all__ = ["LONG_SIDE_PX", "thumbnail_of"]

LONG_SIDE_PX = 320
_QUALITY = 80


def thumbnail_of(picture: bytes) -> bytes:
    """Return a JPEG of what ``picture`` shows, upright, with a long side of at most 320 pixels and no metadata.

    Raises StorageError when the bytes are no picture that can be decoded.
    """
    try:
        with Image.open(io.BytesIO(picture)) as image:
            image.thumbnail((LONG_SIDE_PX, LONG_SIDE_PX))
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise StorageError(
            expected="a stored picture that can be decoded",
            found=str(error) if isinstance(error, Image.DecompressionBombError) else "damaged or other bytes",
            remedy="ingest its clip again",
        ) from error
    upright.info.clear()
    buffer = io.BytesIO()
    upright.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
