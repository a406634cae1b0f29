"""Which stills to ask about next: those that stand best for what is worth asking and not asked about yet.

Each choice is the still that brings all others, counted by their scores, nearest to one that was asked about or
chosen, times its own score. So neither a strange still that stands for nothing nor a fiftieth picture of the same car
is chosen. The sum is submodular: taking the best still again and again comes within 1 - 1/e of the best set there is
(Nemhauser, Wolsey and Fisher, Mathematical Programming 1978), and what a still is worth never grows, so that most need
not be worked out anew (Minoux, "Accelerated greedy algorithms", 1978).
"""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from workbench.labeling.signals import Floats, distances, novelty

__all__ = ["choose", "evenly_limited"]


def choose(
    scores: Floats,
    embeddings: Floats,
    *,
    size: int,
    cameras: Sequence[str],
    limits: Mapping[str, int] | None = None,
    known: Floats | None = None,
) -> list[int]:
    """Return the rows of at most ``size`` stills, the one to ask about first in front.

    ``scores`` are ``[stills]``, 0 to 1; ``embeddings`` ``[stills, width]`` and those of what was asked about already
    (``known`` ``[known, width]``) have unit length. A camera gives at most as many as ``limits`` says. A still with a
    score of 0 is not chosen. The same input gives the same choice; of equals the first row is taken. Memory is that of
    ``[stills, stills]`` numbers.
    """
    apart = distances(embeddings, embeddings)
    nearest = novelty(embeddings, embeddings[:0] if known is None else known)
    left = Counter(cameras) if limits is None else Counter(limits)
    chosen: list[int] = []
    gains = scores * (scores @ np.maximum(0.0, nearest[:, None] - apart))
    waiting = [(-gain, -score, row) for row, (gain, score) in enumerate(zip(gains, scores, strict=True)) if score]
    heapq.heapify(waiting)
    while waiting and len(chosen) < size:
        _, _, row = heapq.heappop(waiting)
        if left[cameras[row]] <= 0:
            continue
        gain = scores[row] * float(scores @ np.maximum(0.0, nearest - apart[row]))
        entry = (-gain, -scores[row], row)
        if waiting and entry > waiting[0]:
            heapq.heappush(waiting, entry)
            continue
        chosen.append(row)
        left[cameras[row]] -= 1
        nearest = np.minimum(nearest, apart[row])
    return chosen


def evenly_limited(available: Mapping[str, int], size: int) -> dict[str, int]:
    """Return how many of each camera make up ``size`` where all give the same, but those that have fewer."""
    limits: dict[str, int] = {}
    left = size
    for place, (camera, count) in enumerate(sorted(available.items(), key=lambda item: (item[1], item[0]))):
        limits[camera] = min(count, -(-left // (len(available) - place)))
        left -= limits[camera]
    return limits
