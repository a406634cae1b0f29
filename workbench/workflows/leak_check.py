"""The leak check of a set of frames that are about to be split, or were: their pictures compared across splits."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.leak_report import Leak, LeakOutcome, LeakReport, leaks_of
from workbench.datasets.leaks import GOLDEN, RANKS, LeakPair, LeakRules, find_leaks, nearness
from workbench.datasets.looks import Looks
from workbench.datasets.manifest import ManifestRow
from workbench.datasets.threads import one_thread
from workbench.footage.diversity import SAME_VIEW_DISTANCE
from workbench.footage.fingerprints import SAME_PICTURE_BITS
from workbench.progress import Progress, silent
from workbench.workflows.frame_looks import looks_of
from workbench.workflows.workspace import Workspace

__all__ = ["LeakCheck", "check_leaks"]

_RULES = LeakRules(SAME_PICTURE_BITS, SAME_VIEW_DISTANCE)
_GOLDEN_PART = "golden"


@dataclass(frozen=True, eq=False)
class LeakCheck:
    """``rows`` are those of the version, then ``golden`` ones; ``looks`` and ``ranks`` have one entry each.

    A pair of ``near_golden`` has a golden frame and one of train or validation; ``pairs`` are among the splits.
    """

    rows: tuple[ManifestRow, ...]
    golden: int
    ranks: NDArray[np.int8]
    looks: Looks
    pairs: tuple[LeakPair, ...]
    near_golden: tuple[LeakPair, ...]

    @property
    def places_near_golden(self) -> set[int]:
        return {pair.other for pair in self.near_golden}

    def without(self, places: set[int]) -> "LeakCheck":
        """Return the check of what stays when the rows at ``places`` are left out."""
        kept = np.array([place for place in range(len(self.rows)) if place not in places], np.intp)
        rows = tuple(self.rows[place] for place in kept)
        return LeakCheck(rows, self.golden, self.ranks[kept], self.looks.of(kept), (), ())

    def report(self, outcome: LeakOutcome, kept: "LeakCheck", pairs: Sequence[LeakPair]) -> LeakReport:
        """Return what to tell of ``pairs``, and how near the frames of ``kept`` are to each other."""
        with one_thread():
            near = nearness(kept.rows, kept.ranks, kept.looks, _RULES)
        return LeakReport(
            outcome=outcome,
            pictures=int(self.looks.known.sum()),
            held_out_frames=len({pair.held_out for pair in pairs}),
            other_frames=len({pair.other for pair in pairs}),
            leaks=self.told(pairs),
            near_golden_frames=len(self.places_near_golden),
            near_golden=self.told(self.near_golden),
            nearness=near,
        )

    def told(self, pairs: Sequence[LeakPair]) -> tuple[Leak, ...]:
        """Return the nearest of ``pairs`` of each held-out frame, for people."""
        version = len(self.rows) - self.golden
        parts = [*(row.split.value for row in self.rows[:version]), *(_GOLDEN_PART,) * self.golden]
        return leaks_of(pairs, self.rows, parts, self.looks)

    def clips(self, pairs: Sequence[LeakPair]) -> list[tuple[str, str, int]]:
        """Return which clips show the same, by name, and in how many held-out frames; the most first."""
        told = {(pair.held_out, self.rows[pair.held_out].clip_name, self.rows[pair.other].clip_name) for pair in pairs}
        counted = Counter((held_out, other) for _, held_out, other in told)
        return [(held_out, other, count) for (held_out, other), count in counted.most_common()]


def check_leaks(
    workspace: Workspace,
    rows: Sequence[ManifestRow],
    gaps_s: Mapping[str, float],
    *,
    golden: Sequence[ManifestRow] = (),
    gone: Collection[str] = (),
    progress: Progress = silent,
) -> LeakCheck:
    """Compare ``rows`` across their splits, and those of train and validation with ``golden`` ones.

    Frames whose pictures are ``gone`` are told by their time alone. StorageError when another one cannot be read.
    """
    every = (*rows, *golden)
    looks = looks_of(workspace, [row.frame_id for row in every], gone=gone, progress=progress)
    ranks = np.fromiter(chain((RANKS[row.split] for row in rows), (GOLDEN for _ in golden)), np.int8, len(every))
    progress(0, None, "comparing pictures across splits")
    with one_thread():
        found = find_leaks(every, ranks, looks, gaps_s, _RULES)
    near_golden = tuple(pair for pair in found if ranks[pair.held_out] == GOLDEN)
    left_out = {pair.other for pair in near_golden}
    pairs = tuple(pair for pair in found if ranks[pair.held_out] < GOLDEN and not left_out & {*pair[:2]})
    return LeakCheck(every, len(golden), ranks, looks, pairs, near_golden)
