"""Draws a staged scene: the empty place, what stands in it, who is there, light, weather and sensor."""

import math
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from workbench.scenes.actors import Actor
from workbench.scenes.backdrop import Field, render_backdrop
from workbench.scenes.canvas import Canvas, box, mix, place
from workbench.scenes.people import Person, draw_person
from workbench.scenes.places import furnish
from workbench.scenes.staging import Staging
from workbench.scenes.things import draw_boxes, draw_pallet, draw_spill, draw_table
from workbench.scenes.vehicles import LENGTH_WIDTH_HEIGHT_M, Vehicle, draw_vehicle
from workbench.scenes.weather import (
    apply_conditions,
    bend,
    blow_smoke,
    cast_shadows,
    field_to_image,
    light_place,
    record,
    tilt_shadow,
)


def draw_scene(staging: Staging, rng: Random) -> Image.Image:
    """Return the picture of a staged scene, RGB of the camera's size."""
    camera, conditions = staging.camera, staging.conditions
    light_rad = rng.uniform(0, 2 * math.pi)
    empty = light_place(render_backdrop(camera, staging.surroundings, rng), conditions, rng)
    canvas = Canvas(field_to_image(empty), camera, light_rad)
    furnish(staging.kind, canvas, staging.surroundings, rng)
    shaded = cast_shadows(_to_field(canvas.image), _shadow_mask(staging, light_rad, rng), conditions, rng)
    canvas = Canvas(field_to_image(shaded), camera, light_rad)
    if staging.spill_xy:
        floor = mix(staging.surroundings.floor.dark, staging.surroundings.floor.bright, 0.5)
        draw_spill(canvas, rng, *staging.spill_xy, _spill_radius_m(staging, rng), floor)
    _draw_actors(canvas, staging, rng)
    picture = canvas.image
    if rng.random() < 0.3:
        picture = bend(picture, rng.uniform(-0.12, 0.12))
    drawn = np.asarray(picture.resize(camera.size_wh, Image.Resampling.BOX), dtype=np.float32)
    if staging.smoke_xy:
        seen = camera.project(*staging.smoke_xy)
        drawn = blow_smoke(drawn, rng, seen.u, seen.v, rng.uniform(0.1, 0.2) * camera.size_wh[1])
    return record(apply_conditions(drawn, conditions, rng), conditions, rng)


def _spill_radius_m(staging: Staging, rng: Random) -> float:
    """Return a radius that takes a tenth to a quarter of the image's height."""
    x, y = staging.spill_xy or (0.0, 0.0)
    return rng.uniform(0.1, 0.2) * staging.camera.size_wh[1] / staging.camera.project(x, y).px_per_m


def _draw_actors(canvas: Canvas, staging: Staging, rng: Random) -> None:
    """Draw the table and the actors from far to near."""
    table_m = math.hypot(*staging.table_xy) if staging.table_xy else -1.0
    for actor in staging.actors:
        if staging.table_xy and table_m > math.hypot(*actor.ground_xy):
            draw_table(canvas, rng, *staging.table_xy, is_round=staging.table_is_round)
            table_m = -1.0
        _draw_actor(canvas, actor, rng)
    if staging.table_xy and table_m > 0:
        draw_table(canvas, rng, *staging.table_xy, is_round=staging.table_is_round)


def _draw_actor(canvas: Canvas, actor: Actor, rng: Random) -> None:
    if isinstance(actor.looks, Person):
        draw_person(canvas, actor.looks, actor.ground_xy, actor.heading_rad)
    elif isinstance(actor.looks, Vehicle):
        draw_vehicle(canvas, actor.looks, actor.ground_xy, actor.heading_rad)
    elif actor.kind == "pallet":
        draw_pallet(canvas, rng, *actor.ground_xy)
    else:
        draw_boxes(canvas, rng, *actor.ground_xy)


def _shadow_mask(staging: Staging, light_rad: float, rng: Random) -> Image.Image:
    """Return where the actors keep light from the ground: under them and, in sunlight, beside them."""
    mask = Image.new("L", staging.camera.size_wh)
    draw = ImageDraw.Draw(mask)
    sunny = staging.conditions.name == "day" and not staging.conditions.indoors and rng.random() < 0.6
    length = rng.uniform(0.3, 1.1) if sunny else 0.12
    for actor in staging.actors:
        long, wide, high = _shadow_extent_m(actor)
        base = place(box(long * 1.04, wide * 1.1), *actor.ground_xy, actor.heading_rad)
        dx, dy = tilt_shadow(high, light_rad, length)
        for shift in (0.0, 0.25, 0.5, 0.75, 1.0):
            seen = [staging.camera.project(x - dx * shift, y - dy * shift) for x, y in base]
            draw.polygon([(p.u, p.v) for p in seen], fill=255)
    return mask


def _shadow_extent_m(actor: Actor) -> tuple[float, float, float]:
    return LENGTH_WIDTH_HEIGHT_M[actor.looks.kind] if isinstance(actor.looks, Vehicle) else (0.6, 0.6, 1.6)


def _to_field(image: Image.Image) -> Field:
    half = image.reduce(2)
    return np.asarray(half, dtype=np.float32)
