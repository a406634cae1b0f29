"""People: jointed figures of a few hulls, seen rightly from any height and side."""

import math
from dataclasses import dataclass
from random import Random
from typing import Literal

from workbench.scenes.camera import Point
from workbench.scenes.canvas import Ball, Canvas, Colour, mix, place, shade
from workbench.scenes.palette import CLOTHES, HAIR, HELMETS, SKIN, TROUSERS, VESTS, jitter

Pose = Literal["stand", "walk", "reach", "carry"]


@dataclass(frozen=True)
class Person:
    """Who is seen: the words (colour names) and the paint of each part."""

    top_colour: str
    garment: str
    hair_colour: str
    is_woman: bool
    has_vest: bool
    has_helmet: bool
    pose: Pose
    height_m: float
    top_paint: Colour
    trousers_paint: Colour
    skin_paint: Colour
    hair_paint: Colour
    vest_paint: Colour
    helmet_paint: Colour
    stride: float


GARMENTS = ("jacket", "cardigan", "coat", "T-shirt", "shirt", "sweater")


def invent_person(rng: Random, pose: Pose, *, at_work: bool) -> Person:
    """Draw a person's looks; ``at_work`` makes vests and helmets likely."""
    is_woman = rng.random() < 0.5
    top_colour = rng.choice(tuple(CLOTHES))
    hair_colour = rng.choice(tuple(HAIR))
    return Person(
        top_colour=top_colour,
        garment=rng.choice(GARMENTS),
        hair_colour=hair_colour,
        is_woman=is_woman,
        has_vest=rng.random() < (0.5 if at_work else 0.05),
        has_helmet=rng.random() < (0.5 if at_work else 0.03),
        pose=pose,
        height_m=rng.uniform(1.58, 1.72) if is_woman else rng.uniform(1.7, 1.92),
        top_paint=jitter(rng, CLOTHES[top_colour]),
        trousers_paint=jitter(rng, rng.choice(TROUSERS)),
        skin_paint=jitter(rng, rng.choice(SKIN)),
        hair_paint=jitter(rng, HAIR[hair_colour]),
        vest_paint=rng.choice(VESTS),
        helmet_paint=rng.choice(HELMETS),
        stride=rng.uniform(0.26, 0.42) * rng.choice((-1, 1)),
    )


def draw_person(canvas: Canvas, person: Person, ground_xy: Point, heading_rad: float) -> None:
    """Draw ``person`` standing at ``ground_xy`` (metres), facing ``heading_rad`` (0 is to the right of the view)."""
    figure = _Figure(person, ground_xy, heading_rad)
    parts = figure.legs() + figure.arms() + figure.torso() + figure.head()
    camera = canvas.camera
    cos, sin = math.cos(camera.tilt_rad), math.sin(camera.tilt_rad)

    def distance(part: tuple[list[Ball], Colour, float]) -> float:
        balls, _, nearer = part
        return sum(ball.y * cos - ball.z * sin for ball in balls) / len(balls) - nearer

    for balls, colour, _ in sorted(parts, key=distance, reverse=True):
        canvas.hull(balls, colour)


_Part = tuple[list[Ball], Colour, float]


class _Figure:
    """Turns one person into hulls; local coordinates are forward, left and up as parts of a 1.75 m body."""

    def __init__(self, person: Person, ground_xy: Point, heading_rad: float) -> None:
        self.person = person
        self.ground_xy = ground_xy
        self.heading_rad = heading_rad
        self.size = person.height_m / 1.75

    def ball(self, forward: float, left: float, up: float, radius: float) -> Ball:
        x, y = place([(forward * self.size, left * self.size)], *self.ground_xy, self.heading_rad)[0]
        return Ball(x, y, up * self.size, radius * self.size)

    def legs(self) -> list[_Part]:
        person, parts = self.person, list[_Part]()
        swing = person.stride if person.pose == "walk" else 0.03
        for side, ahead in ((0.1, swing), (-0.1, -swing)):
            hip = self.ball(0, side, 0.88, 0.11)
            knee = self.ball(ahead * 0.6 + 0.04, side, 0.5, 0.085)
            ankle = self.ball(ahead, side, 0.1 + max(0.0, -ahead) * 0.15, 0.06)
            toe = self.ball(ahead + 0.16, side, 0.05, 0.05)
            paint = shade(person.trousers_paint, 1.0 if ahead > 0 else 0.82)
            parts += [([hip, knee], paint, 0.0), ([knee, ankle], paint, 0.0), ([ankle, toe], (26, 24, 24), 0.0)]
        return parts

    def arms(self) -> list[_Part]:
        person, parts = self.person, list[_Part]()
        sleeve = shade(person.top_paint, 0.84)
        short = person.garment == "T-shirt"
        for side, swing in ((0.23, -person.stride), (-0.23, person.stride)):
            shoulder = self.ball(0, side, 1.4, 0.075)
            elbow, hand = self._arm(side, swing)
            upper = [shoulder, elbow]
            lower = [elbow._replace(radius=0.05), hand]
            parts += [(upper, sleeve, 0.0), (lower, person.skin_paint if short else sleeve, 0.0)]
            parts.append(([hand._replace(radius=0.055)], person.skin_paint, 0.02))
        if person.pose == "carry":
            corners = [self.ball(f, s, u, 0.02) for f in (0.28, 0.6) for s in (-0.22, 0.22) for u in (1.0, 1.3)]
            parts.append((corners, (176, 134, 86), 0.0))
        return parts

    def _arm(self, side: float, swing: float) -> tuple[Ball, Ball]:
        if self.person.pose == "walk":
            return self.ball(swing * 0.5 - 0.04, side * 1.15, 1.13, 0.06), self.ball(swing, side * 1.1, 0.9, 0.045)
        if self.person.pose in ("reach", "carry"):
            return self.ball(0.08, side * 1.25, 1.15, 0.06), self.ball(0.36, side * 0.6, 1.12, 0.045)
        return self.ball(-0.03, side * 1.15, 1.13, 0.06), self.ball(0.05, side * 1.1, 0.88, 0.045)

    def torso(self) -> list[_Part]:
        person = self.person
        hem = {"coat": 0.55, "cardigan": 0.62}.get(person.garment, 0.88)
        shoulders = [self.ball(0, side, 1.4, 0.085) for side in (0.17, -0.17)]
        hips = [self.ball(0, side, max(hem, 0.88), 0.11) for side in (0.1, -0.1)]
        skirt = [self.ball(0, side, hem, 0.1) for side in (0.16, -0.16)]
        parts: list[_Part] = [(shoulders + hips + (skirt if hem < 0.88 else []), person.top_paint, 0.04)]
        seam = [self.ball(-0.02, -0.14, 1.36, 0.05), self.ball(0, -0.1, hem + 0.04, 0.06)]
        parts.append((seam, shade(person.top_paint, 0.86), 0.05))
        if person.has_vest:
            vest = [ball._replace(radius=ball.radius * 1.1) for ball in shoulders] + hips
            band = [self.ball(0, side, 1.08, 0.1) for side in (0.13, -0.13)]
            parts.append((vest, person.vest_paint, 0.08))
            parts.append((band, mix(person.vest_paint, (236, 238, 230), 0.8), 0.1))
        return parts

    def head(self) -> list[_Part]:
        person = self.person
        parts: list[_Part] = [([self.ball(0.01, 0, 1.48, 0.055)], shade(person.skin_paint, 0.85), 0.05)]
        parts.append(([self.ball(0.03, 0, 1.61, 0.1), self.ball(0.04, 0, 1.56, 0.075)], person.skin_paint, 0.12))
        crown = [self.ball(-0.03, 0, 1.66, 0.105)]
        if person.is_woman:
            crown += [self.ball(-0.07, side, 1.36, 0.07) for side in (0.06, -0.06)]
        parts.append((crown, person.hair_paint, 0.12 if person.is_woman else 0.125))
        if person.has_helmet:
            parts.append(([self.ball(0, 0, 1.7, 0.125)], person.helmet_paint, 0.2))
            brim = [self.ball(f, s, 1.66, 0.03) for f, s in ((0.15, 0), (-0.1, 0), (0, 0.12), (0, -0.12))]
            parts.append((brim, shade(person.helmet_paint, 0.85), 0.18))
        return parts
