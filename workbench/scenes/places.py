"""The kinds of place: what their shell looks like, and what stands in them before anybody comes."""

import math
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Literal

from workbench.scenes.backdrop import Surface, Surroundings
from workbench.scenes.canvas import Canvas, Colour, box, place, shade
from workbench.scenes.palette import jitter
from workbench.scenes.things import draw_chair, draw_cone, draw_container, draw_plant, draw_post, draw_rack

PlaceKind = Literal["yard", "dock", "aisle", "gate", "car park", "corridor", "room"]
PLACE_KINDS: tuple[PlaceKind, ...] = ("yard", "dock", "aisle", "gate", "car park", "corridor", "room")
INDOOR_KINDS: frozenset[PlaceKind] = frozenset(("aisle", "corridor", "room"))

_GROUND: dict[str, tuple[tuple[Colour, Colour], ...]] = {
    "asphalt": (((40, 40, 42), (120, 120, 120)), ((64, 64, 68), (150, 150, 152)), ((30, 32, 36), (84, 86, 92))),
    "concrete": (((96, 94, 90), (196, 192, 184)), ((70, 72, 74), (160, 160, 160))),
    "gravel": (((70, 64, 56), (190, 180, 164)), ((60, 60, 58), (160, 160, 156))),
    "planks": (((70, 34, 12), (206, 128, 62)), ((90, 64, 40), (206, 172, 128)), ((48, 34, 28), (120, 88, 66))),
    "tiles": (((120, 118, 112), (232, 228, 220)), ((60, 62, 66), (170, 172, 174)), ((130, 106, 84), (206, 182, 152))),
    "checker": (((60, 60, 62), (220, 218, 212)),),
    "carpet": (((40, 46, 70), (104, 112, 140)), ((90, 84, 78), (168, 160, 150)), ((84, 36, 36), (150, 84, 78))),
}
_WALLS: tuple[tuple[str, Colour, Colour], ...] = (
    ("plaster", (150, 150, 156), (246, 246, 250)),
    ("plaster", (150, 140, 120), (236, 226, 204)),
    ("plaster", (96, 116, 132), (176, 198, 212)),
    ("plaster", (84, 80, 84), (150, 146, 150)),
    ("brick", (84, 44, 34), (186, 116, 92)),
    ("panels", (120, 122, 126), (226, 226, 226)),
    ("corrugated", (90, 94, 98), (190, 194, 198)),
    ("corrugated", (40, 60, 90), (110, 140, 176)),
    ("concrete", (100, 100, 98), (190, 188, 182)),
)


def build_surroundings(kind: PlaceKind, rng: Random, look_m: float) -> Surroundings:
    """Draw the shell of a place of this kind whose middle of view lies ``look_m`` from the camera on the ground."""
    materials = {
        "yard": ("asphalt", "concrete", "gravel"),
        "dock": ("concrete", "asphalt"),
        "aisle": ("tiles", "concrete", "checker", "planks"),
        "gate": ("asphalt", "concrete", "gravel"),
        "car park": ("asphalt", "asphalt", "concrete"),
        "corridor": ("tiles", "carpet", "concrete", "checker"),
        "room": ("planks", "planks", "carpet", "tiles", "concrete"),
    }
    indoors = kind in INDOOR_KINDS
    depth = look_m * {"room": rng.uniform(1.05, 1.5), "dock": rng.uniform(1.1, 1.7)}.get(kind, rng.uniform(1.6, 4.0))
    half_width = {"aisle": rng.uniform(1.2, 2.6), "corridor": rng.uniform(1.0, 1.9), "room": max(2.5, look_m * 0.7)}
    wall_material, dark, bright = rng.choice(_WALLS if indoors or kind == "dock" else _WALLS[4:])
    wall = Surface(wall_material, jitter(rng, dark, 20), jitter(rng, bright, 12), rng.uniform(4, 7))
    if not indoors and kind != "dock" and rng.random() < 0.4:
        wall = Surface("foliage", jitter(rng, (18, 30, 14)), jitter(rng, (96, 124, 70), 20), rng.uniform(4, 9))
    sky = Surface("clouds", jitter(rng, (150, 170, 196), 20), jitter(rng, (226, 232, 238)), 60.0)
    if indoors:
        sky = Surface("panels", jitter(rng, (150, 150, 150)), jitter(rng, (232, 232, 228)), 5.0)
    material = rng.choice(materials[kind])
    floor_dark, floor_bright = rng.choice(_GROUND[material])
    turned = rng.choice((0.0, math.pi / 2, rng.uniform(0, math.pi)))
    floor = Surface(material, jitter(rng, floor_dark), jitter(rng, floor_bright, 18), rng.uniform(4, 8), turned)
    height = rng.uniform(2.8, 4.5) if indoors else rng.uniform(2.0, 7.0)
    return Surroundings(floor, wall, sky, depth, height, half_width.get(kind))


Fitter = Callable[[Canvas, Surroundings, Random], None]


def furnish(kind: PlaceKind, canvas: Canvas, surroundings: Surroundings, rng: Random) -> None:
    """Draw what belongs to the place itself: markings, doors, windows, racks, a barrier, clutter."""
    _FITTERS[kind](canvas, surroundings, rng)


def _stripe(canvas: Canvas, x: float, y: float, length_m: float, width_m: float, turn: float, colour: Colour) -> None:
    canvas.ground(place(box(length_m, width_m), x, y, turn), colour)


def _on_back_wall(
    canvas: Canvas, depth_m: float, left: float, low: float, right: float, high: float, c: Colour
) -> None:
    y = depth_m - 0.01
    canvas.surface([(left, y, low), (right, y, low), (right, y, high), (left, y, high)], c)


def _window(canvas: Canvas, surroundings: Surroundings, rng: Random) -> None:
    middle, width = rng.uniform(-0.6, 0.6) * surroundings.depth_m, rng.uniform(0.8, 2.4)
    low, high = rng.uniform(0.8, 1.4), rng.uniform(1.9, 2.9)
    frame = rng.choice(((40, 38, 38), (230, 230, 228), (110, 80, 56)))
    pane = rng.choice(((36, 42, 50), (176, 200, 220), (90, 104, 112), (220, 228, 232)))
    depth = surroundings.depth_m
    _on_back_wall(canvas, depth, middle - width / 2, low, middle + width / 2, high, frame)
    _on_back_wall(canvas, depth, middle - width / 2 + 0.08, low + 0.08, middle + width / 2 - 0.08, high - 0.08, pane)


def _door(canvas: Canvas, surroundings: Surroundings, rng: Random) -> None:
    middle = rng.uniform(-0.5, 0.5) * surroundings.depth_m
    colour = jitter(rng, rng.choice(((120, 84, 56), (92, 104, 116), (220, 220, 216), (56, 58, 62))))
    _on_back_wall(canvas, surroundings.depth_m, middle - 0.52, 0, middle + 0.52, 2.12, shade(colour, 0.6))
    _on_back_wall(canvas, surroundings.depth_m, middle - 0.45, 0, middle + 0.45, 2.05, colour)


def _room(canvas: Canvas, surroundings: Surroundings, rng: Random) -> None:
    depth, half = surroundings.depth_m, surroundings.half_width_m or 3.0
    skirting = rng.choice(((96, 40, 24), (230, 230, 226), (70, 70, 72)))
    _on_back_wall(canvas, depth, -half, 0, half, 0.12, skirting)
    for fitter, chance in ((_window, 0.6), (_window, 0.3), (_door, 0.4)):
        if rng.random() < chance:
            fitter(canvas, surroundings, rng)
    if rng.random() < 0.35:
        x = rng.uniform(-0.5, 0.5) * half
        tone = jitter(rng, (150, 150, 148), 25)
        canvas.solid(place(box(0.45, 0.45), x, depth - 0.3, 0), 0, surroundings.wall_height_m, tone)
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        x, y = rng.uniform(-0.9, 0.9) * half, rng.uniform(0.75, 0.95) * depth
        rng.choice((draw_chair, draw_chair, draw_plant))(canvas, rng, x, y)


def _corridor(canvas: Canvas, surroundings: Surroundings, rng: Random) -> None:
    half = surroundings.half_width_m or 1.5
    colour = jitter(rng, rng.choice(((120, 84, 56), (92, 104, 116), (220, 220, 216), (60, 84, 70))))
    for side in (-half, half):
        along = rng.uniform(1.0, 3.0)
        while along < surroundings.depth_m - 1:
            inner = side * 0.995
            canvas.surface(
                [(inner, along, 0), (inner, along + 0.9, 0), (inner, along + 0.9, 2.05), (inner, along, 2.05)], colour
            )
            along += rng.uniform(2.0, 5.0)
    if rng.random() < 0.5:
        _door(canvas, surroundings, rng)


def _aisle(canvas: Canvas, surroundings: Surroundings, rng: Random) -> None:
    half = surroundings.half_width_m or 1.8
    start, length = rng.uniform(0.2, 1.5), surroundings.depth_m
    if rng.random() < 0.85:
        draw_rack(canvas, rng, -half * 0.97, start, length - start, is_left=True)
    if rng.random() < 0.85:
        draw_rack(canvas, rng, half * 0.97, start, length - start, is_left=False)
    if rng.random() < 0.3:
        for side in (-1, 1):
            _stripe(canvas, side * half * 0.8, length / 2, length, 0.08, math.pi / 2, (220, 190, 50))


def _dock(canvas: Canvas, surroundings: Surroundings, rng: Random) -> None:
    width, gap = rng.uniform(2.6, 3.4), rng.uniform(0.8, 2.0)
    tone = jitter(rng, rng.choice(((206, 206, 200), (70, 96, 130), (150, 152, 154), (60, 62, 64))))
    x = -surroundings.depth_m - rng.uniform(0, 3)
    while x < surroundings.depth_m:
        _on_back_wall(canvas, surroundings.depth_m, x - 0.3, 0, x + width + 0.3, 3.5, (34, 34, 36))
        _on_back_wall(canvas, surroundings.depth_m, x, 0, x + width, 3.2, tone)
        for slat in range(1, 8):
            _on_back_wall(canvas, surroundings.depth_m, x, slat * 0.4, x + width, slat * 0.4 + 0.05, shade(tone, 0.75))
        if rng.random() < 0.5:
            for side in (-0.15, width + 0.15):
                _stripe(canvas, x + side, surroundings.depth_m - 3, 6, 0.14, math.pi / 2, (224, 196, 44))
        x += width + gap


def _yard(canvas: Canvas, surroundings: Surroundings, rng: Random) -> None:
    depth = surroundings.depth_m
    for _ in range(rng.choice((0, 1, 2, 3))):
        x = rng.choice((-1, 1)) * rng.uniform(0.35, 0.9) * depth
        draw_container(canvas, rng, x, rng.uniform(0.75, 1.0) * depth)
    if rng.random() < 0.4:
        for _ in range(rng.randint(1, 3)):
            turn = rng.uniform(0, math.pi)
            _stripe(
                canvas, rng.uniform(-0.5, 0.5) * depth, rng.uniform(0.2, 0.9) * depth, 40, 0.15, turn, (214, 210, 196)
            )
    _strew(canvas, surroundings, rng)


def _strew(canvas: Canvas, surroundings: Surroundings, rng: Random) -> None:
    for _ in range(rng.choice((0, 0, 1, 2))):
        x, y = rng.uniform(-0.6, 0.6) * surroundings.depth_m, rng.uniform(0.6, 0.95) * surroundings.depth_m
        rng.choice((draw_post, draw_cone, draw_post))(canvas, rng, x, y)


def _gate(canvas: Canvas, surroundings: Surroundings, rng: Random) -> None:
    depth, turn = surroundings.depth_m, math.pi / 2
    half = rng.uniform(2.4, 3.6)
    for side in (-half, half):
        _stripe(canvas, side, depth / 2, depth, 0.15, turn, (220, 220, 214))
    along = 0.5
    while along < depth:
        _stripe(canvas, 0, along, 1.5, 0.12, turn, (220, 220, 214))
        along += 3.5
    fence_y = depth * rng.uniform(0.75, 0.95)
    tone = jitter(rng, (130, 134, 138), 30)
    for side in (-1, 1):
        for post in range(12):
            x = side * (half + 0.5 + post * 1.2)
            canvas.rod((x, fence_y, 0), (x, fence_y, 1.9), 0.06, tone)
        for z in (0.4, 1.1, 1.85):
            canvas.rod((side * (half + 0.5), fence_y, z), (side * (half + 14), fence_y, z), 0.05, tone)
    booth = jitter(rng, rng.choice(((224, 222, 214), (80, 110, 140), (170, 90, 60))))
    sides = canvas.solid(place(box(1.8, 1.8), half + 1.8, fence_y - 1.2, 0), 0, 2.5, booth)
    for side, corners in sides.items():
        if side >= 0:
            canvas.panel(corners, 0.15, 0.45, 0.85, 0.85, (44, 54, 62))
    rise = rng.choice((0.0, 0.0, 1.0))
    steps = [(half + 0.4 - step * (2 * half) / 8, 1.0 + step * rise * 0.6) for step in range(9)]
    for step, (start, end) in enumerate(pairwise(steps)):
        first, last = (start[0], fence_y, start[1]), (end[0], fence_y, end[1])
        canvas.rod(first, last, 0.14, (206, 40, 36) if step % 2 else (240, 240, 238))


def _car_park(canvas: Canvas, surroundings: Surroundings, rng: Random) -> None:
    paint = jitter(rng, rng.choice(((226, 226, 222), (226, 226, 222), (216, 184, 60))), 14)
    turn, bay = rng.choice((math.pi / 2, 0.0, rng.uniform(0, math.pi))), rng.uniform(2.4, 2.8)
    ahead = rng.uniform(0.5, 3.0)
    lean = rng.choice((0.0, rng.uniform(-0.7, 0.7)))
    for row in (-1, 1):
        across = row * rng.uniform(3.2, 5.5)
        for stall in range(-9, 10):
            local = [(stall * bay + ahead, across + row * 2.4)]
            x, y = place(local, 0, surroundings.depth_m * 0.35, turn)[0]
            _stripe(canvas, x, y, 4.8, 0.12, turn + math.pi / 2 + lean, paint)
    if rng.random() < 0.25:
        _stripe(canvas, 0, surroundings.depth_m * 0.35, 60, 0.12, turn, paint)
    _strew(canvas, surroundings, rng)
    if rng.random() < 0.35:
        _peek_in(canvas, rng)


def _peek_in(canvas: Canvas, rng: Random) -> None:
    """Let slivers of something parked out of view show at the upper edge; they are too little to count."""
    width, height = canvas.camera.size_wh
    for _ in range(rng.randint(1, 2)):
        u, half, low = rng.uniform(0, width), rng.uniform(0.03, 0.08) * width, rng.uniform(0.01, 0.035) * height
        tone = jitter(rng, rng.choice(((20, 20, 24), (60, 62, 66), (210, 212, 214))))
        canvas.polygon([(u - half, -2), (u - half * 0.8, low), (u + half * 0.8, low), (u + half, -2)], tone)


_FITTERS: dict[PlaceKind, Fitter] = {
    "yard": _yard,
    "dock": _dock,
    "aisle": _aisle,
    "gate": _gate,
    "car park": _car_park,
    "corridor": _corridor,
    "room": _room,
}
