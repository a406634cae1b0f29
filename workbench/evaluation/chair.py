"""CHAIR: how many of the objects that captions speak of are not there.

Rohrbach et al., "Object Hallucination in Image Captioning", EMNLP 2018. It reads words, not sentences: "no truck"
mentions a truck, and what has no word in the mapping is never counted.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.evaluation.object_words import ObjectWords
from workbench.statistics.statistic import Floats, Statistic, mean_of

__all__ = ["ChairScores", "chair"]


@dataclass(frozen=True)
class ChairScores:
    """``statistics`` are chair_s (share of captions that name something absent) and chair_i (share of mentions).

    ``hallucinated`` are per caption the absent objects it names. Without any mention chair_i is 0 and says nothing.
    """

    statistics: tuple[Statistic, Statistic]
    hallucinated: tuple[tuple[str, ...], ...]
    mentions: int


def chair(captions: Sequence[str], present: Sequence[Collection[str]], words: ObjectWords) -> ChairScores:
    """Measure one caption per frame against the objects that are there: annotated, or named in a reference."""
    mentions = [words.mentions(caption) for caption in captions]
    hallucinated = tuple(
        tuple(name for name in named if name not in there) for named, there in zip(mentions, present, strict=True)
    )
    counts = np.array([[len(absent), len(named)] for absent, named in zip(hallucinated, mentions, strict=True)])
    rows = counts.reshape(-1, 2).astype(np.float64)
    of_captions = mean_of("chair_s", (rows[:, 0] > 0).astype(np.float64), is_share=True)
    return ChairScores((of_captions, Statistic("chair_i", rows, _share)), hallucinated, int(rows[:, 1].sum()))


def _share(sums: Floats) -> Floats:
    share: Floats = np.divide(sums[..., 0], sums[..., 1], out=np.zeros(sums.shape[:-1]), where=sums[..., 1] > 0)
    return share
