"""CIDEr as pycocoevalcap computes it, which is CIDEr-D (clipped counts, a length penalty, sigma 6), and plain CIDEr.

Vedantam, Zitnick, Parikh, "CIDEr: Consensus-based Image Description Evaluation", CVPR 2015. Document frequencies come
from the references of the evaluated set, so that a score depends on the set it is measured in and a set of one image
scores 0. Lengths are counted in bigrams, as in the reference implementation.
"""

import numpy as np
from scipy import sparse

from workbench.evaluation.ngrams import MAX_ORDER, NgramCounts
from workbench.statistics.statistic import Floats

__all__ = ["CIDER_UPPER", "cider_scores", "plain_cider_scores"]

CIDER_UPPER = 10.0
_SIGMA = 6.0


def cider_scores(counts: NgramCounts) -> Floats:
    """Return one score in ``[0, 10]`` per image; the corpus value is their mean."""
    return _per_image(counts, _similarities(counts, clips=True) * _length_penalty(counts))


def plain_cider_scores(counts: NgramCounts) -> Floats:
    """Return CIDEr without the D: no clipping and no length penalty, so that saying a word again and again pays."""
    return _per_image(counts, _similarities(counts, clips=False))


def _per_image(counts: NgramCounts, per_reference: Floats) -> Floats:
    per_image = np.bincount(counts.owner, weights=per_reference, minlength=counts.n_images)
    references_per_image = np.bincount(counts.owner, minlength=counts.n_images)
    scores: Floats = CIDER_UPPER * per_image / references_per_image
    return scores


def _similarities(counts: NgramCounts, *, clips: bool) -> Floats:
    """Return per reference the cosine of its tf-idf vector and its candidate's, mean over the orders."""
    sums = np.zeros(len(counts.owner))
    for order in range(1, MAX_ORDER + 1):
        weights = _inverse_document_frequencies(counts, order)
        references = counts.references(order)
        said = counts.matched[order - 1] if clips else counts.candidates(order)[counts.owner]
        overlap = _weighted(said.multiply(references).tocsr(), weights).sum(axis=1).A1
        norms = _norms(counts.candidates(order), weights)[counts.owner] * _norms(references, weights)
        sums += np.divide(overlap, norms, out=np.zeros(len(overlap)), where=norms != 0)
    return sums / MAX_ORDER


def _inverse_document_frequencies(counts: NgramCounts, order: int) -> Floats:
    references = counts.references(order)
    first_of_image = np.searchsorted(counts.owner, np.arange(counts.n_images + 1))
    by_image = sparse.csr_matrix(
        (np.ones(len(references.indices)), references.indices.copy(), references.indptr[first_of_image]),
        shape=(counts.n_images, references.shape[1]),
    )
    by_image.sum_duplicates()
    frequencies = np.bincount(by_image.indices, minlength=references.shape[1])
    weights: Floats = np.log(float(counts.n_images)) - np.log(np.maximum(1.0, frequencies))
    return weights


def _weighted(products: sparse.csr_matrix, weights: Floats) -> sparse.csr_matrix:
    """Return products of two counts as products of two tf-idf values."""
    return sparse.csr_matrix(
        (products.data * weights[products.indices] ** 2, products.indices, products.indptr), shape=products.shape
    )


def _norms(matrix: sparse.csr_matrix, weights: Floats) -> Floats:
    squares = sparse.csr_matrix((matrix.data**2, matrix.indices, matrix.indptr), shape=matrix.shape)
    norms: Floats = np.sqrt(_weighted(squares, weights).sum(axis=1).A1)
    return norms


def _length_penalty(counts: NgramCounts) -> Floats:
    candidate_bigrams = np.maximum(0, counts.candidate_lengths - 1)
    reference_bigrams = np.maximum(0, counts.reference_lengths - 1)
    gap = candidate_bigrams[counts.owner] - reference_bigrams
    penalty: Floats = np.exp(-(gap.astype(np.float64) ** 2) / (2 * _SIGMA**2))
    return penalty
