"""How often a labeller is right where the answer is known."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.domain import Interval, Verdict
from workbench.statistics.intervals import interval_of
from workbench.statistics.statistic import Integers, mean_of

__all__ = ["GoldScore", "score_of"]


@dataclass(frozen=True)
class GoldScore:
    """``right`` is a share with Wilson's bounds on the number of independent frames; ``said`` counts by known class.

    ``verdict`` is a failure only where even the upper bound lies below what is asked.
    """

    frames: int
    right: Interval
    verdict: Verdict
    said: Mapping[str, Mapping[str, int]]

    @property
    def mistakes(self) -> tuple[str, ...]:
        """What was taken for what, most often first: ``truck for person (2)`` where the known class is truck."""
        wrong = [(n, said, known) for known, row in self.said.items() for said, n in row.items() if said != known]
        return tuple(f"{known} for {said} ({n})" for n, said, known in sorted(wrong, key=lambda one: -one[0]))


def score_of(known: Sequence[str], said: Sequence[str], clusters: Integers, *, asked: float) -> GoldScore:
    """Compare at least one answer with what is known of the same frame; ``asked`` is the least share to be right."""
    hits = np.array([a == b for a, b in zip(known, said, strict=True)], dtype=np.float64)
    right = interval_of(mean_of("right", hits, is_share=True), clusters)
    counted = Counter(zip(known, said, strict=True))
    confusion = {a: {b: counted[a, b] for b in sorted(set(said)) if counted[a, b]} for a in sorted(set(known))}
    return GoldScore(len(hits), right, _verdict(right, asked), confusion)


def _verdict(right: Interval, asked: float) -> Verdict:
    if right.high < asked:
        return Verdict.FAIL
    return Verdict.PASS if right.low >= asked else Verdict.NO_EVIDENCE
