"""Which pixels of a picture lie within an outline: what is covered there, nothing looks at either."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from workbench.domain import Mask

__all__ = ["hidden_pixels", "outline_px", "pixels_within"]

_EDGE_PX = 2


def outline_px(mask: Mask, size_wh: tuple[int, int]) -> list[tuple[float, float]]:
    return [(u * size_wh[0], v * size_wh[1]) for u, v in mask.outline_uv]


def pixels_within(corners_px: Sequence[tuple[float, float]], size_wh: tuple[int, int]) -> Image.Image:
    """Return, as a picture of mode ``1``, the polygon and its edge, which a JPEG would otherwise smear over it."""
    within = Image.new("1", size_wh)
    draw = ImageDraw.Draw(within)
    draw.polygon(corners_px, fill=1)
    draw.line([*corners_px, corners_px[0]], fill=1, width=2 * _EDGE_PX + 1)
    return within


def hidden_pixels(masks: Iterable[Mask], size_wh: tuple[int, int]) -> NDArray[np.bool_]:
    """Return ``[height, width]``, true where one of ``masks`` hides the view."""
    hidden = np.zeros(size_wh[::-1], np.bool_)
    for mask in masks:
        hidden |= np.asarray(pixels_within(outline_px(mask, size_wh), size_wh))
    return hidden
