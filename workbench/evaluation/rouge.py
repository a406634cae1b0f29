"""ROUGE-L as coco-caption computes it: beta 1.2, best precision and best recall over the references, each for itself.

Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004. An empty caption counts as one empty word, as in
the reference implementation.
"""

from collections.abc import Sequence

import numpy as np

from workbench.evaluation.ngrams import Tokens
from workbench.statistics.statistic import Floats

__all__ = ["rouge_l_scores"]

_BETA = 1.2
_EMPTY = ("",)


def rouge_l_scores(candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> Floats:
    """Return one score in ``[0, 1]`` per image; the corpus value is their mean."""
    pairs = zip(candidates, references, strict=True)
    return np.array([_rouge_l(candidate or _EMPTY, group) for candidate, group in pairs], dtype=np.float64)


def _rouge_l(candidate: Tokens, references: Sequence[Tokens]) -> float:
    positions = _bit_positions(candidate)
    common = [_common_length(positions, len(candidate), reference or _EMPTY) for reference in references]
    precision = max(common) / len(candidate)
    recall = max(length / len(reference or _EMPTY) for length, reference in zip(common, references, strict=True))
    if precision == 0 or recall == 0:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def _bit_positions(tokens: Tokens) -> dict[str, int]:
    positions: dict[str, int] = {}
    for place, token in enumerate(tokens):
        positions[token] = positions.get(token, 0) | 1 << place
    return positions


def _common_length(positions: dict[str, int], length: int, tokens: Tokens) -> int:
    """Length of the longest common subsequence, bit-parallel (Hyyrö 2004): a cleared bit is a step of its length."""
    everything = (1 << length) - 1
    row = everything
    for token in tokens:
        matches = row & positions.get(token, 0)
        row = (row + matches | row - matches) & everything
    return length - row.bit_count()
