"""Variation of a frame that leaves its caption true: light, colour and a slightly smaller view. Never a mirror."""

from typing import Any

import numpy as np
from PIL import Image

from workbench.recipe import Augmentation

_GREY = np.array([0.299, 0.587, 0.114])
_MIDDLE = 128.0
Floats = np.ndarray[Any, np.dtype[np.float64]]


def augment(image: Image.Image, augmentation: Augmentation, rng: np.random.Generator) -> Image.Image:
    """Return a variant of the RGB ``image``; all amounts are drawn from ``rng``, within ``augmentation``."""
    crops, factors = rng.random((2, 2)), rng.uniform(-1, 1, 3)
    if augmentation.crop > 0:
        image = image.crop(_window(image.size, augmentation.crop * crops[0], crops[1]))
    reach = np.array([augmentation.brightness, augmentation.contrast, augmentation.saturation])
    if reach.any():
        image = image.convert("RGB", _colour_matrix(*(1 + reach * factors)))
    return image


def _window(size_wh: tuple[int, int], cut: Floats, place: Floats) -> tuple[int, int, int, int]:
    """Return the window (left, top, right, bottom) that leaves out ``cut`` of width and height; ``place`` is 0 to 1."""
    removed = np.round(np.array(size_wh) * cut).astype(int)
    left, top = np.round(removed * place).astype(int)
    width, height = np.array(size_wh) - removed
    return int(left), int(top), int(left + width), int(top + height)


def _colour_matrix(brightness: float, contrast: float, saturation: float) -> tuple[float, ...]:
    """Return the 3x4 matrix, row by row, that does all three in one pass over the pixels."""
    colours = saturation * np.eye(3) + (1 - saturation) * np.tile(_GREY, (3, 1))
    offset = np.full((3, 1), _MIDDLE * (1 - contrast))
    return tuple(np.hstack([brightness * contrast * colours, offset]).ravel().tolist())
