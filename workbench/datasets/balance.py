"""How good a split is, and a seeded search for a good one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.timelines import SPLITS, FrameToSplit
from workbench.domain import Split

__all__ = ["Balance", "choose"]

_RESTARTS = 4
_EMPTY_SPLIT = 2.0
_DROPPED = 1.0
_UNEVEN = 0.5
_MISSING = np.array([0.4, 0.1, 0.25])
"""What a class costs that is missing in train, validation or test."""


@dataclass(frozen=True, eq=False)
class Balance:
    """``strata`` are all frames, each class and each camera; ``totals`` is ``[strata]``, ``wanted`` is ``[splits]``."""

    strata: tuple[tuple[str, str], ...]
    totals: NDArray[np.float64]
    wanted: NDArray[np.float64]
    open_splits: tuple[int, ...]

    @classmethod
    def of(cls, frames: Sequence[FrameToSplit], fractions: Mapping[Split, float]) -> "Balance":
        """Return what to aim at: a held-out split with pinned frames keeps these alone, the others share the rest."""
        members = [stratum for frame in frames for stratum in _strata(frame)]
        strata = tuple(sorted(set(members)))
        pins = np.bincount(
            [SPLITS.index(frame.pinned_to) for frame in frames if frame.pinned_to], minlength=len(SPLITS)
        )
        closed = [split != Split.TRAIN and pins[index] > 0 for index, split in enumerate(SPLITS)]
        open_splits = tuple(index for index in range(len(SPLITS)) if not closed[index])
        wanted = np.where(closed, pins / len(frames), 0.0)
        open_share = sum(fractions[SPLITS[index]] for index in open_splits)
        for index in open_splits:
            wanted[index] = (1 - pins[closed].sum() / len(frames)) * fractions[SPLITS[index]] / open_share
        return cls(strata, np.array([members.count(stratum) for stratum in strata], dtype=float), wanted, open_splits)

    def counts(
        self, frames: Sequence[FrameToSplit], choices: NDArray[np.int64], kept: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Return how many frames ``[options, splits, strata]`` of a block stay in each split."""
        membership = np.array([[stratum in _strata(frame) for stratum in self.strata] for frame in frames], dtype=float)
        return np.stack([((choices == split) & kept) @ membership for split in range(len(SPLITS))], axis=1)

    def cost(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the cost ``[options]`` of splits with ``counts`` ``[options, splits, strata]``; lower is better."""
        whole = counts[:, :, 0]
        kept = np.maximum(counts.sum(axis=1), 1)
        unevenness = np.abs(counts / kept[:, None, :] - self.wanted[:, None]).sum(axis=1)
        is_class = np.array([kind == "class" for kind, _ in self.strata])
        missing = (counts[:, :, is_class] == 0).sum(axis=2) @ _MISSING
        empty = (whole == 0).sum(axis=1)
        dropped = 1 - whole.sum(axis=1) / self.totals[0]
        cost: NDArray[np.float64] = (
            unevenness[:, 0]
            + _UNEVEN * unevenness[:, 1:].mean(axis=1)
            + missing
            + _EMPTY_SPLIT * empty
            + _DROPPED * dropped
        )
        return cost


def choose(balance: Balance, counts: Sequence[NDArray[np.float64]], *, seed: int) -> list[int]:
    """Return for each block the index of its option in the best split found.

    From a few random orders of the blocks, each is given its best option in turn, again and again until nothing gets
    better (coordinate descent).
    """
    generator = np.random.default_rng(seed)
    best_cost, best = np.inf, [0] * len(counts)
    for _ in range(_RESTARTS):
        chosen, cost = _descend(balance, counts, generator.permutation(len(counts)))
        if cost < best_cost - 1e-9:
            best_cost, best = cost, chosen
    return best


def _descend(
    balance: Balance, counts: Sequence[NDArray[np.float64]], order: NDArray[np.int64]
) -> tuple[list[int], float]:
    chosen = [-1] * len(counts)
    total = np.zeros((len(SPLITS), len(balance.strata)))
    cost = np.inf
    while True:
        for index in order:
            rest = total - counts[index][chosen[index]] if chosen[index] >= 0 else total
            chosen[index] = int(balance.cost(rest + counts[index]).argmin())
            total = rest + counts[index][chosen[index]]
        improved = float(balance.cost(total[None])[0])
        if improved >= cost - 1e-9:
            return chosen, improved
        cost = improved


def _strata(frame: FrameToSplit) -> tuple[tuple[str, str], ...]:
    return ("", ""), ("class", frame.class_name), ("camera", frame.camera)
