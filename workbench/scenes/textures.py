"""Procedural grey textures (asphalt, planks, tiles, ...) in one atlas that is made once per process."""

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

TILE_PX: Final = 512

Grey = npt.NDArray[np.float32]


def _value_noise(rng: np.random.Generator, cells_hw: tuple[int, int]) -> Grey:
    """Return seamless smooth noise in 0..1 of TILE_PX by TILE_PX with this many cells down and across."""
    rows, columns = cells_hw
    lattice = rng.random((rows, columns), dtype=np.float32)
    return _stretch(_stretch(lattice, 0), 1)


def _stretch(lattice: Grey, axis: int) -> Grey:
    cells = lattice.shape[axis]
    position = np.arange(TILE_PX, dtype=np.float32) * cells / TILE_PX
    low = position.astype(np.int64)
    part = position - low
    part = part * part * (3 - 2 * part)
    shape = (-1, 1) if axis == 0 else (1, -1)
    part = part.reshape(shape).astype(np.float32)
    stretched = np.take(lattice, low, axis) * (1 - part) + np.take(lattice, (low + 1) % cells, axis) * part
    return np.asarray(stretched, dtype=np.float32)


def _fractal(rng: np.random.Generator, first: int = 3, octaves: int = 6, fade: float = 0.55) -> Grey:
    total = np.zeros((TILE_PX, TILE_PX), dtype=np.float32)
    weight, weights = 1.0, 0.0
    for octave in range(octaves):
        cells = first * 2**octave
        total += weight * _value_noise(rng, (cells, cells))
        weights += weight
        weight *= fade
    return total / weights


def _grain(rng: np.random.Generator) -> Grey:
    return rng.random((TILE_PX, TILE_PX), dtype=np.float32)


def _seams(cells_hw: tuple[int, int], width_px: int) -> Grey:
    """Return a grid of joints: 1 on a joint, 0 elsewhere."""
    axis = np.arange(TILE_PX)
    rows = (axis % (TILE_PX // cells_hw[0]) < width_px)[:, None]
    columns = (axis % (TILE_PX // cells_hw[1]) < width_px)[None, :]
    return (rows | columns).astype(np.float32)


def _asphalt(rng: np.random.Generator) -> Grey:
    specks = (_grain(rng) > 0.9985).astype(np.float32)
    return np.asarray(0.25 + 0.35 * _fractal(rng) + 0.16 * _grain(rng) + 0.5 * specks, dtype=np.float32)


def _concrete(rng: np.random.Generator) -> Grey:
    return np.asarray(
        0.35 + 0.5 * _fractal(rng, first=2) + 0.06 * _grain(rng) - 0.25 * _seams((2, 2), 3), dtype=np.float32
    )


def _tiles(rng: np.random.Generator) -> Grey:
    each = np.kron(rng.random((16, 16), dtype=np.float32), np.ones((32, 32), dtype=np.float32))
    return np.asarray(0.6 + 0.2 * each + 0.1 * _fractal(rng) - 0.4 * _seams((16, 16), 2), dtype=np.float32)


def _checker(rng: np.random.Generator) -> Grey:
    board = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((64, 64))).astype(np.float32)
    return 0.2 + 0.55 * board + 0.2 * _fractal(rng)


def _planks(rng: np.random.Generator) -> Grey:
    boards, joints = 24, TILE_PX // 24
    tone = np.repeat(rng.random((boards, 3), dtype=np.float32), joints + 1, axis=0)[:TILE_PX]
    tone = np.repeat(tone, TILE_PX // 3 + 1, axis=1)[:, :TILE_PX]
    streaks = _value_noise(rng, (256, 8))
    gaps = (np.arange(TILE_PX) % (joints + 1) < 2).astype(np.float32)[:, None]
    return np.asarray(0.2 + 0.45 * tone + 0.3 * streaks - 0.3 * gaps, dtype=np.float32)


def _carpet(rng: np.random.Generator) -> Grey:
    return 0.35 + 0.3 * _grain(rng) + 0.25 * _fractal(rng)


def _gravel(rng: np.random.Generator) -> Grey:
    return 0.1 + 0.7 * _value_noise(rng, (128, 128)) + 0.25 * _fractal(rng)


def _plaster(rng: np.random.Generator) -> Grey:
    return 0.6 + 0.3 * _fractal(rng, first=2, octaves=4) + 0.03 * _grain(rng)


def _brick(rng: np.random.Generator) -> Grey:
    courses = np.kron(rng.random((32, 16), dtype=np.float32), np.ones((16, 32), dtype=np.float32))
    joints = _seams((32, 16), 2)
    for course in range(1, 32, 2):
        rows = slice(course * 16, course * 16 + 16)
        courses[rows] = np.roll(courses[rows], 16, axis=1)
        joints[rows] = np.roll(joints[rows], 16, axis=1)
    return np.asarray(0.35 + 0.4 * courses + 0.15 * _fractal(rng) - 0.25 * joints, dtype=np.float32)


def _corrugated(rng: np.random.Generator) -> Grey:
    ribs = 0.5 + 0.5 * np.sin(np.arange(TILE_PX, dtype=np.float32) * 2 * np.pi * 32 / TILE_PX)
    return 0.35 + 0.3 * ribs[None, :] + 0.3 * _fractal(rng)


def _panels(rng: np.random.Generator) -> Grey:
    return 0.55 + 0.25 * _fractal(rng, first=2) - 0.3 * _seams((2, 4), 3)


def _goods(rng: np.random.Generator) -> Grey:
    """Rows of boxes and jars of different size and tone, as shelves look from far away."""
    field = np.zeros((TILE_PX, TILE_PX), dtype=np.float32)
    for shelf in range(8):
        left = 0
        while left < TILE_PX:
            width, height = int(rng.integers(6, 34)), int(rng.integers(20, 58))
            bottom = shelf * 64 + 60
            field[bottom - height : bottom, left : left + width] = rng.uniform(0.25, 1.0)
            field[bottom - height : bottom, left : left + 2] *= 0.6
            left += width + int(rng.integers(0, 4))
        field[shelf * 64 + 60 : shelf * 64 + 64] = 0.75
    return field * (0.85 + 0.15 * _grain(rng))


def _foliage(rng: np.random.Generator) -> Grey:
    leaves = _fractal(rng, first=8, octaves=5, fade=0.8)
    return np.clip((leaves - 0.35) * 2.2, 0, 1)


def _clouds(rng: np.random.Generator) -> Grey:
    return np.clip(_fractal(rng, first=2, octaves=5) * 1.2, 0, 1)


_MAKERS: Final[dict[str, Callable[[np.random.Generator], Grey]]] = {
    "asphalt": _asphalt,
    "concrete": _concrete,
    "tiles": _tiles,
    "checker": _checker,
    "planks": _planks,
    "carpet": _carpet,
    "gravel": _gravel,
    "plaster": _plaster,
    "brick": _brick,
    "corrugated": _corrugated,
    "panels": _panels,
    "goods": _goods,
    "foliage": _foliage,
    "clouds": _clouds,
}

MATERIALS: Final = tuple(_MAKERS)


@cache
def atlas() -> npt.NDArray[np.uint8]:
    """Return all materials one after the other, flattened: ``len(MATERIALS) * TILE_PX * TILE_PX`` grey values."""
    rng = np.random.default_rng(20260302)
    tiles = [np.clip(maker(rng), 0, 1) * 255 for maker in _MAKERS.values()]
    return np.stack(tiles).astype(np.uint8).ravel()


def material_offset(material: str) -> int:
    """Return where in the atlas the tile of ``material`` begins."""
    return MATERIALS.index(material) * TILE_PX * TILE_PX


@cache
def noise_bank() -> Grey:
    """Return a large field of unit Gaussian noise to cut sensor noise from, cheaper than drawing it anew."""
    return np.random.default_rng(7).standard_normal((1024, 1024), dtype=np.float32)
