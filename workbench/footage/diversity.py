"""Which pictures differ most: near ones dropped, then a subset that covers all of them.

Everything is deterministic: of equals the first is taken.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import FootageError

__all__ = ["SAME_VIEW_DISTANCE", "Embeddings", "far_apart", "farthest_points"]

Embeddings = NDArray[np.float32]
"""``[n_pictures, width]``; of any length, as only directions count."""

SAME_VIEW_DISTANCE = 0.005
"""Cosine distance (0 same direction, 1 at right angles) below which two pictures say the same to the dual encoder. With
the embedded one, half of the pairs of idle pictures of a fixed camera are within 0.001, and of pairs in which 1 % of
the view differs 95 of 100 are beyond 0.004."""

_BLOCK = 256


def far_apart(embeddings: Embeddings, *, least_distance: float, known: Embeddings | None = None) -> list[int]:
    """Return the indices of those that are no nearer than ``least_distance`` to one kept before or to a known one.

    ``embeddings`` are ``[n_pictures, width]`` in the order of preference, ``known`` ``[n_known, width]``. Blocks are
    compared at once, so that memory is that of the embeddings and of one block against all that are kept.
    """
    unit = _unit_rows(embeddings)
    kept = np.empty((0, unit.shape[1]), np.float32) if known is None else _unit_rows(known)
    _require_same_width(unit, kept)
    kept_at: list[int] = []
    most_alike = 1.0 - least_distance
    for start in range(0, len(unit), _BLOCK):
        block = unit[start : start + _BLOCK]
        is_new = ~((block @ kept.T) > most_alike).any(axis=1)
        alike = (block @ block.T) > most_alike
        chosen: list[int] = []
        for row in np.flatnonzero(is_new):
            if not alike[row, chosen].any():
                chosen.append(int(row))
        kept = np.concatenate([kept, block[chosen]])
        kept_at += [start + row for row in chosen]
    return kept_at


def farthest_points(points: NDArray[Any], size: int, *, known: NDArray[Any] | None = None) -> list[int]:
    """Return the ascending indices of ``size`` of ``points`` ``[n_points, width]`` that lie far from each other.

    Each is the point farthest (Euclidean) from those chosen before and from ``known`` ``[n_known, width]``; the first
    is the first point when nothing is known. The largest distance of any point from its nearest chosen one is at most
    twice the smallest possible: Gonzalez, "Clustering to minimize the maximum intercluster distance", TCS 1985.
    """
    if size >= len(points):
        return list(range(len(points)))
    middle = points.mean(axis=0)
    points = points - middle
    squares = np.einsum("ij,ij->i", points, points)
    nearest = np.full(len(points), np.inf, squares.dtype)
    known = points[:0] if known is None else known
    for start in range(0, len(known), _BLOCK):
        centres = known[start : start + _BLOCK] - middle
        nearest = np.minimum(nearest, _squared_distances(points, squares, centres).min(axis=1))
    chosen: list[int] = []
    for _ in range(size):
        farthest = int(nearest.argmax())
        chosen.append(farthest)
        nearest = np.minimum(nearest, _squared_distances(points, squares, points[farthest, None])[:, 0])
        nearest[farthest] = -np.inf
    return sorted(chosen)


def _squared_distances(points: NDArray[Any], squares: NDArray[Any], centres: NDArray[Any]) -> NDArray[Any]:
    """Return ``[n_points, n_centres]``; ``squares`` are the points' squared lengths ``[n_points]``."""
    own = np.einsum("ij,ij->i", centres, centres)
    distances: NDArray[Any] = np.maximum(squares[:, None] - 2 * (points @ centres.T) + own, 0)
    return distances


def _unit_rows(embeddings: Embeddings) -> Embeddings:
    if embeddings.ndim != 2 or not np.isfinite(embeddings).all():
        raise FootageError(
            expected="embeddings as a table of finite numbers, a row for each picture",
            found=f"an array of shape {embeddings.shape}",
            remedy="check the model that made them",
        )
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    unit: Embeddings = (embeddings / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit


def _require_same_width(unit: Embeddings, known: Embeddings) -> None:
    if unit.shape[1] != known.shape[1]:
        raise FootageError(
            expected=f"known embeddings of {unit.shape[1]} numbers each",
            found=f"{known.shape[1]}",
            remedy="embed the known pictures with the same model",
        )
