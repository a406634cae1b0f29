"""A pinhole camera over flat ground, by which every drawn thing is put into perspective."""

import math
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True)
class Projected:
    """A world point on the image: pixels from the top left, and how many pixels one metre takes there."""

    u: float
    v: float
    px_per_m: float


@dataclass(frozen=True)
class Camera:
    """A camera ``height_m`` above the origin that looks along +y, tilted down by ``tilt_rad``.

    World axes are metres: x to the right, y away from the camera, z up. ``focal_px`` is in pixels of ``size_wh``.
    """

    size_wh: tuple[int, int]
    height_m: float
    tilt_rad: float
    focal_px: float

    def project(self, x: float, y: float, z: float = 0.0) -> Projected:
        """Return where ``(x, y, z)`` falls on the image; points behind the lens are held just before it."""
        cos, sin = math.cos(self.tilt_rad), math.sin(self.tilt_rad)
        drop = z - self.height_m
        scale = self.focal_px / max(0.25, y * cos - drop * sin)
        return Projected(self.size_wh[0] / 2 + x * scale, self.size_wh[1] / 2 - (y * sin + drop * cos) * scale, scale)

    def ground_at(self, u: float, v: float) -> Point | None:
        """Return the ground point seen at pixel ``(u, v)``, or None at and above the horizon."""
        right = (u - self.size_wh[0] / 2) / self.focal_px
        up = -(v - self.size_wh[1] / 2) / self.focal_px
        fall = math.sin(self.tilt_rad) - up * math.cos(self.tilt_rad)
        if fall < 0.02:
            return None
        reach = self.height_m / fall
        return right * reach, (math.cos(self.tilt_rad) + up * math.sin(self.tilt_rad)) * reach
