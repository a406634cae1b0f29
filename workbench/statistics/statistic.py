"""A metric as a function of sums over rows, which is what makes it cheap to resample.

Accuracy, F1, corpus BLEU, METEOR, a mean of scores: each is a function of a few numbers added up over the rows. A
bootstrap then needs only weighted sums, never a second look at the captions.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["Bools", "Floats", "Integers", "Statistic", "mean_of"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Statistic:
    """``rows`` is float64 ``[n_rows, k]``; ``value_of`` maps sums ``[..., k]`` to values ``[...]`` in ``[0, upper]``.

    ``is_share`` marks a share of right answers, whose error near 0 and 1 is that of counting (see ``intervals``).
    """

    name: str
    rows: Floats
    value_of: Callable[[Floats], Floats]
    upper: float = 1.0
    is_share: bool = False

    @property
    def value(self) -> float:
        return float(self.value_of(self.rows.sum(axis=0)))

    def of_rows(self, chosen: Bools) -> "Statistic":
        """Return the same metric on the rows where ``chosen`` (bool ``[n_rows]``) holds."""
        return replace(self, rows=self.rows[chosen])


def mean_of(
    name: str, scores: Floats, *, weights: Floats | None = None, upper: float = 1.0, is_share: bool = False
) -> Statistic:
    """Return the mean of ``scores`` (``[n_rows]``), weighted where weights are given, as a statistic."""
    of_rows = np.ones(len(scores)) if weights is None else weights
    rows = np.stack([np.asarray(scores, dtype=np.float64) * of_rows, of_rows], axis=1)
    return Statistic(name, rows, _ratio, upper, is_share)


def _ratio(sums: Floats) -> Floats:
    ratio: Floats = sums[..., 0] / sums[..., 1]
    return ratio
