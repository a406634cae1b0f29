"""Light, weather and the sensor: what happens to a scene between the world and the recorded picture."""

import io
import math
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from workbench.scenes.backdrop import Field, smooth_field
from workbench.scenes.textures import noise_bank

Condition = Literal["day", "dusk", "night", "rain", "fog"]


@dataclass(frozen=True)
class Conditions:
    """The condition that one would name, and whether the picture is without colours and the place under a roof."""

    name: Condition
    greyscale: bool
    indoors: bool

    @property
    def lights_on(self) -> bool:
        """Whether vehicles drive with their lights on."""
        return self.name in ("night", "dusk", "fog")


def choose_conditions(rng: Random, *, indoors: bool) -> Conditions:
    """Draw a condition; indoors there is only bright day and night."""
    if indoors:
        name: Condition = "night" if rng.random() < 0.15 else "day"
    else:
        names: tuple[Condition, ...] = ("day", "dusk", "night", "rain", "fog")
        name = rng.choices(names, (60, 10, 14, 10, 6))[0]
    return Conditions(name, greyscale=rng.random() < (0.5 if name == "night" else 0.04), indoors=indoors)


def light_place(image: Field, conditions: Conditions, rng: Random) -> Field:
    """Lay uneven light on the empty place: gradients, pools of lamps, blurred clutter; values stay about 0 to 255."""
    height, width = image.shape[:2]
    size_wh = (width, height)
    spread = rng.uniform(0.03, 0.25)
    lit = image * smooth_field(rng, (4, 3), 1 - spread, 1 + spread, size_wh)[..., None]
    if rng.random() < 0.25:
        strength = rng.uniform(0.1, 0.4)
        cells_wh = (rng.randint(5, 14), rng.randint(4, 9))
        clutter = smooth_field(rng, cells_wh, 30, 220, size_wh)
        hues = [clutter + smooth_field(rng, (4, 3), -22, 22, size_wh) for _ in range(3)]
        lit = lit * (1 - strength) + np.stack(hues, axis=-1) * strength
    return np.asarray(lit, dtype=np.float32)


def cast_shadows(image: Field, shadows: Image.Image, conditions: Conditions, rng: Random) -> Field:
    """Darken the ground where ``shadows`` (mode L, 255 = full shadow) falls, softer on dull days."""
    soft = rng.uniform(1.0, 2.0) if conditions.name == "day" and not conditions.indoors else rng.uniform(2.0, 4.0)
    strength = rng.uniform(0.35, 0.65) if conditions.name == "day" else rng.uniform(0.15, 0.35)
    mask = np.asarray(shadows.filter(ImageFilter.BoxBlur(soft)), dtype=np.float32)
    return np.asarray(image * (1 - mask * (strength / 255))[..., None], dtype=np.float32)


def apply_conditions(image: Field, conditions: Conditions, rng: Random) -> Field:
    """Grade a drawn scene for the time of day and the weather."""
    graded = _GRADERS[conditions.name](image, conditions, rng)
    if conditions.greyscale:
        grey = graded @ np.array([0.45, 0.4, 0.15], dtype=np.float32)
        graded = np.repeat(grey[..., None], 3, axis=2)
    return graded


def _day(image: Field, conditions: Conditions, rng: Random) -> Field:
    warm = rng.uniform(-0.09, 0.09)
    gain = np.array([1 + warm, 1.0, 1 - warm], dtype=np.float32) * rng.uniform(0.75, 1.2)
    pivot = rng.uniform(0.8, 1.25)
    return np.asarray((image * gain - 110) * pivot + 110, dtype=np.float32)


def _dusk(image: Field, conditions: Conditions, rng: Random) -> Field:
    tint = rng.choice(((0.72, 0.5, 0.42), (0.5, 0.47, 0.62), (0.62, 0.5, 0.5)))
    return np.asarray(image * np.array(tint, dtype=np.float32) + 8, dtype=np.float32)


def _night(image: Field, conditions: Conditions, rng: Random) -> Field:
    height, width = image.shape[:2]
    rows = np.arange(height, dtype=np.float32)[:, None] / height
    columns = np.arange(width, dtype=np.float32)[None, :] / width
    light = np.full((height, width), rng.uniform(0.32, 0.5), dtype=np.float32)
    for _ in range(rng.randint(1, 3)):
        u, v, reach = rng.uniform(0.15, 0.85), rng.uniform(0.1, 0.8), rng.uniform(0.05, 0.25)
        light += rng.uniform(0.3, 0.6) * np.exp(-((columns - u) ** 2 + (rows - v) ** 2 * 1.6) / reach)
    tint = rng.choice(((1.0, 0.86, 0.62), (0.8, 0.9, 1.05), (0.95, 0.95, 0.9)))
    bright_stays = np.maximum(image - 215, 0) * 0.6
    graded = image * light[..., None] * np.array(tint, dtype=np.float32) + bright_stays
    return np.asarray(graded, dtype=np.float32)


def _rain(image: Field, conditions: Conditions, rng: Random) -> Field:
    height, width = image.shape[:2]
    grey = image.mean(axis=2, keepdims=True)
    wet = (image * 0.6 + grey * 0.4) * np.array([0.8, 0.84, 0.9], dtype=np.float32)
    streaks = Image.new("L", (width, height))
    draw = ImageDraw.Draw(streaks)
    slant = rng.uniform(-0.3, 0.3)
    for _ in range(rng.randint(60, 160)):
        u, v, long = rng.uniform(0, width), rng.uniform(-10, height), rng.uniform(0.03, 0.1) * height
        draw.line([(u, v), (u + slant * long, v + long)], fill=rng.randint(60, 150))
    mirrored = wet[::-1] * 0.08
    return np.asarray(wet + mirrored + np.asarray(streaks, dtype=np.float32)[..., None] * 0.5, dtype=np.float32)


def _fog(image: Field, conditions: Conditions, rng: Random) -> Field:
    height, width = image.shape[:2]
    thick = rng.uniform(0.45, 0.7)
    far = np.linspace(thick + 0.15, thick - 0.2, height, dtype=np.float32)[:, None]
    veil = far * smooth_field(rng, (5, 4), 0.85, 1.15, (width, height))
    veil = np.clip(veil, 0, 0.85)[..., None]
    return np.asarray(image * (1 - veil) + rng.uniform(170, 205) * veil, dtype=np.float32)


_GRADERS = {"day": _day, "dusk": _dusk, "night": _night, "rain": _rain, "fog": _fog}


def blow_smoke(image: Field, rng: Random, u: float, v: float, radius_px: float) -> Field:
    """Let a plume of grey smoke rise from pixel ``(u, v)``."""
    height, width = image.shape[:2]
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None, :]
    above = np.clip((v - rows) / (radius_px * 3), 0, 1)
    wide = radius_px * (0.5 + above * 1.1)
    middle = u + (above**1.5) * radius_px * rng.uniform(-1.5, 1.5)
    plume = np.exp(-(((columns - middle) / wide) ** 2)) * (rows < v + radius_px * 0.2) * (1 - above * 0.75)
    cells = smooth_field(rng, (18, 12), 0.5, 1.6, (width, height))
    cells = cells * smooth_field(rng, (7, 5), 0.6, 1.3, (width, height))
    veil = np.clip(plume * cells, 0, 0.93)[..., None]
    return np.asarray(image * (1 - veil) + rng.choice((50, 190, 205, 220)) * veil, dtype=np.float32)


def bend(image: Image.Image, strength: float) -> Image.Image:
    """Bend straight lines as a wide lens does; ``strength`` is the shift at the corner as a part of the half size."""
    width, height = image.size
    columns, rows = 8, 6

    def source(i: int, j: int) -> tuple[float, float]:
        x, y = i / columns * 2 - 1, j / rows * 2 - 1
        factor = (1 + strength * (x * x + y * y) / 2) / max(1.0, 1 + strength)
        return (x * factor + 1) / 2 * width, (y * factor + 1) / 2 * height

    mesh = []
    for j in range(rows):
        for i in range(columns):
            target = (i * width // columns, j * height // rows, (i + 1) * width // columns, (j + 1) * height // rows)
            quad = (*source(i, j), *source(i, j + 1), *source(i + 1, j + 1), *source(i + 1, j))
            mesh.append((target, quad))
    return image.transform(image.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


def record(image: Field, conditions: Conditions, rng: Random) -> Image.Image:
    """Send a graded scene through lens, sensor, overlay and encoder."""
    height, width = image.shape[:2]
    if rng.random() < 0.4:
        rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None] ** 2
        columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :] ** 2
        image = image * (1 - rng.uniform(0.1, 0.3) * (rows + columns) / 1.5)[..., None]
    noise = rng.uniform(4, 12) if conditions.name == "night" else rng.uniform(0.5, 5)
    top, left = rng.randint(0, 1023 - height % 1024), rng.randint(0, 1023 - width % 1024)
    grain = noise_bank().take(range(top, top + height), axis=0, mode="wrap")
    image = image + noise * grain.take(range(left, left + width), axis=1, mode="wrap")[..., None]
    picture = field_to_image(image)
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.BoxBlur(rng.uniform(0.2, 0.7)))
    if rng.random() < 0.3:
        _stamp_time(picture, rng)
    if rng.random() < 0.6:
        with io.BytesIO() as encoded:
            picture.save(encoded, "JPEG", quality=rng.randint(35, 90))
            picture = Image.open(encoded).convert("RGB")
    return picture


def _stamp_time(picture: Image.Image, rng: Random) -> None:
    """Write a camera's name and clock into a corner."""
    width, height = picture.size
    text = f"CAM{rng.randint(1, 32):02d} 20{rng.randint(18, 26)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    text += f" {rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}"
    size_px = max(6.0, height * rng.uniform(0.04, 0.06))
    left = width * (0.02 if rng.random() < 0.7 else 0.45)
    corner = (left, height * (0.02 if rng.random() < 0.6 else 0.92))
    ImageDraw.Draw(picture).text(corner, text, fill=(250, 250, 250), font=_font(round(size_px)))


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)


def field_to_image(field: Field) -> Image.Image:
    """Return a float field of shape (height, width, 3) as an RGB image, cut to 0..255."""
    return Image.fromarray(np.clip(field, 0, 255).astype(np.uint8))


def tilt_shadow(height_m: float, light_rad: float, length: float) -> tuple[float, float]:
    """Return how far the shadow of a thing of ``height_m`` reaches on the ground, as an offset in metres."""
    return math.cos(light_rad) * height_m * length, math.sin(light_rad) * height_m * length
