"""Furniture, goods and fixtures, and the two hazards: spills and smoke."""

import math
from random import Random

from workbench.scenes.camera import Point
from workbench.scenes.canvas import Canvas, Colour, box, mix, place, shade
from workbench.scenes.palette import jitter

_WOOD: tuple[Colour, ...] = ((168, 126, 78), (120, 82, 50), (196, 160, 112), (232, 232, 230), (70, 60, 54))
_CARDBOARD: Colour = (182, 142, 94)


def ring(x: float, y: float, radius_m: float, corners: int = 14) -> list[Point]:
    """Return a circle on the ground as a polygon."""
    turn = 2 * math.pi / corners
    return [(x + radius_m * math.cos(turn * step), y + radius_m * math.sin(turn * step)) for step in range(corners)]


def draw_table(canvas: Canvas, rng: Random, x: float, y: float, *, is_round: bool) -> None:
    """Draw a round bar table on one leg or a rectangular table on four."""
    colour = jitter(rng, rng.choice(_WOOD))
    leg = jitter(rng, rng.choice(((90, 92, 96), (58, 50, 44), (190, 190, 192))))
    top_m = rng.uniform(0.74, 1.1)
    if is_round:
        for step in range(4):
            turn = step * math.pi / 2 + 0.5
            canvas.rod((x, y, 0.08), (x + 0.3 * math.cos(turn), y + 0.3 * math.sin(turn), 0.02), 0.06, leg)
        canvas.rod((x, y, 0.05), (x, y, top_m), 0.07, leg)
        canvas.solid(ring(x, y, rng.uniform(0.32, 0.5)), top_m, top_m + 0.04, colour)
        return
    turned = rng.uniform(-0.3, 0.3)
    corners = place(box(rng.uniform(1.2, 1.9), rng.uniform(0.65, 0.9)), x, y, turned)
    for corner_x, corner_y in corners:
        canvas.rod((corner_x, corner_y, 0), (corner_x, corner_y, top_m), 0.06, leg)
    canvas.solid(corners, top_m, top_m + 0.05, colour)


def draw_chair(canvas: Canvas, rng: Random, x: float, y: float) -> None:
    """Draw a chair with a back rest."""
    colour = jitter(rng, rng.choice(((40, 42, 48), (150, 50, 46), (170, 170, 168), (120, 84, 52), (50, 90, 130))))
    turned = rng.uniform(0, 2 * math.pi)
    seat = place(box(0.45, 0.45), x, y, turned)
    for corner_x, corner_y in seat:
        canvas.rod((corner_x, corner_y, 0), (corner_x, corner_y, 0.45), 0.04, shade(colour, 0.7))
    canvas.solid(seat, 0.42, 0.48, colour)
    canvas.solid(place(box(0.05, 0.45, middle_m=-0.22), x, y, turned), 0.48, 0.95, colour)


def draw_plant(canvas: Canvas, rng: Random, x: float, y: float) -> None:
    """Draw a potted plant."""
    canvas.solid(ring(x, y, 0.2, 8), 0, 0.35, jitter(rng, (150, 90, 60)))
    for _ in range(rng.randint(6, 12)):
        turn, reach = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 0.55)
        end = (x + reach * math.cos(turn), y + reach * math.sin(turn), rng.uniform(0.7, 1.5))
        canvas.rod((x, y, 0.35), end, 0.1, jitter(rng, (52, 100, 48), 20))


def draw_post(canvas: Canvas, rng: Random, x: float, y: float) -> None:
    """Draw a bollard or lamp post."""
    colour = rng.choice(((226, 190, 40), (110, 112, 116), (200, 60, 44)))
    canvas.rod((x, y, 0), (x, y, rng.choice((0.9, 1.0, 4.5))), 0.12, jitter(rng, colour))


def draw_cone(canvas: Canvas, rng: Random, x: float, y: float) -> None:
    """Draw a traffic cone."""
    canvas.solid(ring(x, y, 0.18, 8), 0, 0.6, jitter(rng, (232, 92, 30)), ring(x, y, 0.04, 8))


def draw_boxes(canvas: Canvas, rng: Random, x: float, y: float) -> None:
    """Draw a small stack of cardboard boxes."""
    turned = rng.uniform(-0.5, 0.5)
    size = rng.uniform(0.45, 0.7)
    canvas.solid(place(box(size * 1.2, size), x, y, turned), 0, size, jitter(rng, _CARDBOARD))
    faces = canvas.solid(
        place(box(size, size * 0.8), x, y, turned + 0.2), size, size * 1.8, jitter(rng, _CARDBOARD, 20)
    )
    if -1 in faces:
        canvas.panel(faces[-1], 0.0, 0.45, 1.0, 0.55, (206, 184, 140))


def draw_pallet(canvas: Canvas, rng: Random, x: float, y: float) -> None:
    """Draw a wooden pallet, bare or with goods on it."""
    turned = rng.choice((0.0, math.pi / 2)) + rng.uniform(-0.25, 0.25)
    wood = jitter(rng, (166, 126, 78))
    faces = canvas.solid(place(box(1.2, 1.0), x, y, turned), 0, 0.15, wood)
    if -1 in faces:
        for gap in range(1, 6):
            canvas.panel(faces[-1], 0.0, gap / 6 - 0.03, 1.0, gap / 6 + 0.03, shade(wood, 0.5))
    if rng.random() < 0.6:
        goods = jitter(rng, rng.choice((_CARDBOARD, (200, 204, 208), (96, 130, 170), (210, 206, 180))), 18)
        high = rng.uniform(0.5, 1.3)
        sides = canvas.solid(place(box(1.12, 0.94), x, y, turned), 0.15, high, goods)
        for side, corners in sides.items():
            if side >= 0:
                canvas.panel(corners, 0.49, 0, 0.51, 1, shade(goods, 0.6))
                canvas.panel(corners, 0, 0.48, 1, 0.52, shade(goods, 0.6))


def draw_container(canvas: Canvas, rng: Random, x: float, y: float) -> None:
    """Draw a shipping container."""
    colour = jitter(rng, rng.choice(((150, 62, 44), (44, 88, 128), (62, 104, 74), (140, 142, 140))))
    turned = rng.choice((0.0, math.pi / 2))
    for side, corners in canvas.solid(place(box(6.0, 2.4), x, y, turned), 0, 2.5, colour).items():
        for rib in range(1, 14 if side >= 0 else 1):
            canvas.panel(corners, rib / 14, 0.04, rib / 14 + 0.02, 0.96, shade(colour, 0.62))


def draw_rack(canvas: Canvas, rng: Random, x: float, y: float, length_m: float, *, is_left: bool) -> None:
    """Draw a rack of goods along the view, with its open side towards the middle of the aisle."""
    frame = jitter(rng, rng.choice(((50, 80, 150), (216, 214, 206), (196, 96, 34), (120, 120, 124))))
    depth = 0.9 if is_left else -0.9
    levels = rng.randint(2, 5)
    level_m = rng.uniform(0.45, 1.1)
    back = x - depth
    top_m = levels * level_m
    canvas.surface([(back, y, 0), (back, y + length_m, 0), (back, y + length_m, top_m), (back, y, top_m)], (58, 56, 54))
    tones = [
        jitter(rng, rng.choice((_CARDBOARD, (222, 222, 218), (90, 120, 160), (170, 60, 50))), 25) for _ in range(4)
    ]
    for level in range(levels):
        z = level * level_m
        canvas.surface([(x, y, z), (x, y + length_m, z), (back, y + length_m, z), (back, y, z)], shade(frame, 0.7))
        along = y + length_m
        while along > y + 0.6:
            step = rng.uniform(0.35, 1.0)
            along -= step
            if rng.random() < 0.8:
                high = z + level_m * rng.uniform(0.4, 0.85)
                near, far = along, along + step * 0.9
                tone = jitter(rng, rng.choice(tones))
                inner = x - depth * 0.1
                canvas.surface([(inner, near, z), (inner, far, z), (inner, far, high), (inner, near, high)], tone)
                canvas.surface(
                    [(inner, near, z), (back, near, z), (back, near, high), (inner, near, high)], shade(tone, 0.75)
                )
        canvas.rod((x, y, z + 0.05), (x, y + length_m, z + 0.05), 0.09, frame)
    for post in range(int(length_m / 2.5) + 1):
        canvas.rod((x, y + post * 2.5, 0), (x, y + post * 2.5, top_m), 0.09, shade(frame, 0.8))


def spill_outline(rng: Random, x: float, y: float, radius_m: float) -> list[Point]:
    """Return the rim of a puddle on the ground."""
    lobes = [(rng.randint(2, 5), rng.uniform(0, 2 * math.pi), rng.uniform(0.06, 0.18)) for _ in range(3)]
    rim = []
    for step in range(28):
        turn = step * math.pi / 14
        reach = radius_m * (1 + sum(size * math.sin(count * turn + phase) for count, phase, size in lobes))
        rim.append((x + reach * math.cos(turn) * 1.25, y + reach * math.sin(turn)))
    return rim


def draw_spill(canvas: Canvas, rng: Random, x: float, y: float, radius_m: float, floor: Colour) -> None:
    """Draw a wet puddle: darker than the floor, with a bright reflection in it."""
    tint = rng.choice(((16, 18, 22), (40, 52, 60), (62, 40, 18)))
    outline = spill_outline(rng, x, y, radius_m)
    canvas.ground(outline, mix(floor, tint, 0.72))
    inner = [(x + (px - x) * 0.45 - radius_m * 0.25, y + (py - y) * 0.35 + radius_m * 0.2) for px, py in outline]
    canvas.ground(inner, mix(floor, (235, 240, 245), 0.6))
