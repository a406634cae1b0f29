"""At most so many stills of a camera, and of an hour of it; what the catalogue holds already counts."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import FootageError
from workbench.footage.diversity import Embeddings, farthest_points

__all__ = ["Choice", "Quota", "QuotaOutcome", "diversely", "evenly", "hour_of", "within_quota"]

Choice = Callable[[Sequence[int], int], list[int]]
"""Of some stills' indices, so many: ascending."""


@dataclass(frozen=True)
class Quota:
    """The most stills that a camera may have in the catalogue, altogether and of one hour (UTC); None is no limit."""

    per_camera: int | None = None
    per_hour: int | None = None

    def __post_init__(self) -> None:
        for limit in (self.per_camera, self.per_hour):
            if limit is not None and limit < 0:
                raise FootageError(
                    expected="a quota of 0 stills or more", found=f"{limit}", remedy="leave it out to have none"
                )


@dataclass(frozen=True)
class QuotaOutcome:
    """``kept`` are indices, ascending; the others went over the hour's quota or else over the camera's."""

    kept: tuple[int, ...]
    dropped_by_hour: int
    dropped_by_camera: int


def hour_of(taken_at: datetime) -> datetime:
    """Return the hour (UTC) in which a still was taken: the key of the counts by hour."""
    return taken_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def evenly(taken_at: Sequence[datetime]) -> Choice:
    """Return the choice of stills that are spread over the time."""
    times_s = np.array([[time.timestamp()] for time in taken_at])
    return lambda indices, count: _farthest(times_s - times_s.min(initial=np.inf), indices, count)


def diversely(embeddings: Embeddings) -> Choice:
    """Return the choice of stills whose embeddings ``[n_stills, width]`` cover those of all."""
    return lambda indices, count: _farthest(embeddings, indices, count)


def within_quota(
    taken_at: Sequence[datetime], quota: Quota, *, choice: Choice, known_by_hour: Mapping[datetime, int]
) -> QuotaOutcome:
    """Return which of the stills taken at ``taken_at`` may be added to the ``known_by_hour`` (:func:`hour_of`)."""
    of_hours = _by_hour(taken_at)
    if quota.per_hour is not None:
        for hour, indices in of_hours.items():
            of_hours[hour] = _at_most(quota.per_hour - known_by_hour.get(hour, 0), indices, choice)
    of_all = sorted(index for indices in of_hours.values() for index in indices)
    kept = of_all
    if quota.per_camera is not None:
        kept = _at_most(quota.per_camera - sum(known_by_hour.values()), of_all, choice)
    return QuotaOutcome(tuple(kept), len(taken_at) - len(of_all), len(of_all) - len(kept))


def _by_hour(taken_at: Sequence[datetime]) -> dict[datetime, list[int]]:
    of_hours: dict[datetime, list[int]] = defaultdict(list)
    for index, time in enumerate(taken_at):
        of_hours[hour_of(time)].append(index)
    return dict(of_hours)


def _at_most(count: int, indices: list[int], choice: Choice) -> list[int]:
    if count <= 0:
        return []
    return indices if count >= len(indices) else choice(indices, count)


def _farthest(points: NDArray[Any], indices: Sequence[int], count: int) -> list[int]:
    return [indices[row] for row in farthest_points(points[np.asarray(indices, int)], count)]
