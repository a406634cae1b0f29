"""Faces, found by OpenCV's bundled cascades; nothing else imports ``cv2``.

Viola and Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001. The cascades find
upright faces from the front and from the side that are at least 24 pixels high; smaller, turned or covered ones are
missed. A mask hides a place for certain, this does not.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

__all__ = ["Box", "find_faces"]

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""

_CASCADES = ("haarcascade_frontalface_default.xml", "haarcascade_profileface.xml")
_SMALLEST_PX = 24
_SCALE_STEP = 1.1
_NEIGHBOURS = 4
_MARGIN = 0.15


def find_faces(image: Image.Image) -> list[Box]:
    """Return the faces of an RGB image, each with some margin; profiles are looked for in both directions."""
    grey = np.asarray(image.convert("L"))
    frontal, profile = _detectors()
    width = grey.shape[1]
    found = _detect(frontal, grey) + _detect(profile, grey)
    turned = _detect(profile, np.ascontiguousarray(grey[:, ::-1]))
    found += [(width - x - w, y, w, h) for x, y, w, h in turned]
    return [_with_margin(box, image.size) for box in found]


def _detect(detector: cv2.CascadeClassifier, grey: np.ndarray) -> list[tuple[int, int, int, int]]:  # type: ignore[type-arg]
    boxes = detector.detectMultiScale(
        grey, scaleFactor=_SCALE_STEP, minNeighbors=_NEIGHBOURS, minSize=(_SMALLEST_PX, _SMALLEST_PX)
    )
    return [(int(x), int(y), int(w), int(h)) for x, y, w, h in boxes]


@cache
def _detectors() -> tuple[cv2.CascadeClassifier, cv2.CascadeClassifier]:
    folder = Path(cv2.__file__).parent / "data"
    frontal, profile = (cv2.CascadeClassifier(str(folder / name)) for name in _CASCADES)
    return frontal, profile


def _with_margin(box_xywh: tuple[int, int, int, int], size_wh: tuple[int, int]) -> Box:
    x, y, w, h = box_xywh
    dx, dy = round(w * _MARGIN), round(h * _MARGIN)
    return max(0, x - dx), max(0, y - dy), min(size_wh[0], x + w + dx), min(size_wh[1], y + h + dy)
