"""95 % intervals that know that frames of one clip are not independent.

Whole clusters are drawn with replacement. A share's standard error is that of these draws, enlarged for few clusters
and used with Student's t; the mean of scores, whose few high values pull more than many low ones, has a studentised
interval (bootstrap-t: Efron, Annals of Statistics 1981), never narrower on a side than Student's. Two refinements
make shares and differences hold where such intervals fail:

- **Near 0 and 1** a share's interval is Wilson's (JASA 1927) on the effective number of independent rows, that is rows
  divided by the design effect that the bootstrap found. With few wrong (or right) answers the design effect cannot be
  seen in the data, and is drawn towards that of half-correlated clusters; the more it is, the less Student's t has to
  make up for few clusters. 60 right answers out of 60 in six clips give about 0.69 to 1, never 1 to 1.
- **Differences** of two models on the same rows are paired. Those of shares are built from both models' intervals and
  the correlation of their bootstrap replicates (Newcombe, Statistics in Medicine 1998), so that they hold at the edges
  as well, and are never narrower than Student's of the differences by cluster; those of scores are studentised like a
  single one.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from workbench.domain import Interval
from workbench.statistics.clusters import ENOUGH_CLIPS
from workbench.statistics.statistic import Floats, Integers, Statistic

__all__ = ["RESAMPLES", "interval_of", "paired_difference", "unpaired_difference"]

RESAMPLES = 2000
_CONFIDENCE = 0.95
_MOST_QUANTILES = 3.0
_NO_ERROR = 1e-9
_ASSUMED_CORRELATION = 0.5
_ASSUMPTION_WEIGHT = 8.0
"""How many wrong answers it takes for the data to count as much as the assumed correlation."""


@dataclass(frozen=True, eq=False)
class _Estimate:
    """A statistic's interval, its bootstrap replicates and the influence of each cluster.

    ``is_counted`` where the interval is that of a share, or of scores that are all alike.
    """

    interval: Interval
    replicates: Floats
    influence: Floats
    is_counted: bool


def interval_of(statistic: Statistic, clusters: Integers, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Return the statistic's value with its 95 % bounds, the same for the same seed.

    ``clusters`` is ``[n_rows]``, or ``[n_rows, 2]`` as ``clusters_of`` gives them: shares are drawn by stretch of time,
    scores by clip, whose levels differ too much for stretches to stand for other clips.
    """
    return _estimate(statistic, _numbered(clusters, -1 if statistic.is_share else 0), seed, resamples).interval


def paired_difference(
    first: Statistic, second: Statistic, clusters: Integers, *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Return ``first - second`` with its 95 % bounds; both are measured on the same rows in the same order.

    Drawn by stretch of time where ``clusters`` has both: what two models share in a clip is no part of the difference.
    """
    clusters = _numbered(clusters, -1)
    a, b = (_estimate(statistic, clusters, seed, resamples) for statistic in (first, second))
    difference = a.interval.value - b.interval.value
    influence = a.influence - b.influence
    if not a.is_counted and not b.is_counted:
        return _at_most(first, _studentised(difference, influence, a.replicates - b.replicates, clusters, seed))
    correlation = _correlation(a.replicates, b.replicates)
    below = _combine(a.interval.value - a.interval.low, b.interval.high - b.interval.value, correlation)
    above = _combine(a.interval.high - a.interval.value, b.interval.value - b.interval.low, correlation)
    least = _student(len(influence) - 1) * _standard_error(influence) if len(influence) > 1 else 0.0
    return _at_most(first, Interval(difference, difference - max(least, below), difference + max(least, above)))


def unpaired_difference(first: Interval, second: Interval) -> Interval:
    """Return ``first - second`` of one metric on two groups of rows that have none in common.

    Built from both intervals (Newcombe, Statistics in Medicine 1998), as if no clip had rows of both groups: where some
    have, it is rather too wide.
    """
    difference = first.value - second.value
    below = _combine(first.value - first.low, second.high - second.value, 0.0)
    above = _combine(first.high - first.value, second.value - second.low, 0.0)
    return Interval(difference, difference - below, difference + above)


def _numbered(clusters: Integers, column: int) -> Integers:
    """Return ``[n_rows]``: the chosen column with its values numbered from 0."""
    return np.unique(clusters.reshape(len(clusters), -1)[:, column], return_inverse=True)[1]


def _estimate(statistic: Statistic, clusters: Integers, seed: int, resamples: int) -> _Estimate:
    value, n_clusters = statistic.value, int(clusters.max()) + 1
    if n_clusters < 2:
        return _Estimate(Interval(value, 0.0, statistic.upper), np.full(resamples, value), np.zeros(1), True)
    sums = np.zeros((n_clusters, statistic.rows.shape[1]))
    np.add.at(sums, clusters, statistic.rows)
    replicates = statistic.value_of(_draws(n_clusters, seed, resamples).astype(np.float64) @ sums)
    error = float(np.std(replicates)) * np.sqrt(n_clusters / (n_clusters - 1))
    influence = _influence(statistic, sums)
    if statistic.is_share or error == 0:
        share = value / statistic.upper
        rows, freedom = _effective_rows(share, error / statistic.upper, len(clusters), n_clusters)
        low, high = (bound * statistic.upper for bound in _wilson(share, rows, _student(freedom)))
        return _Estimate(_within(Interval(value, low, high), statistic), replicates, influence, True)
    interval = _studentised(value, influence, replicates, clusters, seed)
    return _Estimate(_within(interval, statistic), replicates, influence, False)


def _within(interval: Interval, statistic: Statistic) -> Interval:
    return Interval(interval.value, max(0.0, interval.low), min(statistic.upper, interval.high))


def _at_most(statistic: Statistic, difference: Interval) -> Interval:
    return Interval(difference.value, max(-statistic.upper, difference.low), min(statistic.upper, difference.high))


def _draws(n_clusters: int, seed: int, resamples: int) -> Integers:
    """Return ``[resamples, n_clusters]``: how often each cluster is in each set."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=resamples)


def _student(freedom: float) -> float:
    return float(stdtrit(freedom, (1 + _CONFIDENCE) / 2))


def _influence(statistic: Statistic, sums: Floats) -> Floats:
    """Return ``[n_clusters]``: how much each cluster moves the statistic, by leaving it out."""
    without = statistic.value_of(sums.sum(axis=0) - sums)
    influence: Floats = (len(sums) - 1) * (without.mean() - without)
    return influence


def _studentised(value: float, influence: Floats, replicates: Floats, clusters: Integers, seed: int) -> Interval:
    """Return bounds as many standard errors away as the draws lie on the other side: Student's quantile to thrice it.

    Few clusters never show how far the highest can be; ``n / (n - 1)`` makes up for that (found by simulation). Draws
    of less than four have too few shapes to tell the sides apart: Student's quantile stands for both.

    Each draw is measured by its own standard error, from the influence and the numbers of rows of its clusters. Where
    these differ, Student's quantile is that of fewer clusters (Carter, Schnepel, Steigerwald, Review of Economics and
    Statistics 2017).
    """
    n_clusters, moved = len(influence), replicates - value
    draws = _draws(n_clusters, seed, len(replicates))
    sizes = np.bincount(clusters, minlength=n_clusters) / (len(clusters) / n_clusters)
    quantile = _student(max(1.0, n_clusters**2 / float(sizes @ sizes) - 1))
    of_squares, of_products, of_sizes = (
        draws @ column / n_clusters for column in (influence**2, influence * sizes, sizes**2)
    )
    variance = (of_squares - 2 * moved * of_products + moved**2 * of_sizes) / (draws @ sizes / n_clusters) ** 2
    errors = np.sqrt(np.maximum(0.0, variance) / (n_clusters - 1))
    distance = np.divide(moved, errors, out=np.zeros_like(moved), where=errors > _NO_ERROR * np.ptp(influence))
    sides = np.quantile(distance, [(1 + _CONFIDENCE) / 2, (1 - _CONFIDENCE) / 2]) * (1, -1)
    most = _MOST_QUANTILES if n_clusters >= ENOUGH_CLIPS else 1.0
    below, above = np.clip(sides * n_clusters / (n_clusters - 1), quantile, most * quantile)
    error = _standard_error(influence)
    return Interval(value, value - float(below) * error, value + float(above) * error)


def _standard_error(influence: Floats) -> float:
    return float(np.std(influence) / np.sqrt(len(influence) - 1))


def _effective_rows(share: float, error: float, n_rows: int, n_clusters: int) -> tuple[float, float]:
    """Return how many independent rows would be as uncertain, and the degrees of freedom of that.

    These are rows over the design effect, seen and assumed; Satterthwaite's (Biometrics 1946) for what was seen, never
    more than if there were twice as many clusters, as the assumption is no certainty.
    """
    rows_per_cluster = n_rows / n_clusters
    assumed_effect = 1 + (rows_per_cluster - 1) * _ASSUMED_CORRELATION
    spread = share * (1 - share) / n_rows
    seen_effect = max(error**2 / spread, 1 / rows_per_cluster) if spread > 0 else assumed_effect
    rarer = max(0.0, min(share, 1 - share)) * n_rows
    seen = rarer * seen_effect / (rarer + _ASSUMPTION_WEIGHT)
    effect = seen + _ASSUMPTION_WEIGHT * assumed_effect / (rarer + _ASSUMPTION_WEIGHT)
    freedom = (n_clusters - 1) * (effect / max(seen, _NO_ERROR * effect)) ** 2
    return n_rows / effect, min(freedom, 2 * n_clusters - 1)


def _wilson(share: float, rows: float, quantile: float) -> tuple[float, float]:
    widening = quantile**2 / rows
    middle = (share + widening / 2) / (1 + widening)
    half = quantile * np.sqrt(share * (1 - share) / rows + widening / rows / 4) / (1 + widening)
    return float(middle - half), float(middle + half)


def _correlation(a: Floats, b: Floats) -> float:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _combine(side_of_first: float, side_of_second: float, correlation: float) -> float:
    squared = side_of_first**2 + side_of_second**2 - 2 * correlation * side_of_first * side_of_second
    return float(np.sqrt(max(0.0, squared)))
