"""What a split could not do, in sentences."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.shares import Shares
from workbench.datasets.timelines import SPLITS, FrameToSplit
from workbench.domain import Split

__all__ = ["shortfalls"]

_FEW = 0.5
"""The part of an asked share below which a split is said to have too little."""


def shortfalls(
    frames: Sequence[FrameToSplit], splits: Mapping[str, Split], shares: Shares, gaps_s: Mapping[str, float]
) -> list[str]:
    """Say which cameras and classes have nothing, or less than half of their asked share, in a split, and why."""
    counts = np.array(
        [shares.count(frame for frame in frames if splits.get(frame.frame_id) == split) for split in SPLITS]
    )
    few = (counts == 0) | (counts < _FEW * shares.asked)
    return [
        f"{stratum} has {_listed(counts[:, column])} frames, asked were {_listed(shares.asked[:, column])}: "
        + _reason([frame for frame in frames if stratum.holds(frame)], shares.asked[few[:, column], column], gaps_s)
        for column, stratum in enumerate(shares.strata)
        if few[:, column].any() and not all(stratum)  # a class at one camera would say its class and camera again
    ]


def _reason(frames: Sequence[FrameToSplit], asked: NDArray[np.float64], gaps_s: Mapping[str, float]) -> str:
    if all(frame.pinned_to for frame in frames) or not asked.all():
        return "what people pinned leaves no choice"
    stretches = _stretches(frames, gaps_s)
    if stretches >= len(SPLITS):
        return f"they come from {stretches} stretches of time, and no nearer division of these was found"
    come_from = "a single stretch" if stretches == 1 else f"{stretches} stretches"
    return f"they come from {come_from} of time, where neighbours are near-equal; label more at other times"


def _stretches(frames: Sequence[FrameToSplit], gaps_s: Mapping[str, float]) -> int:
    """Count the stretches of time in which the frames were taken, each farther than its camera's gap from the next."""
    ordered = sorted(frames, key=lambda frame: (frame.camera, frame.taken_at))
    return 1 + sum(
        earlier.camera != later.camera or (later.taken_at - earlier.taken_at).total_seconds() > gaps_s[later.camera]
        for earlier, later in pairwise(ordered)
    )


def _listed(frames: NDArray[np.float64]) -> str:
    train, validation, test = (f"{count:.0f} {split}" for count, split in zip(frames, SPLITS, strict=True))
    return f"{train}, {validation} and {test}"
