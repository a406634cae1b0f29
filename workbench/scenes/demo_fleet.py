"""The demo site's own people and machines, none of which the base models have seen."""

import math
from dataclasses import dataclass
from typing import Final, Literal

from workbench.scenes.camera import Point
from workbench.scenes.canvas import Ball, Canvas, Colour, shade
from workbench.scenes.people import Person, draw_person
from workbench.scenes.vehicles import Chassis, span

LoadName = Literal["blue totes", "white tubs", "green crates"]
SuitColour = Literal["turquoise", "orange", "violet"]

LOADS: Final[dict[LoadName, Colour]] = {
    "blue totes": (36, 92, 206),
    "white tubs": (238, 240, 240),
    "green crates": (58, 160, 84),
}
SUITS: Final[dict[SuitColour, Colour]] = {
    "turquoise": (34, 190, 186),
    "orange": (240, 118, 34),
    "violet": (124, 70, 190),
}
TRUCK_PAINT: Final[Colour] = (122, 52, 172)
TUGGER_PAINT: Final[Colour] = (150, 210, 40)
STEEL: Final[Colour] = (150, 158, 166)
DARK: Final[Colour] = (34, 36, 42)


@dataclass(frozen=True)
class Picker:
    """A person in a hooded one-piece freezer suit; ``stride_s`` is the length of two steps."""

    suit: SuitColour
    carries_carton: bool
    height_m: float
    stride_s: float = 1.1
    extent_m: tuple[float, float, float] = (0.6, 0.6, 1.8)


@dataclass(frozen=True)
class ReachTruck:
    """A stand-up truck with straddle legs and a mast; it lifts ``load`` to ``lift_m`` while it stands."""

    load: LoadName
    lift_m: float
    extent_m: tuple[float, float, float] = (2.9, 1.3, 2.6)


@dataclass(frozen=True)
class Tugger:
    """A small tractor that pulls a train of trolleys."""

    trolleys: int
    load: LoadName

    @property
    def extent_m(self) -> tuple[float, float, float]:
        """Length, width and height of the whole train, whose middle is its position."""
        return (1.5 + self.trolleys * _TROLLEY_STEP_M, 1.0, 1.7)


@dataclass(frozen=True)
class RollCage:
    """A cage on castors, as high as a person, with some load in it."""

    load: LoadName
    extent_m: tuple[float, float, float] = (0.9, 0.8, 1.75)


Performer = Picker | ReachTruck | Tugger | RollCage

_TROLLEY_STEP_M: Final = 1.75


def draw_performer(
    canvas: Canvas, performer: Performer, ground_xy: Point, heading_rad: float, moving_s: float, lifted: float
) -> None:
    """Draw a performer; ``moving_s`` drives its steps, ``lifted`` (0 to 1) its forks."""
    if isinstance(performer, Picker):
        _picker(canvas, performer, ground_xy, heading_rad, moving_s)
    elif isinstance(performer, ReachTruck):
        _reach_truck(Chassis(canvas, ground_xy, heading_rad), performer, lifted)
    elif isinstance(performer, Tugger):
        _tugger(canvas, performer, ground_xy, heading_rad)
    else:
        draw_roll_cage(canvas, performer, ground_xy, heading_rad)


def _picker(canvas: Canvas, picker: Picker, ground_xy: Point, heading_rad: float, moving_s: float) -> None:
    paint = SUITS[picker.suit]
    swing = 0.36 * math.sin(moving_s / picker.stride_s * 2 * math.pi)
    person = Person(
        top_colour=picker.suit,
        garment="suit",
        hair_colour="hood",
        is_woman=False,
        has_vest=False,
        has_helmet=False,
        pose="carry" if picker.carries_carton else "walk",
        height_m=picker.height_m,
        top_paint=paint,
        trousers_paint=shade(paint, 0.86),
        skin_paint=(214, 170, 140),
        hair_paint=shade(paint, 0.94),
        vest_paint=paint,
        helmet_paint=paint,
        stride=swing,
    )
    draw_person(canvas, person, ground_xy, heading_rad)


def _crates(chassis: Chassis, load: LoadName, outline: list[Point], low_m: float, high_m: float) -> None:
    """Draw a block of crates in layers."""
    layers = max(1, round((high_m - low_m) / 0.32))
    step = (high_m - low_m) / layers
    for layer in range(layers):
        faces = chassis.body(outline, low_m + layer * step, low_m + (layer + 1) * step, LOADS[load])
        for side, corners in faces.items():
            if side >= 0:
                chassis.canvas.panel(corners, 0.0, 0.88, 1.0, 1.0, shade(LOADS[load], 0.6))
                chassis.canvas.panel(corners, 0.48, 0.0, 0.52, 1.0, shade(LOADS[load], 0.7))


def _reach_truck(chassis: Chassis, truck: ReachTruck, lifted: float) -> None:
    forks_m = 0.15 + truck.lift_m * lifted

    def mast() -> None:
        for side in (-0.5, 0.5):
            chassis.body([(x, y + side) for x, y in span(-0.2, 1.35, 0.2)], 0.05, 0.3, DARK)
        for side in (-0.32, 0.32):
            chassis.rod((0.05, side, 0.1), (0.05, side, 2.6 + truck.lift_m * 0.4 * lifted), 0.14, (236, 238, 240))
        for up in (0.5, 1.3, 2.1, 2.55):
            chassis.rod((0.05, -0.32, up), (0.05, 0.32, up), 0.08, STEEL)
        for side in (-0.25, 0.25):
            chassis.rod((0.1, side, forks_m), (1.2, side, forks_m), 0.1, DARK)
        _crates(chassis, truck.load, span(0.2, 1.25, 1.0), forks_m + 0.05, forks_m + 1.0)

    def hull() -> None:
        faces = chassis.body(span(-1.45, -0.2, 1.3), 0.08, 1.2, TRUCK_PAINT)
        for side, corners in faces.items():
            if side >= 0:
                chassis.canvas.panel(corners, 0.0, 0.55, 1.0, 0.75, (240, 240, 244))
        x, y = chassis.outline([(-0.7, 0.0)])[0]
        chassis.canvas.hull([Ball(x, y, 1.25, 0.2), Ball(x, y, 1.6, 0.18)], SUITS["orange"])
        chassis.canvas.hull([Ball(x, y, 1.85, 0.12)], shade(SUITS["orange"], 0.85))
        for post in (-1.35, -0.3):
            for edge in (-0.58, 0.58):
                chassis.rod((post, edge, 1.2), (post, edge, 2.2), 0.08, TRUCK_PAINT)
        for bar in (-1.3, -0.95, -0.6, -0.3):
            chassis.rod((bar, -0.6, 2.22), (bar, 0.6, 2.22), 0.09, shade(TRUCK_PAINT, 0.8))

    for draw in (mast, hull) if math.sin(chassis.heading_rad) > 0.1 else (hull, mast):
        draw()


def _tugger(canvas: Canvas, tugger: Tugger, ground_xy: Point, heading_rad: float) -> None:
    front = tugger.extent_m[0] / 2 - 0.75

    def middle(forward: float) -> Point:
        return ground_xy[0] + math.cos(heading_rad) * forward, ground_xy[1] + math.sin(heading_rad) * forward

    cars: list[tuple[Point, bool]] = [(middle(front), True)]
    cars += [(middle(front - 0.1 - _TROLLEY_STEP_M * (number + 1)), False) for number in range(tugger.trolleys)]
    for place_xy, is_tractor in sorted(cars, key=lambda car: -math.hypot(*car[0])):
        chassis = Chassis(canvas, place_xy, heading_rad)
        if is_tractor:
            _tractor(chassis)
        else:
            chassis.rod((0.7, 0.0, 0.3), (1.2, 0.0, 0.3), 0.08, DARK)
            chassis.body(span(-0.65, 0.65, 0.9), 0.2, 0.32, STEEL)
            chassis.wheels((-0.45, 0.45), 0.45, 0.14)
            _crates(chassis, tugger.load, span(-0.55, 0.55, 0.8), 0.32, 0.95)


def _tractor(chassis: Chassis) -> None:
    faces = chassis.body(span(-0.75, 0.75, 0.95), 0.12, 0.6, TUGGER_PAINT)
    if 1 in faces:
        chassis.canvas.panel(faces[1], 0.1, 0.4, 0.9, 0.7, DARK)
    chassis.wheels((-0.45, 0.45), 0.48, 0.2)
    chassis.body(span(0.3, 0.7, 0.85), 0.6, 1.15, TUGGER_PAINT)
    x, y = chassis.outline([(-0.15, 0.0)])[0]
    chassis.canvas.hull([Ball(x, y, 0.7, 0.2), Ball(x, y, 1.3, 0.19)], SUITS["turquoise"])
    chassis.canvas.hull([Ball(x, y, 1.6, 0.12)], shade(SUITS["turquoise"], 0.85))


def draw_roll_cage(canvas: Canvas, cage: RollCage, ground_xy: Point, heading_rad: float) -> None:
    """Draw a roll cage with its bars in front of and behind the load."""
    chassis = Chassis(canvas, ground_xy, heading_rad)
    chassis.body(span(-0.42, 0.42, 0.74), 0.12, 0.2, DARK)
    _crates(chassis, cage.load, span(-0.36, 0.36, 0.64), 0.2, 1.3)
    for left in (-0.37, 0.37):
        for bar in (-0.42, -0.14, 0.14, 0.42):
            chassis.rod((bar, left, 0.2), (bar, left, 1.72), 0.045, STEEL)
        for up in (0.7, 1.2, 1.7):
            chassis.rod((-0.42, left, up), (0.42, left, up), 0.045, STEEL)
