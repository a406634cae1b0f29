"""Whether one model is better than another on the same rows: a permutation test that swaps whole clusters.

If the two were equally good, which answers came from which model would not matter: all answers of a clip are swapped
at once, so that a clip counts as one observation however many frames it has. The p-value is exact for any number of
clusters; with fewer than six the smallest that can come out is above 0.05 (2 of 2**5), which is no evidence, not a
draw.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TypeVar

import numpy as np

from workbench.statistics.clusters import clips_of
from workbench.statistics.statistic import Floats, Integers, Statistic

__all__ = ["FEWEST_CLIPS", "PERMUTATIONS", "holm", "p_value_of_clips", "paired_p_value"]

PERMUTATIONS = 10_000
FEWEST_CLIPS = 6
"""With fewer the smallest p-value there can be is above 0.05, whatever was measured."""
_MOST_ENUMERATED = 13
"""With up to so many clusters all 2**n swaps are tried, and nothing is left to chance."""
_CLOSE = 1e-12

_Key = TypeVar("_Key")


def paired_p_value(
    first: Statistic, second: Statistic, clusters: Integers, *, seed: int = 0, permutations: int = PERMUTATIONS
) -> float:
    """Return the two-sided p-value of ``first - second``, the same metric of two models on the same rows in order.

    Both must have rows of the same meaning: a metric of classes must be made with the same class names.
    """
    assert first.rows.shape == second.rows.shape, "the same metric on the same rows"
    n_clusters = int(clusters.max()) + 1
    a, b = (_sums(statistic.rows, clusters, n_clusters) for statistic in (first, second))
    swaps, is_exact = _swaps(n_clusters, seed, permutations)
    total, moved = a.sum(axis=0) + b.sum(axis=0), swaps @ (b - a)
    of_first = a.sum(axis=0) + moved
    differences = np.abs(first.value_of(of_first) - first.value_of(total - of_first))
    observed = abs(float(first.value_of(a.sum(axis=0)) - first.value_of(b.sum(axis=0))))
    as_large = int(np.count_nonzero(differences >= observed - _CLOSE))
    return as_large / len(swaps) if is_exact else (as_large + 1) / (len(swaps) + 1)


def p_value_of_clips(first: Statistic, second: Statistic, clip_ids: Sequence[str]) -> float | None:
    """Return the p-value with whole clips swapped; None with fewer than six, which cannot be evidence."""
    clips = clips_of(clip_ids)
    return paired_p_value(first, second, clips) if clips.max(initial=-1) + 1 >= FEWEST_CLIPS else None


def holm(p_values: Mapping[_Key, float]) -> dict[_Key, float]:
    """Return the p-values of several slices, each raised so that together they err as seldom as one.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979.
    """
    adjusted: dict[_Key, float] = {}
    largest = 0.0
    for rank, (name, p_value) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_value))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def _sums(rows: Floats, clusters: Integers, n_clusters: int) -> Floats:
    sums = np.zeros((n_clusters, rows.shape[1]))
    np.add.at(sums, clusters, rows)
    return sums


def _swaps(n_clusters: int, seed: int, permutations: int) -> tuple[Floats, bool]:
    """Return ``[n_swaps, n_clusters]``, 1 where a cluster's answers are swapped, and whether these are all swaps."""
    if n_clusters <= _MOST_ENUMERATED:
        return np.array(list(product((0.0, 1.0), repeat=n_clusters))), True
    drawn = np.random.default_rng(seed).integers(0, 2, (permutations, n_clusters))
    return drawn.astype(np.float64), False
