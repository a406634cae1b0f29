"""Rectangles as label files write them, as left, top, right and bottom in parts of width and height, and back.

``xywh`` is left, top, width and height, ``cxcywh`` the centre, width and height.
"""

__all__ = ["clipped", "cxcywh_to_xyxy", "xywh_px_to_xyxy", "xyxy_to_cxcywh", "xyxy_to_xywh_px"]

_DIGITS = 9
"""Of a part: less than a hundredth of a pixel of any picture, so that a rectangle that went through parts is itself."""

Numbers = tuple[float, float, float, float]


def xywh_px_to_xyxy(xywh_px: Numbers, size_wh: tuple[int, int]) -> Numbers:
    x, y, width, height = xywh_px
    return _rounded(x / size_wh[0], y / size_wh[1], (x + width) / size_wh[0], (y + height) / size_wh[1])


def xyxy_to_xywh_px(xyxy: Numbers, size_wh: tuple[int, int]) -> Numbers:
    """Return pixels with two decimals, as COCO has them."""
    left, top, right, bottom = (part * side for part, side in zip(xyxy, size_wh * 2, strict=True))
    return round(left, 2), round(top, 2), round(right - left, 2), round(bottom - top, 2)


def cxcywh_to_xyxy(cxcywh: Numbers) -> Numbers:
    x, y, width, height = cxcywh
    return _rounded(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def xyxy_to_cxcywh(xyxy: Numbers) -> Numbers:
    left, top, right, bottom = xyxy
    return _rounded((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)


def clipped(xyxy: Numbers) -> Numbers | None:
    """Return what of a rectangle lies in the picture, None when nothing does."""
    left, top, right, bottom = (min(max(part, 0.0), 1.0) for part in xyxy)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _rounded(*parts: float) -> Numbers:
    first, second, third, fourth = (round(part, _DIGITS) for part in parts)
    return first, second, third, fourth
