"""Which frame is seen when: a plan for the whole run, decided before it starts.

A plan that is a pure function of the seed makes a run repeatable, and a resumed run equal to one that never stopped.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Draw:
    """The frame at ``index`` of the training split, seen in ``epoch``."""

    epoch: int
    index: int


def plan_draws(class_names: Sequence[str], *, draws: int, class_balance: float, seed: int) -> list[Draw]:
    """Plan ``draws`` draws from frames of ``class_names`` (one name per frame), epoch after epoch, each shuffled.

    A frame of a class with ``n`` frames is drawn in proportion to ``n ** -class_balance``: its whole share in every
    epoch, and the fraction that remains by chance.
    """
    counts = Counter(class_names)
    weights = np.array([counts[name] ** -class_balance for name in class_names])
    per_epoch = weights / weights.sum() * len(class_names)
    plan: list[Draw] = []
    for epoch in range(math.ceil(draws / len(class_names)) + 1):
        plan += [Draw(epoch, index) for index in _epoch(per_epoch, np.random.default_rng((seed, epoch)))]
        if len(plan) >= draws:
            break
    return plan[:draws]


def _epoch(per_epoch: "np.ndarray[tuple[int], np.dtype[np.float64]]", rng: np.random.Generator) -> list[int]:
    """Return one epoch's indices, as many as there are frames.

    Systematic sampling along the frames sorted by weight: every class gets its share in every epoch, up to one frame.
    """
    order = rng.permutation(len(per_epoch))
    order = order[np.argsort(per_epoch[order], kind="stable")]
    marks = np.cumsum(per_epoch[order]) + rng.random()
    times = np.diff(np.floor(marks), prepend=0).astype(int)
    return [int(index) for index in rng.permutation(np.repeat(order, times))]
