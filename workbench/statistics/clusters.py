"""Which rows stand and fall together: frames of one clip, or of one stretch of time when there are few clips."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from workbench.statistics.statistic import Integers

__all__ = ["ENOUGH_CLIPS", "clips_of", "clusters_of"]

ENOUGH_CLIPS = 4
_STRETCHES = 6


def clips_of(clip_ids: Sequence[str]) -> Integers:
    """Return ``[n_rows]``: the clip of each row, numbered from 0: what a test swaps, however few there are."""
    clips: Integers = np.unique(np.array(clip_ids, dtype=object).astype(str), return_inverse=True)[1].astype(np.int64)
    return clips


def clusters_of(clip_ids: Sequence[str], taken_at: Sequence[datetime]) -> Integers:
    """Return ``[n_rows, 2]``: the clip and the stretch of time of each row, each numbered from 0, for an interval.

    With at least four clips a stretch is a clip. With fewer, each clip is cut into contiguous stretches, about six in
    all, no shorter than the cube root of the number of rows (the usual block length for dependent data) where a clip
    is long enough. Stretches of one clip are less independent than clips: for shares and differences few long ones make
    up for most of that, as is simulated in ``benchmarks/evaluation.py``; for scores and tests they would not do.
    """
    clips = clips_of(clip_ids)
    n_clips = int(clips.max(initial=-1)) + 1
    if n_clips >= ENOUGH_CLIPS:
        return np.stack([clips, clips], axis=1)
    n_rows = len(clips)
    block_length = max(n_rows ** (1 / 3), n_rows / _STRETCHES)
    stretches = np.zeros(n_rows, dtype=np.int64)
    started = 0
    for clip in range(n_clips):
        rows = np.flatnonzero(clips == clip)
        rows = rows[np.argsort([taken_at[row] for row in rows], kind="stable")]
        n_blocks = max(1, int(len(rows) / block_length))
        stretches[rows] = started + np.arange(len(rows)) * n_blocks // len(rows)
        started += n_blocks
    return np.stack([clips, stretches], axis=1)
