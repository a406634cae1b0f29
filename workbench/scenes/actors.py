"""Who and what is in a scene, where it stands on the ground and how it appears on the image."""

import math
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from workbench.scenes.camera import Camera, Point
from workbench.scenes.canvas import box, place
from workbench.scenes.people import Person
from workbench.scenes.vehicles import LENGTH_WIDTH_HEIGHT_M, Vehicle, VehicleKind

ThingKind = Literal["pallet", "boxes"]
ActorKind = Literal["person", "car", "van", "truck", "forklift", "bicycle", "pallet", "boxes"]
Direction = Literal["away", "towards", "left", "right"]
Passage = Literal["enters", "leaves", ""]
Side = Literal["left", "right", "top", "bottom"]

MOTOR_VEHICLES: Final = frozenset(("car", "van", "truck", "forklift"))
VEHICLE_KINDS: Final[tuple[VehicleKind, ...]] = ("car", "van", "truck", "forklift", "bicycle")
HEADINGS_RAD: Final[dict[Direction, float]] = {
    "right": 0.0,
    "away": math.pi / 2,
    "left": math.pi,
    "towards": -math.pi / 2,
}


@dataclass(frozen=True)
class Actor:
    """One counted thing: its looks, its place on the ground (metres) and its outline on the image (pixels).

    ``visible`` is the part of its outline inside the frame; ``passage`` and ``side`` tell that the frame's edge cuts it
    and whether it comes or goes there.
    """

    kind: ActorKind
    looks: Person | Vehicle | None
    ground_xy: Point
    heading_rad: float
    direction: Direction
    bounds_xyxy: tuple[float, float, float, float]
    visible: float
    at_table: bool = False
    to_table: Literal["towards", "away", ""] = ""
    passage: Passage = ""
    side: Side = "left"

    @property
    def middle_uv(self) -> Point:
        """The middle of the outline, in pixels."""
        left, top, right, bottom = self.bounds_xyxy
        return (left + right) / 2, (top + bottom) / 2


def bounds_on_image(
    camera: Camera, kind: ActorKind, ground_xy: Point, heading_rad: float, height_m: float = 1.75
) -> tuple[float, float, float, float]:
    """Return the box around everything that a thing of this kind covers on the image, in pixels."""
    length, width, high = _extent(kind, height_m)
    corners = place(box(length, width), *ground_xy, heading_rad)
    seen = [camera.project(x, y, z) for x, y in corners for z in (0.0, high)]
    return min(p.u for p in seen), min(p.v for p in seen), max(p.u for p in seen), max(p.v for p in seen)


def _extent(kind: ActorKind, height_m: float) -> tuple[float, float, float]:
    if kind == "person":
        return 0.5, 0.5, height_m + 0.05
    if kind == "pallet":
        return 1.2, 1.0, 0.8
    if kind == "boxes":
        return 0.8, 0.7, 1.1
    return LENGTH_WIDTH_HEIGHT_M[kind]


def visible_part(bounds_xyxy: tuple[float, float, float, float], size_wh: tuple[int, int]) -> float:
    """Return the part of a box that lies within the image."""
    left, top, right, bottom = bounds_xyxy
    area = max(1e-6, (right - left) * (bottom - top))
    wide = min(right, size_wh[0]) - max(left, 0.0)
    high = min(bottom, size_wh[1]) - max(top, 0.0)
    return max(0.0, wide) * max(0.0, high) / area


def overlap_part(
    first_xyxy: tuple[float, float, float, float], second_xyxy: tuple[float, float, float, float]
) -> float:
    """Return the intersection of two boxes as a part of the smaller one."""
    wide = min(first_xyxy[2], second_xyxy[2]) - max(first_xyxy[0], second_xyxy[0])
    high = min(first_xyxy[3], second_xyxy[3]) - max(first_xyxy[1], second_xyxy[1])
    if wide <= 0 or high <= 0:
        return 0.0
    smaller = min((b[2] - b[0]) * (b[3] - b[1]) for b in (first_xyxy, second_xyxy))
    return wide * high / max(1e-6, smaller)


def choose_heading(rng: Random) -> tuple[Direction, float]:
    """Draw one of four directions and a heading near it, so that the word for it is beyond doubt."""
    direction = rng.choice(tuple(HEADINGS_RAD))
    return direction, HEADINGS_RAD[direction] + rng.uniform(-0.35, 0.35)


def cut_by(
    bounds_xyxy: tuple[float, float, float, float], direction: Direction, size_wh: tuple[int, int]
) -> tuple[Passage, Side]:
    """Return whether a thing cut by the frame comes in or goes out there, and at which side it is cut most."""
    left, top, right, bottom = bounds_xyxy
    beyond: dict[Side, float] = {
        "left": -left / max(1, right - left),
        "right": (right - size_wh[0]) / max(1, right - left),
        "top": -top / max(1, bottom - top),
        "bottom": (bottom - size_wh[1]) / max(1, bottom - top),
    }
    side = max(beyond, key=lambda name: beyond[name])
    if beyond[side] < 0.12:
        return "", side
    outward: dict[Side, Direction] = {"left": "left", "right": "right", "top": "away", "bottom": "towards"}
    inward: dict[Side, Direction] = {"left": "right", "right": "left", "top": "towards", "bottom": "away"}
    if direction == outward[side]:
        return "leaves", side
    return ("enters", side) if direction == inward[side] else ("", side)
