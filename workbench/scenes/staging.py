"""Decides what a scene shows: place, camera, weather and actors; this is the truth that is told of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal, cast

from workbench.scenes.actors import (
    HEADINGS_RAD,
    MOTOR_VEHICLES,
    Actor,
    ActorKind,
    Direction,
    bounds_on_image,
    choose_heading,
    cut_by,
    overlap_part,
    visible_part,
)
from workbench.scenes.backdrop import Surroundings
from workbench.scenes.camera import Camera, Point
from workbench.scenes.people import Person, Pose, invent_person
from workbench.scenes.places import INDOOR_KINDS, PLACE_KINDS, PlaceKind, build_surroundings
from workbench.scenes.vehicles import LENGTH_WIDTH_HEIGHT_M, Vehicle, VehicleKind, invent_vehicle
from workbench.scenes.weather import Conditions, choose_conditions

_CASTS: Final[dict[PlaceKind, tuple[tuple[ActorKind, float], ...]]] = {
    "yard": (("person", 4), ("truck", 2), ("forklift", 3), ("car", 1), ("van", 1), ("pallet", 2), ("boxes", 1)),
    "dock": (("person", 4), ("truck", 2), ("forklift", 3), ("pallet", 3), ("boxes", 2)),
    "aisle": (("person", 6), ("forklift", 1), ("pallet", 1.5), ("boxes", 1.5)),
    "gate": (("person", 3), ("car", 4), ("van", 2), ("truck", 2), ("bicycle", 1.5)),
    "car park": (("car", 7), ("person", 3), ("van", 1.5), ("bicycle", 1.5)),
    "corridor": (("person", 8), ("boxes", 1), ("pallet", 0.4)),
    "room": (("person", 8), ("boxes", 0.5)),
}


_MARGINS_M: Final[dict[ActorKind, float]] = {"person": 0.3, "pallet": 0.6, "boxes": 0.6}
_POSES: Final[tuple[Pose, ...]] = ("stand", "walk", "walk", "carry")


@dataclass(frozen=True)
class Staging:
    """All that is true of a scene before it is drawn."""

    kind: PlaceKind
    camera: Camera
    surroundings: Surroundings
    conditions: Conditions
    actors: tuple[Actor, ...]
    table_xy: Point | None
    table_is_round: bool
    spill_xy: Point | None
    smoke_xy: Point | None


def stage_scene(rng: Random, size_wh: tuple[int, int]) -> Staging:
    """Draw everything about a scene except its pixels."""
    kind = rng.choices(PLACE_KINDS, (3, 3, 3, 3, 4, 2, 4))[0]
    conditions = choose_conditions(rng, indoors=kind in INDOOR_KINDS)
    camera, look_m = _set_up_camera(kind, size_wh, rng)
    surroundings = build_surroundings(kind, rng, look_m)
    table_xy = _find_table(camera, surroundings, rng) if kind == "room" and rng.random() < 0.75 else None
    casting = _Casting(kind, camera, surroundings, conditions, table_xy, rng)
    spill_xy = smoke_xy = None
    hazard = rng.random()
    if hazard < 0.06:
        spill_xy = casting.free_spot((0.15, 0.85), (0.5, 0.92))
    elif hazard < 0.11:
        smoke_xy = casting.free_spot((0.2, 0.8), (0.5, 0.85))
    actors = casting.fill(_how_many(rng, hazard < 0.11))
    is_round = rng.random() < 0.6
    return Staging(kind, camera, surroundings, conditions, actors, table_xy, is_round, spill_xy, smoke_xy)


def _how_many(rng: Random, has_hazard: bool) -> int:
    if has_hazard:
        return rng.choice((0, 0, 1))
    return rng.choices((0, 1, 2, 3, 4), (18, 38, 23, 13, 8))[0]


def _set_up_camera(kind: PlaceKind, size_wh: tuple[int, int], rng: Random) -> tuple[Camera, float]:
    """Aim a camera so that the things of this kind of place come out at a size worth watching."""
    if kind in INDOOR_KINDS:
        height, tilt = rng.uniform(2.2, 3.6), math.radians(rng.choice((rng.uniform(10, 35), rng.uniform(30, 65))))
        object_m, part = 1.7 * max(0.5, math.cos(tilt)), rng.uniform(0.25, 0.85)
    else:
        height, tilt = rng.uniform(3.5, 9.0), math.radians(rng.choice((rng.uniform(12, 40), rng.uniform(35, 78))))
        object_m, part = (4.0, rng.uniform(0.25, 0.75)) if kind == "car park" else (2.4, rng.uniform(0.15, 0.5))
    distance = height / math.sin(tilt)
    focal = part * size_wh[1] * distance / object_m
    focal = min(max(focal, 0.45 * size_wh[0]), 3.0 * size_wh[0])
    return Camera(size_wh, height, tilt, focal), height / math.tan(tilt)


def _find_table(camera: Camera, surroundings: Surroundings, rng: Random) -> Point | None:
    width, height = camera.size_wh
    for _ in range(6):
        spot = camera.ground_at(rng.uniform(0.2, 0.8) * width, rng.uniform(0.45, 0.85) * height)
        if spot and spot[1] < surroundings.depth_m - 0.5:
            return spot
    return None


class _Casting:
    """Finds places for actors such that each can be told apart and counted."""

    def __init__(
        self,
        kind: PlaceKind,
        camera: Camera,
        surroundings: Surroundings,
        conditions: Conditions,
        table_xy: Point | None,
        rng: Random,
    ) -> None:
        self.kind = kind
        self.camera = camera
        self.surroundings = surroundings
        self.conditions = conditions
        self.table_xy = table_xy
        self.rng = rng
        self.actors: list[Actor] = []

    def fill(self, wanted: int) -> tuple[Actor, ...]:
        """Return up to ``wanted`` actors, the farthest first."""
        kinds, weights = zip(*_CASTS[self.kind], strict=True)
        favourite: ActorKind = self.rng.choices(kinds, weights)[0]
        for number in range(wanted):
            same = number == 0 or self.rng.random() < 0.65
            kind = favourite if same else self.rng.choices(kinds, weights)[0]
            for _ in range(14):
                actor = self._try(kind)
                if actor is not None:
                    self.actors.append(actor)
                    break
        return tuple(sorted(self.actors, key=lambda actor: -math.hypot(*actor.ground_xy)))

    def free_spot(self, across: tuple[float, float], down: tuple[float, float]) -> Point | None:
        """Return a point of the floor within these parts of the image."""
        width, height = self.camera.size_wh
        for _ in range(8):
            spot = self.camera.ground_at(self.rng.uniform(*across) * width, self.rng.uniform(*down) * height)
            if spot and self._is_inside(spot, 0.4):
                return spot
        return None

    def _is_inside(self, spot: Point, margin_m: float) -> bool:
        half = self.surroundings.half_width_m or 60.0
        return abs(spot[0]) < half - margin_m and spot[1] < self.surroundings.depth_m - margin_m

    def _try(self, kind: ActorKind) -> Actor | None:
        rng = self.rng
        direction, heading = choose_heading(rng)
        if self.kind in ("gate", "car park", "aisle") and kind in MOTOR_VEHICLES and rng.random() < 0.6:
            direction, heading = rng.choice((("away", math.pi / 2), ("towards", -math.pi / 2)))
            heading += rng.uniform(-0.15, 0.15)
        at_table = kind == "person" and self.table_xy is not None and rng.random() < 0.45
        spot = self._beside_table(direction) if at_table else self._anywhere(kind)
        margin = _MARGINS_M.get(kind) or LENGTH_WIDTH_HEIGHT_M[cast(VehicleKind, kind)][1] / 2
        if spot is None or not self._is_inside(spot, margin):
            return None
        walks_along = kind == "person" and self.table_xy is not None and not at_table and rng.random() < 0.7
        if walks_along:
            direction, heading = self._along_table(spot)
        looks = self._dress(kind, ("walk",) if walks_along else ("stand", "reach") if at_table else _POSES)
        tall = looks.height_m if isinstance(looks, Person) else 1.75
        bounds = bounds_on_image(self.camera, kind, spot, heading, tall)
        size_wh = self.camera.size_wh
        actor = Actor(kind, looks, spot, heading, direction, bounds, visible_part(bounds, size_wh), at_table)
        if not self._fits(actor):
            return None
        passage, side = cut_by(bounds, direction, size_wh) if self._moves(actor) else ("", "left")
        return replace(actor, passage=passage, side=side, to_table=self._relation_to_table(actor))

    def _along_table(self, spot: Point) -> tuple[Direction, float]:
        """Return a heading straight to the table or straight away from it."""
        x, y = self.table_xy or (0.0, 0.0)
        heading = math.atan2(y - spot[1], x - spot[0]) + self.rng.choice((0.0, math.pi))
        return max(HEADINGS_RAD, key=lambda name: math.cos(HEADINGS_RAD[name] - heading)), heading

    def _moves(self, actor: Actor) -> bool:
        if isinstance(actor.looks, Person):
            return actor.looks.pose == "walk"
        return actor.kind in MOTOR_VEHICLES and self.kind in ("gate", "car park", "yard", "dock", "aisle")

    def _relation_to_table(self, actor: Actor) -> Literal["towards", "away", ""]:
        if self.table_xy is None or actor.at_table or not self._moves(actor):
            return ""
        dx, dy = self.table_xy[0] - actor.ground_xy[0], self.table_xy[1] - actor.ground_xy[1]
        turn = math.cos(math.atan2(dy, dx) - actor.heading_rad)
        return "towards" if turn > 0.6 else "away" if turn < -0.3 else ""

    def _beside_table(self, direction: str) -> Point | None:
        if self.table_xy is None:
            return None
        x, y = self.table_xy
        gap = self.rng.uniform(0.5, 0.75)
        dx, dy = {"away": (0, -1), "towards": (0, 1), "left": (1, -0.2), "right": (-1, -0.2)}[direction]
        return x + dx * gap + self.rng.uniform(-0.15, 0.15), y + dy * gap

    def _anywhere(self, kind: ActorKind) -> Point | None:
        width, height = self.camera.size_wh
        low = 1.35 if kind == "person" and self.rng.random() < 0.35 else 1.05
        u, v = self.rng.uniform(0.02, 0.98) * width, self.rng.uniform(0.15, low) * height
        return self.camera.ground_at(u, v)

    def _dress(self, kind: ActorKind, poses: Sequence[Pose]) -> Person | Vehicle | None:
        rng = self.rng
        if kind == "person":
            return invent_person(rng, rng.choice(poses), at_work=self.kind in ("yard", "dock", "gate"))
        if kind == "pallet" or kind == "boxes":
            return None
        return invent_vehicle(rng, kind, lights_on=self.conditions.lights_on)

    def _fits(self, actor: Actor) -> bool:
        left, top, right, bottom = actor.bounds_xyxy
        width, height = self.camera.size_wh
        tall, wide = (bottom - top) / height, (right - left) / width
        smallest = 0.13 if actor.kind in ("person", "bicycle") else 0.08
        if max(tall, wide) < smallest or tall > 1.4 or wide > 0.9:
            return False
        if isinstance(actor.looks, Vehicle) and self._looms(actor.looks.kind):
            return False
        if actor.kind == "person" and top < -0.06 * (bottom - top):
            return False
        if actor.visible < (0.45 if self._moves(actor) else 0.7):
            return False
        if self.table_xy and not actor.at_table and math.dist(actor.ground_xy, self.table_xy) < 1.15:
            return False
        return all(overlap_part(actor.bounds_xyxy, other.bounds_xyxy) < 0.3 for other in self.actors)

    def _looms(self, kind: VehicleKind) -> bool:
        """Tell whether the camera hangs too low to look over a vehicle of this kind."""
        return kind in MOTOR_VEHICLES and self.camera.height_m < 1.35 * LENGTH_WIDTH_HEIGHT_M[kind][2]
