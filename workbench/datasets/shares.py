"""How many frames each split is asked to hold: of all, of each camera, each class and each class at each camera."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.timelines import SPLITS, FrameToSplit
from workbench.domain import Split

__all__ = ["Shares", "Stratum"]

_IMPORTANCE = np.array([4.0, 1.0, 2.0])
"""What is not in train cannot be learnt, what is not in test is not measured; validation only chooses."""
_NOT_LEARNT = 16.0
"""What it counts that nothing at all is in train: test would then measure what nobody was taught."""


class Stratum(NamedTuple):
    """The frames of a camera, of a class, of both; or, where both are empty, all frames."""

    camera: str
    class_name: str

    def holds(self, frame: FrameToSplit) -> bool:
        return self.camera in ("", frame.camera) and self.class_name in ("", frame.class_name)

    def __str__(self) -> str:
        names = (f"class {self.class_name}" if self.class_name else "", f"camera {self.camera}" if self.camera else "")
        return " at ".join(name for name in names if name) or "the whole"


@dataclass(frozen=True, eq=False)
class Shares:
    """``asked`` is ``[splits, strata]``, in frames; ``open_splits`` are those that frames can be given to."""

    strata: tuple[Stratum, ...]
    asked: NDArray[np.float64]
    open_splits: tuple[int, ...]

    @classmethod
    def of(cls, frames: Sequence[FrameToSplit], fractions: Mapping[Split, float]) -> "Shares":
        """Return what to aim at: a held-out split with pinned frames keeps these alone, the others share the rest."""
        pairs = {(frame.camera, frame.class_name) for frame in frames}
        strata = tuple(sorted({stratum for pair in pairs for stratum in _strata(*pair)}))
        closed = {frame.pinned_to for frame in frames} & {Split.VALIDATION, Split.TEST}
        open_splits = tuple(index for index, split in enumerate(SPLITS) if split not in closed)
        shares = cls(strata, np.zeros((len(SPLITS), len(strata))), open_splits)
        for index in {*range(len(SPLITS))} - {*open_splits}:
            shares.asked[index] = shares.count(frame for frame in frames if frame.pinned_to == SPLITS[index])
        parts = np.array([fractions[SPLITS[index]] for index in open_splits])
        left = shares.count(frames) - shares.asked.sum(axis=0)
        shares.asked[list(open_splits)] = np.outer(parts / parts.sum(), left)
        return shares

    @property
    def of_open_splits(self) -> NDArray[np.float64]:
        """``[open_splits]``: which part each is asked to get of the frames that are theirs."""
        whole = self.asked[list(self.open_splits), 0]
        parts: NDArray[np.float64] = whole / whole.sum()
        return parts

    def count(self, frames: Iterable[FrameToSplit]) -> NDArray[np.float64]:
        """Return ``[strata]``: how many of ``frames`` are of each."""
        counts = np.zeros(len(self.strata))
        for pair, times in Counter((frame.camera, frame.class_name) for frame in frames).items():
            counts[self._columns(*pair)] += times
        return counts

    def members(self, frames: Sequence[FrameToSplit]) -> NDArray[np.float64]:
        """Return ``[frames, strata]``: 1 where the frame is one of the stratum, else 0."""
        pairs: dict[tuple[str, str], int] = {}
        kinds = [pairs.setdefault((frame.camera, frame.class_name), len(pairs)) for frame in frames]
        members = np.zeros((len(pairs), len(self.strata)))
        for pair, row in pairs.items():
            members[row, self._columns(*pair)] = 1
        return members[kinds] if kinds else members

    def distance(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``[...]``, how far splits with ``counts`` ``[..., splits, strata]`` are from what was asked.

        It sums up the squared part that is missing of each asked share, so that having none of one class is worse than
        having somewhat few of two. All cameras together weigh as much as all classes, all pairs, or the whole.
        """
        missing = np.maximum((self.asked - counts) / self._asked_of_any, 0)
        not_learnt = (missing[..., 0, :] == 1) @ self._weights
        distance: NDArray[np.float64] = (missing**2 @ self._weights) @ _IMPORTANCE + _NOT_LEARNT * not_learnt
        return distance

    def _columns(self, camera: str, class_name: str) -> list[int]:
        return [self._places[stratum] for stratum in _strata(camera, class_name)]

    @cached_property
    def _places(self) -> dict[Stratum, int]:
        return {stratum: place for place, stratum in enumerate(self.strata)}

    @cached_property
    def _asked_of_any(self) -> NDArray[np.float64]:
        return np.where(self.asked > 0, self.asked, 1)

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        kinds = [(bool(stratum.camera), bool(stratum.class_name)) for stratum in self.strata]
        return np.array([1 / kinds.count(kind) for kind in kinds])


def _strata(camera: str, class_name: str) -> tuple[Stratum, ...]:
    return Stratum("", ""), Stratum(camera, ""), Stratum("", class_name), Stratum(camera, class_name)
