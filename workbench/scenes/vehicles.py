"""Cars, vans, trucks, forklifts and bicycles as small piles of convex bodies."""

import math
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Literal

from workbench.scenes.camera import Point
from workbench.scenes.canvas import Ball, Canvas, Colour, box, mix, place, shade
from workbench.scenes.palette import GLASS, PAINT, RUBBER, jitter

VehicleKind = Literal["car", "van", "truck", "forklift", "bicycle"]

LENGTH_WIDTH_HEIGHT_M: dict[VehicleKind, tuple[float, float, float]] = {
    "car": (4.3, 1.8, 1.45),
    "van": (5.2, 2.0, 2.2),
    "truck": (8.0, 2.5, 3.3),
    "forklift": (3.2, 1.25, 2.15),
    "bicycle": (1.75, 0.55, 1.05),
}


@dataclass(frozen=True)
class Vehicle:
    """A vehicle's looks: ``colour`` is the word, ``paint`` what is drawn."""

    kind: VehicleKind
    colour: str
    paint: Colour
    body: Literal["hatchback", "saloon"]
    second_paint: Colour
    lights_on: bool
    is_loaded: bool


def invent_vehicle(rng: Random, kind: VehicleKind, *, lights_on: bool) -> Vehicle:
    """Draw a vehicle's looks."""
    names = ("yellow", "orange", "red", "green", "blue") if kind == "forklift" else tuple(PAINT)
    weights = [2.0 if name in ("white", "silver", "grey", "black") else 1.0 for name in names]
    colour = rng.choices(names, weights)[0]
    return Vehicle(
        kind=kind,
        colour=colour,
        paint=jitter(rng, PAINT[colour], 9),
        body=rng.choice(("hatchback", "saloon")),
        second_paint=jitter(rng, rng.choice(((226, 228, 230), (150, 156, 160), (60, 84, 140), (168, 60, 50)))),
        lights_on=lights_on,
        is_loaded=rng.random() < 0.5,
    )


def draw_vehicle(canvas: Canvas, vehicle: Vehicle, ground_xy: Point, heading_rad: float) -> None:
    """Draw ``vehicle`` with its middle at ``ground_xy`` (metres), driving towards ``heading_rad``."""
    drawers = {"car": _car, "van": _van, "truck": _truck, "forklift": _forklift, "bicycle": _bicycle}
    drawers[vehicle.kind](Chassis(canvas, ground_xy, heading_rad), vehicle)


class Chassis:
    """Puts bodies that are given in a vehicle's own coordinates (forward, left, up) into the view."""

    def __init__(self, canvas: Canvas, ground_xy: Point, heading_rad: float) -> None:
        self.canvas = canvas
        self.ground_xy = ground_xy
        self.heading_rad = heading_rad

    def outline(self, points: list[Point]) -> list[Point]:
        """Return local points on the ground of the world."""
        return place(points, *self.ground_xy, self.heading_rad)

    def body(
        self, base: list[Point], low: float, high: float, colour: Colour, top: list[Point] | None = None
    ) -> dict[int, list[Point]]:
        """Draw an upright convex body and return its visible sides, as ``Canvas.solid`` does."""
        return self.canvas.solid(self.outline(base), low, high, colour, self.outline(top) if top else None)

    def sees_side(self, side: Literal[-1, 1]) -> bool:
        """Tell whether the left (1) or right (-1) side faces the camera."""
        x, y = self.ground_xy
        normal_x, normal_y = -math.sin(self.heading_rad) * side, math.cos(self.heading_rad) * side
        return normal_x * x + normal_y * y < -0.8

    def wheels(self, forward_at: tuple[float, ...], half_width: float, radius: float) -> None:
        """Draw the wheels of the side that is seen."""
        for side in (-1, 1):
            if not self.sees_side(-1 if side < 0 else 1):
                continue
            for forward in forward_at:
                self.disc(forward, side * half_width, radius, RUBBER)
                self.disc(forward, side * half_width, radius * 0.55, (124, 126, 130))

    def disc(self, forward: float, left: float, radius: float, colour: Colour) -> None:
        """Draw an upright disc that rests on the ground, along the direction of travel."""
        steps = [step * math.pi / 6 for step in range(12)]
        rim = self.outline([(forward + radius * math.cos(step), left) for step in steps])
        self.canvas.surface(
            [(x, y, radius + radius * math.sin(step)) for (x, y), step in zip(rim, steps, strict=True)], colour
        )

    def rod(self, start: tuple[float, float, float], end: tuple[float, float, float], width: float, c: Colour) -> None:
        """Draw a thin bar between two local points."""
        first, last = self.outline([start[:2], end[:2]])
        self.canvas.rod((*first, start[2]), (*last, end[2]), width, c)


def _lights(canvas: Canvas, faces: dict[int, list[Point]], vehicle: Vehicle, front: int, rear: int) -> None:
    """Draw head and tail lights and the number plate on the end faces that are seen."""
    head: Colour = (255, 250, 225) if vehicle.lights_on else (205, 212, 216)
    tail: Colour = (250, 40, 34) if vehicle.lights_on else (146, 20, 22)
    for face, colour in ((front, head), (rear, tail)):
        if face in faces:
            for left in (0.0, 0.76):
                canvas.panel(faces[face], left, 0.5, left + 0.24, 0.84, colour)
            canvas.panel(faces[face], 0.36, 0.2, 0.64, 0.42, (224, 224, 214))
    if front in faces:
        canvas.panel(faces[front], 0.28, 0.5, 0.72, 0.76, shade(vehicle.paint, 0.45))


def _car(chassis: Chassis, vehicle: Vehicle) -> None:
    length, width, height = LENGTH_WIDTH_HEIGHT_M["car"]
    canvas, paint = chassis.canvas, vehicle.paint
    chassis.body(box(length, width, 0.3), 0.18, 0.5, shade(paint, 0.8))
    faces = chassis.body(box(length, width, 0.35), 0.45, 0.86, paint, box(length * 0.97, width * 0.94, 0.45))
    _lights(canvas, faces, vehicle, front=2, rear=6)
    if 2 not in faces and 6 in faces:
        canvas.panel(faces[6], 0.0, 0.86, 1.0, 1.0, shade(paint, 0.7))
    chassis.wheels((length * 0.3, -length * 0.3), width / 2, 0.33)
    rear = -0.47 if vehicle.body == "hatchback" else -0.33
    low = span(rear * length, 0.2 * length, width * 0.9)
    high = span((rear + (0.06 if vehicle.body == "hatchback" else 0.12)) * length, 0.03 * length, width * 0.72)
    cabin = chassis.body(low, 0.84, height, paint, high)
    glass = mix(GLASS, (120, 140, 150), 0.25)
    for face, corners in cabin.items():
        if face >= 0:
            canvas.panel(corners, 0.07, 0.1, 0.93, 0.88, glass if face == 1 else GLASS)
            if face in (0, 2):
                canvas.panel(corners, 0.5, 0.0, 0.55, 1.0, shade(paint, 0.7))
        else:
            canvas.panel(corners, 0.1, 0.1, 0.9, 0.9, shade(paint, 1.12))


def span(rear: float, front: float, width: float) -> list[Point]:
    """Return the outline of a box from ``rear`` to ``front`` in local metres."""
    return box(front - rear, width, middle_m=(front + rear) / 2)


def _van(chassis: Chassis, vehicle: Vehicle) -> None:
    length, width, height = LENGTH_WIDTH_HEIGHT_M["van"]
    canvas = chassis.canvas
    faces = chassis.body(box(length, width, 0.2), 0.25, 1.05, vehicle.paint)
    _lights(canvas, faces, vehicle, front=2, rear=6)
    chassis.wheels((length * 0.32, -length * 0.32), width / 2, 0.36)
    low, high = span(-length / 2, length * 0.34, width * 0.98), span(-length * 0.49, length * 0.2, width * 0.9)
    upper = chassis.body(low, 1.05, height, vehicle.paint, high)
    if 1 in upper:
        canvas.panel(upper[1], 0.08, 0.1, 0.92, 0.75, GLASS)
    for side, left in ((0, 0.68), (2, 0.06)):
        if side in upper:
            canvas.panel(upper[side], left, 0.25, left + 0.24, 0.8, GLASS)
    if 3 in upper:
        canvas.panel(upper[3], 0.08, 0.4, 0.46, 0.85, GLASS)
        canvas.panel(upper[3], 0.54, 0.4, 0.92, 0.85, GLASS)


def _truck(chassis: Chassis, vehicle: Vehicle) -> None:
    length, width, height = LENGTH_WIDTH_HEIGHT_M["truck"]
    canvas = chassis.canvas
    chassis.body(box(length * 0.98, width * 0.8), 0.4, 0.8, (52, 54, 58))
    cab_base = span(length * 0.27, length * 0.5, width * 0.94)
    load = span(-length * 0.5, length * 0.24, width)

    def draw_cab() -> None:
        cab = chassis.body(cab_base, 0.45, 2.7, vehicle.paint)
        _lights(canvas, {1: cab[1]} if 1 in cab else {}, vehicle, front=1, rear=-2)
        if 1 in cab:
            canvas.panel(cab[1], 0.08, 0.5, 0.92, 0.86, GLASS)
        for side, left in ((0, 0.35), (2, 0.2)):
            if side in cab:
                canvas.panel(cab[side], left, 0.5, left + 0.45, 0.85, GLASS)

    def draw_load() -> None:
        body = chassis.body(load, 0.8, height, vehicle.paint)
        if 3 in body:
            canvas.panel(body[3], 0.49, 0.02, 0.51, 0.98, shade(vehicle.paint, 0.5))
            canvas.panel(body[3], 0.04, -0.04, 0.2, 0.02, (170, 26, 26))
            canvas.panel(body[3], 0.8, -0.04, 0.96, 0.02, (170, 26, 26))
        for side in (0, 2):
            if side in body:
                canvas.panel(body[side], 0.1, 0.45, 0.9, 0.58, vehicle.second_paint)

    cab_is_farther = math.sin(chassis.heading_rad) > 0
    for draw in (draw_cab, draw_load) if cab_is_farther else (draw_load, draw_cab):
        draw()
    chassis.wheels((length * 0.38, -length * 0.2, -length * 0.36), width / 2, 0.48)


def _forklift(chassis: Chassis, vehicle: Vehicle) -> None:
    _, width, height = LENGTH_WIDTH_HEIGHT_M["forklift"]
    dark: Colour = (44, 46, 50)

    def mast() -> None:
        for side in (-0.3, 0.3):
            chassis.rod((0.62, side, 0.1), (0.62, side, height), 0.12, dark)
            chassis.rod((0.7, side, 0.14), (1.6, side, 0.14), 0.13, (84, 86, 90))
        for up in (0.4, 1.1, height - 0.05):
            chassis.rod((0.62, -0.3, up), (0.62, 0.3, up), 0.08, dark)
        if vehicle.is_loaded:
            chassis.body(span(0.75, 1.75, 1.1), 0.18, 0.3, (150, 112, 66))
            chassis.body(span(0.8, 1.7, 1.0), 0.3, 1.05, (186, 148, 98))

    def hull() -> None:
        chassis.body(span(-1.4, 0.55, width), 0.15, 0.75, vehicle.paint)
        chassis.body(span(-1.4, -0.6, width * 0.95), 0.75, 1.1, vehicle.paint, span(-1.3, -0.6, width * 0.85))
        chassis.body(span(-0.55, -0.1, 0.5), 0.75, 1.25, (34, 34, 38))
        chassis.wheels((0.3, -1.0), width / 2, 0.28)
        for forward in (-1.0, 0.45):
            for side in (-0.5, 0.5):
                chassis.rod((forward, side, 0.75), (forward * 0.8, side * 0.9, height), 0.07, dark)
        chassis.body(span(-0.85, 0.4, width * 0.8), height, height + 0.08, dark)

    for draw in (mast, hull) if math.sin(chassis.heading_rad) > 0 else (hull, mast):
        draw()


def _bicycle(chassis: Chassis, vehicle: Vehicle) -> None:
    paint = vehicle.paint
    radius = 0.34
    for forward in (-0.52, 0.52):
        steps = [step * math.pi / 6 for step in range(13)]
        rim = [(forward + radius * math.cos(step), 0.0, radius + radius * math.sin(step)) for step in steps]
        for start, end in pairwise(rim):
            chassis.rod(start, end, 0.06, RUBBER)
    pedals, saddle, front = (-0.05, 0.0, 0.3), (-0.2, 0.0, 0.85), (0.42, 0.0, 0.8)
    for start, end in (
        (pedals, saddle),
        (pedals, front),
        (saddle, front),
        (saddle, (-0.52, 0.0, radius)),
        (pedals, (-0.52, 0.0, radius)),
        (front, (0.52, 0.0, radius)),
    ):
        chassis.rod(start, end, 0.06, paint)
    chassis.rod((0.4, -0.25, 1.0), (0.4, 0.25, 1.0), 0.05, (30, 30, 32))
    x, y = chassis.outline([(-0.22, 0.0)])[0]
    chassis.canvas.hull([Ball(x, y, 0.92, 0.08)], (30, 30, 32))
