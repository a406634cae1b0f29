"""The empty place that a camera sees: textured floor, walls and sky by one ray per pixel."""

import math
from dataclasses import dataclass
from random import Random

import numpy as np
import numpy.typing as npt
from PIL import Image

from workbench.scenes.camera import Camera
from workbench.scenes.canvas import Colour
from workbench.scenes.textures import TILE_PX, atlas, material_offset

Field = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Surface:
    """A textured plane: its darkest and brightest colour and the metres after which the texture repeats."""

    material: str
    dark: Colour
    bright: Colour
    period_m: float = 6.0
    turned_rad: float = 0.0


@dataclass(frozen=True)
class Surroundings:
    """The shell of a place: floor, a back wall at ``depth_m`` and, where there are any, side walls.

    ``half_width_m`` is None in the open. Above ``wall_height_m`` the back wall ends and the ``sky`` begins.
    """

    floor: Surface
    wall: Surface
    sky: Surface
    depth_m: float
    wall_height_m: float
    half_width_m: float | None = None


def render_backdrop(camera: Camera, surroundings: Surroundings, rng: Random) -> Field:
    """Return the empty place as float32 RGB, shape (height, width, 3), values 0 to 255, before any weather."""
    width, height = camera.size_wh
    cos, sin = math.cos(camera.tilt_rad), math.sin(camera.tilt_rad)
    right = ((np.arange(width, dtype=np.float32) + 0.5 - width / 2) / camera.focal_px)[None, :]
    up = (-(np.arange(height, dtype=np.float32) + 0.5 - height / 2) / camera.focal_px)[:, None]
    ahead, rise = cos + up * sin, -sin + up * cos
    to_floor = np.where(rise < -1e-3, camera.height_m / np.minimum(rise, -1e-3) * -1, 1e4).astype(np.float32)
    to_back = np.where(ahead > 1e-3, surroundings.depth_m / np.maximum(ahead, 1e-3), 1e4).astype(np.float32)
    reach = np.broadcast_to(np.minimum(to_floor, to_back), (height, width))
    on_floor = np.broadcast_to(to_floor <= to_back, (height, width))
    on_side = np.zeros((height, width), dtype=bool)
    if surroundings.half_width_m is not None:
        to_side = surroundings.half_width_m / np.maximum(np.abs(right), 1e-4)
        on_side = to_side < reach
        reach = np.minimum(reach, to_side)
        on_floor = on_floor & ~on_side
    reach = np.asarray(reach, dtype=np.float32)
    x, y, z = right * reach, ahead * reach, camera.height_m + rise * reach
    on_sky = ~on_floor & (z > surroundings.wall_height_m)
    across = np.where(on_side, y, x)
    plane = np.where(on_floor, 0, np.where(on_sky, 2, 1))
    surfaces = (surroundings.floor, surroundings.wall, surroundings.sky)
    grey = _sample(x, y, across, z, plane, surfaces, rng)
    grey = _soften_far(grey, reach * (1 / camera.focal_px), plane)
    dark = np.array([surface.dark for surface in surfaces], dtype=np.float32)
    bright = np.array([surface.bright for surface in surfaces], dtype=np.float32)
    dark_side = np.where(on_side, np.float32(rng.uniform(0.7, 1.05)), np.float32(1.0))
    image = dark[plane] + (bright - dark)[plane] * grey[..., None]
    return np.asarray(image * dark_side[..., None], dtype=np.float32)


def _sample(
    x: Field,
    y: Field,
    across: Field,
    z: Field,
    plane: npt.NDArray[np.int64],
    surfaces: tuple[Surface, Surface, Surface],
    rng: Random,
) -> Field:
    """Look each pixel's place up in the atlas, with a second, coarser look for stains and wear."""
    floor = surfaces[0]
    cos, sin = math.cos(floor.turned_rad), math.sin(floor.turned_rad)
    is_floor = plane == 0
    s = np.where(is_floor, x * cos - y * sin, across)
    t = np.where(is_floor, x * sin + y * cos, -z)
    px_per_m = np.array([TILE_PX / surface.period_m for surface in surfaces], dtype=np.float32)[plane]
    start = np.array([material_offset(surface.material) for surface in surfaces])[plane]
    shift = rng.uniform(0, TILE_PX)
    column = (s * px_per_m + shift).astype(np.int64) % TILE_PX
    row = (t * px_per_m + shift).astype(np.int64) % TILE_PX
    grey = atlas()[start + row * TILE_PX + column].astype(np.float32)
    wear_column = (s * 21 + shift * 3).astype(np.int64) % TILE_PX
    wear_row = (t * 21 + shift * 2).astype(np.int64) % TILE_PX
    wear = atlas()[material_offset("clouds") + wear_row * TILE_PX + wear_column].astype(np.float32)
    return np.asarray((grey * 0.8 + wear * 0.2) / 255, dtype=np.float32)


def _soften_far(grey: Field, m_per_px: npt.NDArray[np.floating], plane: npt.NDArray[np.int64]) -> Field:
    """Fade the texture to its middle where one pixel spans much of it, as a lens would."""
    keep = 1 / (1 + (m_per_px * 9) ** 2)
    keep = np.where(plane == 2, 1, keep)
    return np.asarray(0.55 + (grey - 0.55) * keep, dtype=np.float32)


def smooth_field(rng: Random, cells_wh: tuple[int, int], low: float, high: float, size_wh: tuple[int, int]) -> Field:
    """Return a smooth random field of shape (height, width) that varies between about ``low`` and ``high``."""
    columns, rows = cells_wh
    lattice = np.array([rng.uniform(low, high) for _ in range(columns * rows)], dtype=np.float32)
    image = Image.fromarray(lattice.reshape(rows, columns))
    return np.asarray(image.resize(size_wh, Image.Resampling.BICUBIC), dtype=np.float32)
