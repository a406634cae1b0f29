"""Drawing of convex bodies in perspective on a supersampled image."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw

from workbench.scenes.camera import Camera, Point

Colour = tuple[int, int, int]
Corners = Sequence[Point]

SUPERSAMPLING = 2


class Ball(NamedTuple):
    """A sphere in the world, in metres; the hull of a few of them makes a limb or a torso."""

    x: float
    y: float
    z: float
    radius: float


def shade(colour: Colour, factor: float) -> Colour:
    """Return ``colour`` made brighter or darker by ``factor``."""
    return (
        min(255, max(0, int(colour[0] * factor))),
        min(255, max(0, int(colour[1] * factor))),
        min(255, max(0, int(colour[2] * factor))),
    )


def mix(first: Colour, second: Colour, part: float) -> Colour:
    """Return ``first`` blended with ``part`` (0 to 1) of ``second``."""
    return (
        int(first[0] + (second[0] - first[0]) * part),
        int(first[1] + (second[1] - first[1]) * part),
        int(first[2] + (second[2] - first[2]) * part),
    )


def convex_hull(points: Sequence[Point]) -> list[Point]:
    """Return the convex hull of ``points`` in order (Andrew's monotone chain)."""
    ordered = sorted(points)

    def chain(candidates: Sequence[Point]) -> list[Point]:
        kept: list[Point] = []
        for x, y in candidates:
            while len(kept) > 1:
                (ax, ay), (bx, by) = kept[-2], kept[-1]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                kept.pop()
            kept.append((x, y))
        return kept[:-1]

    return chain(ordered) + chain(ordered[::-1])


def place(points: Corners, x: float, y: float, heading_rad: float) -> list[Point]:
    """Turn local points (forward, left) by ``heading_rad`` and move them to ``(x, y)`` on the ground."""
    cos, sin = math.cos(heading_rad), math.sin(heading_rad)
    return [(x + cos * px - sin * py, y + sin * px + cos * py) for px, py in points]


def box(length_m: float, width_m: float, chamfer_m: float = 0.0, middle_m: float = 0.0) -> list[Point]:
    """Return the outline of a box in local coordinates, anticlockwise; with a chamfer it has eight corners.

    The first side of a plain box faces right, then come front, left and rear.
    """
    half, side, cut = length_m / 2, width_m / 2, chamfer_m
    if not cut:
        outline = [(-half, -side), (half, -side), (half, side), (-half, side)]
    else:
        outline = [
            (-half + cut, -side),
            (half - cut, -side),
            (half, -side + cut),
            (half, side - cut),
            (half - cut, side),
            (-half + cut, side),
            (-half, side - cut),
            (-half, -side + cut),
        ]
    return [(x + middle_m, y) for x, y in outline]


_CIRCLE = [(math.cos(step * math.pi / 5), math.sin(step * math.pi / 5)) for step in range(10)]


class Canvas:
    """An image drawn at ``SUPERSAMPLING`` times the camera's size, lit from one side."""

    def __init__(self, backdrop: Image.Image, camera: Camera, light_rad: float) -> None:
        self.camera = camera
        self.light_rad = light_rad
        width, height = camera.size_wh
        size_wh = (width * SUPERSAMPLING, height * SUPERSAMPLING)
        self.image = backdrop.resize(size_wh, Image.Resampling.BILINEAR)
        self._draw = ImageDraw.Draw(self.image)

    def polygon(self, points: Corners, colour: Colour) -> None:
        """Fill a polygon given in image pixels."""
        if len(points) > 2:
            self._draw.polygon([(u * SUPERSAMPLING, v * SUPERSAMPLING) for u, v in points], fill=colour)

    def line(self, points: Corners, colour: Colour, width_px: float) -> None:
        """Draw a line through points in image pixels."""
        scaled = [(u * SUPERSAMPLING, v * SUPERSAMPLING) for u, v in points]
        self._draw.line(scaled, fill=colour, width=max(1, round(width_px * SUPERSAMPLING)))

    def ground(self, points: Corners, colour: Colour, z: float = 0.0) -> None:
        """Fill a polygon that lies flat in the world at height ``z``."""
        seen = [self.camera.project(x, y, z) for x, y in points]
        self.polygon([(p.u, p.v) for p in seen], colour)

    def surface(self, points: Sequence[tuple[float, float, float]], colour: Colour) -> list[Point]:
        """Fill any flat polygon in the world and return its corners in pixels."""
        seen = [self.camera.project(*point) for point in points]
        corners = [(p.u, p.v) for p in seen]
        self.polygon(corners, colour)
        return corners

    def rod(
        self, start: tuple[float, float, float], end: tuple[float, float, float], width_m: float, colour: Colour
    ) -> None:
        """Draw a thin bar between two world points."""
        first, last = self.camera.project(*start), self.camera.project(*end)
        width_px = width_m * (first.px_per_m + last.px_per_m) / 2
        self.line([(first.u, first.v), (last.u, last.v)], colour, width_px)

    def hull(self, balls: Sequence[Ball], colour: Colour) -> None:
        """Fill the silhouette of the convex hull of ``balls``."""
        points: list[Point] = []
        for ball in balls:
            seen = self.camera.project(ball.x, ball.y, ball.z)
            radius_px = ball.radius * seen.px_per_m
            points += [(seen.u + radius_px * cos, seen.v + radius_px * sin) for cos, sin in _CIRCLE]
        self.polygon(convex_hull(points), colour)

    def solid(
        self, base: Corners, z_low: float, z_high: float, colour: Colour, top: Corners | None = None
    ) -> dict[int, list[Point]]:
        """Draw an upright convex body and return its visible sides.

        ``base`` is an anticlockwise outline on the ground; ``top`` (the same by default) is the outline at ``z_high``.
        The answer maps a side's index, or -1 for the top, to its corners in pixels; a side's corners start at its
        lower left as seen from outside and go to lower right, upper right, upper left.
        """
        upper_outline = top or base
        low = [self.camera.project(x, y, z_low) for x, y in base]
        high = [self.camera.project(x, y, z_high) for x, y in upper_outline]
        visible: dict[int, list[Point]] = {}
        for side, (ax, ay) in enumerate(base):
            after = (side + 1) % len(base)
            corners = [(p.u, p.v) for p in (low[side], low[after], high[after], high[side])]
            if _signed_area(corners) >= 0:
                continue
            bx, by = base[after]
            facing = math.atan2(ax - bx, by - ay)
            visible[side] = corners
            self.polygon(corners, shade(colour, 0.74 + 0.2 * math.cos(facing - self.light_rad)))
        lid = [(p.u, p.v) for p in high]
        if _signed_area(lid) < 0:
            visible[-1] = lid
            self.polygon(lid, shade(colour, 1.04))
        return visible

    def panel(self, corners: Corners, left: float, low: float, right: float, high: float, colour: Colour) -> None:
        """Fill a rectangle of a drawn side; the limits are fractions of the side from its lower left corner."""
        a, b, c, d = corners[:4]

        def at(s: float, t: float) -> Point:
            return (
                (a[0] * (1 - s) + b[0] * s) * (1 - t) + (d[0] * (1 - s) + c[0] * s) * t,
                (a[1] * (1 - s) + b[1] * s) * (1 - t) + (d[1] * (1 - s) + c[1] * s) * t,
            )

        self.polygon([at(left, low), at(right, low), at(right, high), at(left, high)], colour)


def _signed_area(corners: Corners) -> float:
    """Return twice the area of a polygon; negative when it runs anticlockwise on the screen."""
    total = 0.0
    last_u, last_v = corners[-1]
    for u, v in corners:
        total += last_u * v - u * last_v
        last_u, last_v = u, v
    return total
