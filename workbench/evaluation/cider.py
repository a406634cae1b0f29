"""CIDEr as pycocoevalcap computes it, which is CIDEr-D: clipped counts, a length penalty (sigma 6), times 10.

Vedantam, Zitnick, Parikh, "CIDEr: Consensus-based Image Description Evaluation", CVPR 2015. Document frequencies come
from the references of the evaluated set, so that a score depends on the set it is measured in and a set of one image
scores 0. Lengths are counted in bigrams, as in the reference implementation.
"""

import numpy as np
from scipy import sparse

from workbench.evaluation.ngrams import MAX_ORDER, NgramCounts
from workbench.statistics.statistic import Floats

__all__ = ["CIDER_UPPER", "cider_scores"]

CIDER_UPPER = 10.0
_SIGMA = 6.0


def cider_scores(counts: NgramCounts) -> Floats:
    """Return one score in ``[0, 10]`` per image; the corpus value is their mean."""
    similarities = sum((_similarities(counts, order) for order in range(1, MAX_ORDER + 1)), np.zeros(len(counts.owner)))
    per_reference = similarities / MAX_ORDER * _length_penalty(counts)
    per_image = np.bincount(counts.owner, weights=per_reference, minlength=counts.n_images)
    references_per_image = np.bincount(counts.owner, minlength=counts.n_images)
    scores: Floats = CIDER_UPPER * per_image / references_per_image
    return scores


def _similarities(counts: NgramCounts, order: int) -> Floats:
    """Return per reference the clipped cosine of its tf-idf vector and its candidate's."""
    weights = _inverse_document_frequencies(counts, order)
    candidates = counts.candidates(order).multiply(weights).tocsr()
    references = counts.references(order).multiply(weights).tocsr()
    overlap = candidates[counts.owner].minimum(references).multiply(references).sum(axis=1).A1
    norms = _norms(candidates)[counts.owner] * _norms(references)
    cosine: Floats = np.divide(overlap, norms, out=np.zeros(len(overlap)), where=norms != 0)
    return cosine


def _inverse_document_frequencies(counts: NgramCounts, order: int) -> Floats:
    references = counts.references(order).tocoo()
    image_and_gram = np.unique(np.stack([counts.owner[references.row], references.col]), axis=1)
    frequencies = np.bincount(image_and_gram[1], minlength=references.shape[1])
    weights: Floats = np.log(float(counts.n_images)) - np.log(np.maximum(1.0, frequencies))
    return weights


def _norms(matrix: sparse.csr_matrix) -> Floats:
    norms: Floats = np.sqrt(matrix.multiply(matrix).sum(axis=1).A1)
    return norms


def _length_penalty(counts: NgramCounts) -> Floats:
    candidate_bigrams = np.maximum(0, counts.candidate_lengths - 1)
    reference_bigrams = np.maximum(0, counts.reference_lengths - 1)
    gap = candidate_bigrams[counts.owner] - reference_bigrams
    penalty: Floats = np.exp(-(gap.astype(np.float64) ** 2) / (2 * _SIGMA**2))
    return penalty
