"""Covering what nobody is to see, before a picture is stored: a camera's masks and, where asked for, faces.

What is covered is gone: black is black, and a blurred part keeps the mean colours of a few large tiles only, which no
sharpening brings back (a Gaussian blur can be undone in part: Hill et al., "On the (in)effectiveness of mosaicing and
blurring as tools for document redaction", PoPETs 2016).
"""

from PIL import Image

from workbench.domain import Camera, MaskStyle
from workbench.footage.faces import find_faces
from workbench.footage.outlines import outline_px, pixels_within

__all__ = ["covered", "is_covering"]

_TILES_ACROSS = 4


def is_covering(camera: Camera) -> bool:
    return bool(camera.masks) or camera.hides_faces


def covered(image: Image.Image, camera: Camera) -> Image.Image:
    """Return the RGB ``image`` with the camera's masks and, if it hides them, faces covered; the original is kept."""
    if not is_covering(camera):
        return image
    shown = image.convert("RGB").copy()
    for mask in camera.masks:
        _cover(shown, outline_px(mask, shown.size), mask.style)
    if camera.hides_faces:
        for left, top, right, bottom in find_faces(shown):
            _cover(shown, [(left, top), (right, top), (right, bottom), (left, bottom)], MaskStyle.BLUR)
    return shown


def _cover(image: Image.Image, corners_px: list[tuple[float, float]], style: MaskStyle) -> None:
    where = pixels_within(corners_px, image.size)
    if (box := where.getbbox()) is None:
        return
    fill = Image.new("RGB", (box[2] - box[0], box[3] - box[1])) if style is MaskStyle.BLACK else _tiles(image.crop(box))
    image.paste(fill, box, where.crop(box))


def _tiles(part: Image.Image) -> Image.Image:
    """Return ``part`` as a few tiles of their mean colour, about ``_TILES_ACROSS`` along its shorter side."""
    side_px = max(1, min(part.size) / _TILES_ACROSS)
    few = part.resize((max(1, round(part.width / side_px)), max(1, round(part.height / side_px))), Image.Resampling.BOX)
    return few.resize(part.size, Image.Resampling.NEAREST)
