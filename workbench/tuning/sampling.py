"""Which frame is seen when: a plan for the whole run, decided before it starts.

A plan that is a pure function of the seed makes a run repeatable, and a resumed run equal to one that never stopped.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_BATCHES_PER_WINDOW = 50


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


def mix_in(plan: Sequence[Draw], *, first: int, frames: int, share: float, seed: int) -> list[Draw]:
    """Return the plan with a ``share`` of its draws, evenly spread, from ``frames`` others, numbered from ``first``.

    The plan's own draws keep their order and lose their end; the others are gone through epoch after epoch.
    """
    is_other = np.diff(np.floor(np.arange(len(plan) + 1) * share)).astype(bool)
    epochs = range(math.ceil(int(is_other.sum()) / frames))
    others = iter(
        Draw(epoch, first + int(index))
        for epoch in epochs
        for index in np.random.default_rng((seed, epoch, first)).permutation(frames)
    )
    own = iter(plan)
    return [next(others if other else own) for other in is_other]


def _epoch(per_epoch: "np.ndarray[tuple[int], np.dtype[np.float64]]", rng: np.random.Generator) -> list[int]:
    """Return one epoch's indices, as many as there are frames.

    Systematic sampling along the frames sorted by weight: every class gets its share in every epoch, up to one frame.
    """
    order = rng.permutation(len(per_epoch))
    order = order[np.argsort(per_epoch[order], kind="stable")]
    marks = np.cumsum(per_epoch[order]) + rng.random()
    times = np.diff(np.floor(marks), prepend=0).astype(int)
    return [int(index) for index in rng.permutation(np.repeat(order, times))]


def group_by_length(plan: Sequence[Draw], lengths: Sequence[int], *, batch_size: int, seed: int) -> list[Draw]:
    """Return the plan with draws of like length in one batch; ``lengths`` has one number per frame.

    Draws move within windows of some batches alone, whose order is shuffled again: a run still sees every epoch in its
    turn, and no length before the others.
    """
    grouped: list[Draw] = []
    window = batch_size * _BATCHES_PER_WINDOW
    for start in range(0, len(plan), window):
        by_length = sorted(plan[start : start + window], key=lambda draw: lengths[draw.index], reverse=True)
        batches = [by_length[first : first + batch_size] for first in range(0, len(by_length), batch_size)]
        last = [batches.pop()] if len(batches[-1]) < batch_size else []
        order = np.random.default_rng((seed, start)).permutation(len(batches))
        grouped += [draw for place in order for draw in batches[place]] + [draw for batch in last for draw in batch]
    return grouped
