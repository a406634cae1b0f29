"""Rectangles keep their place on every way there and back."""

import numpy as np
import pytest

from workbench.domain import Box
from workbench.labeling.formats.coordinates import (
    Numbers,
    clipped,
    cxcywh_to_xyxy,
    xywh_px_to_xyxy,
    xyxy_to_cxcywh,
    xyxy_to_xywh_px,
)

SIZES = [(640, 427), (1, 1), (1280, 720), (333, 5001)]


def rectangles(seed: int) -> list[Numbers]:
    """Rectangles of all sizes inside a picture, some of them at its edges."""
    corners = np.random.default_rng(seed).uniform(0, 1, (200, 2, 2))
    corners[::5] = corners[::5].round()
    low, high = corners.min(axis=1), corners.max(axis=1)
    kept = [(*map(float, a), *map(float, b)) for a, b in zip(low, high, strict=True) if (b - a > 0.01).all()]
    assert len(kept) > 50
    return kept


@pytest.mark.parametrize("seed", range(5))
def test_centres_and_corners_are_the_same_rectangle(seed: int) -> None:
    for xyxy in rectangles(seed):
        x, y, width, height = xyxy_to_cxcywh(xyxy)
        assert (x, y) == pytest.approx(((xyxy[0] + xyxy[2]) / 2, (xyxy[1] + xyxy[3]) / 2))
        assert width * height == pytest.approx((xyxy[2] - xyxy[0]) * (xyxy[3] - xyxy[1]), abs=1e-6)
        assert cxcywh_to_xyxy((x, y, width, height)) == pytest.approx(xyxy, abs=1e-8)


@pytest.mark.parametrize("size_wh", SIZES)
def test_pixels_and_parts_are_the_same_rectangle(size_wh: tuple[int, int]) -> None:
    for xyxy in rectangles(7):
        left, top, width, height = xyxy_to_xywh_px(xyxy, size_wh)
        assert left + width <= size_wh[0] + 0.01
        assert top + height <= size_wh[1] + 0.01
        back = xywh_px_to_xyxy((left, top, width, height), size_wh)
        assert back == pytest.approx(xyxy, abs=0.01 / min(size_wh))


@pytest.mark.parametrize("size_wh", SIZES)
def test_hundredths_of_pixels_survive_the_way_through_parts(size_wh: tuple[int, int]) -> None:
    for number, xyxy in enumerate(rectangles(11)):
        xywh_px = xyxy_to_xywh_px(xyxy, size_wh)
        back = xyxy_to_xywh_px(xywh_px_to_xyxy(xywh_px, size_wh), size_wh)
        assert back == pytest.approx(xywh_px, abs=0.011), number


@pytest.mark.parametrize(
    ("xyxy", "left"),
    [
        ((-0.5, 0.2, 0.5, 1.5), (0.0, 0.2, 0.5, 1.0)),
        ((0.0, 0.0, 1.0000001, 1.0), (0.0, 0.0, 1.0, 1.0)),
        ((1.1, 0.0, 1.2, 1.0), None),
        ((0.5, 0.5, 0.5, 0.9), None),
        ((0.6, 0.5, 0.5, 0.9), None),
    ],
)
def test_what_lies_outside_the_picture_is_cut_off(xyxy: Numbers, left: Numbers | None) -> None:
    assert clipped(xyxy) == left
    if left is not None:
        Box("thing", left)
