"""Which rows stand and fall together: frames of one clip, or of one stretch of time when there are few clips."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from workbench.statistics.statistic import Integers

__all__ = ["ENOUGH_CLIPS", "MAX_BLOCKS", "clusters_of"]

ENOUGH_CLIPS = 8
MAX_BLOCKS = 16


def clusters_of(clip_ids: Sequence[str], taken_at: Sequence[datetime]) -> Integers:
    """Return ``[n_rows]``: the cluster of each row, numbered from 0.

    With at least eight clips a cluster is a clip. With fewer, each clip is cut into contiguous stretches of time, at
    most sixteen in all, no shorter than the cube root of the number of rows (the usual block length for dependent
    data) where a clip is long enough. Stretches of one clip are less independent than clips: their intervals are
    honest only as far as a scene changes within a stretch.
    """
    clips: Integers = np.unique(np.array(clip_ids, dtype=object).astype(str), return_inverse=True)[1].astype(np.int64)
    n_clips = int(clips.max(initial=-1)) + 1
    if n_clips >= ENOUGH_CLIPS:
        return clips
    n_rows = len(clips)
    block_length = max(n_rows ** (1 / 3), n_rows / MAX_BLOCKS)
    clusters = np.zeros(n_rows, dtype=np.int64)
    started = 0
    for clip in range(n_clips):
        rows = np.flatnonzero(clips == clip)
        rows = rows[np.argsort([taken_at[row] for row in rows], kind="stable")]
        n_blocks = max(1, int(len(rows) / block_length))
        clusters[rows] = started + np.arange(len(rows)) * n_blocks // len(rows)
        started += n_blocks
    return clusters
