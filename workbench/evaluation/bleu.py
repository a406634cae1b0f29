"""Corpus BLEU-1 to BLEU-4 as coco-caption computes it: uncased tokens given, closest reference length.

Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL 2002. The two small constants are
coco-caption's; with them a set without any matching 4-gram scores about 1e-8 instead of 0.
"""

from functools import partial

import numpy as np

from workbench.evaluation.ngrams import MAX_ORDER, NgramCounts
from workbench.statistics.statistic import Floats, Statistic

__all__ = ["bleu"]

_SMALL, _TINY = 1e-9, 1e-15


def bleu(counts: NgramCounts) -> tuple[Statistic, ...]:
    """Return BLEU-1 to BLEU-4; a row holds candidate length, reference length, 4 matched and 4 possible n-grams."""
    lengths = counts.candidate_lengths
    orders = range(1, MAX_ORDER + 1)
    matched = [_matched(counts, order) for order in orders]
    possible = [np.maximum(0, lengths - order + 1) for order in orders]
    rows = np.stack([lengths, _closest_reference_lengths(counts), *matched, *possible], axis=1).astype(np.float64)
    return tuple(Statistic(f"bleu_{order}", rows, partial(_bleu_of_sums, order=order)) for order in orders)


def _matched(counts: NgramCounts, order: int) -> Floats:
    """Return per image how many candidate n-grams are in its references, each clipped to its largest count in one."""
    in_candidate = counts.matched[order - 1].tocoo()
    image, gram = counts.owner[in_candidate.row], in_candidate.col
    by_cell = np.lexsort((gram, image))
    image, gram, clipped = image[by_cell], gram[by_cell], in_candidate.data[by_cell]
    first = np.flatnonzero(np.diff(image, prepend=-1) | np.diff(gram, prepend=-1))
    if not len(first):
        return np.zeros(counts.n_images)
    largest = np.maximum.reduceat(clipped, first)
    matched: Floats = np.bincount(image[first], weights=largest, minlength=counts.n_images).astype(np.float64)
    return matched


def _closest_reference_lengths(counts: NgramCounts) -> Floats:
    """Return per image the reference length nearest to the candidate's; of two as near, the shorter."""
    gaps = np.abs(counts.reference_lengths - counts.candidate_lengths[counts.owner])
    order = np.lexsort((counts.reference_lengths, gaps, counts.owner))
    first = np.searchsorted(counts.owner[order], np.arange(counts.n_images))
    lengths: Floats = counts.reference_lengths[order][first].astype(np.float64)
    return lengths


def _bleu_of_sums(sums: Floats, *, order: int) -> Floats:
    length, reference_length = sums[..., 0], sums[..., 1]
    matched, possible = sums[..., 2 : 2 + order], sums[..., 2 + MAX_ORDER : 2 + MAX_ORDER + order]
    precision = np.prod((matched + _TINY) / (possible + _SMALL), axis=-1) ** (1 / order)
    ratio = (length + _TINY) / (reference_length + _SMALL)
    penalised: Floats = precision * np.exp(np.minimum(0.0, 1 - 1 / ratio))
    return penalised
