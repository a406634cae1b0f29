"""One figure of a model beside another's on the same rows."""

from collections.abc import Iterable
from dataclasses import dataclass

from workbench.domain import Interval
from workbench.statistics.intervals import interval_of, paired_difference
from workbench.statistics.statistic import Integers, Statistic

__all__ = ["Beside", "Measurement", "beside"]


@dataclass(frozen=True, eq=False)
class Measurement:
    """A statistic of rows that fall into ``clusters`` (``[n_rows]``)."""

    statistic: Statistic
    clusters: Integers


@dataclass(frozen=True)
class Beside:
    """``difference`` is paired, ``own`` minus ``base``; both are None where the base itself was measured."""

    name: str
    own: Interval
    base: Interval | None
    difference: Interval | None


def beside(own: Iterable[Measurement], base: Iterable[Measurement] | None) -> tuple[Beside, ...]:
    """Return each measurement beside the base's at the same place."""
    measured = list(own)
    others: list[Measurement] | list[None] = [None] * len(measured) if base is None else list(base)
    return tuple(_beside(one, other) for one, other in zip(measured, others, strict=True))


def _beside(one: Measurement, other: Measurement | None) -> Beside:
    name, interval = one.statistic.name, interval_of(one.statistic, one.clusters)
    if other is None:
        return Beside(name, interval, None, None)
    difference = paired_difference(one.statistic, other.statistic, one.clusters)
    return Beside(name, interval, interval_of(other.statistic, other.clusters), difference)
