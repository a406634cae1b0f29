"""Counts of word n-grams of many captions at once, as sparse matrices."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from scipy import sparse

from workbench.statistics.statistic import Integers

__all__ = ["MAX_ORDER", "NgramCounts", "Tokens", "count_ngrams", "owners_of"]

MAX_ORDER = 4

Tokens = Sequence[str]


@dataclass(frozen=True)
class NgramCounts:
    """``by_order[n - 1]`` is a CSR matrix ``[n_captions, n_distinct_ngrams]``; ``lengths`` are words per caption.

    Candidates stand first (one per image), references after them, those of one image together; ``owner`` is the image
    of each reference.
    """

    by_order: tuple[sparse.csr_matrix, ...]
    lengths: Integers
    owner: Integers
    n_images: int

    def candidates(self, order: int) -> sparse.csr_matrix:
        return self.by_order[order - 1][: self.n_images]

    def references(self, order: int) -> sparse.csr_matrix:
        return self.by_order[order - 1][self.n_images :]

    @cached_property
    def matched(self) -> tuple[sparse.csr_matrix, ...]:
        """Per order ``[n_references, n_distinct_ngrams]``: how often an n-gram is in reference and candidate both."""
        orders = range(1, MAX_ORDER + 1)
        return tuple(self.candidates(order)[self.owner].minimum(self.references(order)) for order in orders)

    @property
    def candidate_lengths(self) -> Integers:
        return self.lengths[: self.n_images]

    @property
    def reference_lengths(self) -> Integers:
        return self.lengths[self.n_images :]


def count_ngrams(candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> NgramCounts:
    """Count the n-grams of orders 1 to 4 of every candidate and of every reference."""
    captions = [*candidates, *chain.from_iterable(references)]
    lengths = np.array([len(tokens) for tokens in captions], dtype=np.int64)
    said = list(chain.from_iterable(captions))
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys(said))}
    words = np.fromiter(map(vocabulary.__getitem__, said), dtype=np.int64, count=len(said))
    caption_of = np.repeat(np.arange(len(captions)), lengths)
    matrices = [_counts(words, caption_of, len(captions))]
    grams = words
    for order in range(2, MAX_ORDER + 1):
        grams = _lengthen(grams, words[order - 1 :])
        inside = caption_of[: len(grams)] == caption_of[order - 1 :]
        matrices.append(_counts(grams[inside], caption_of[: len(grams)][inside], len(captions)))
    return NgramCounts(tuple(matrices), lengths, owners_of(references), len(candidates))


def owners_of(references: Sequence[Sequence[Tokens]]) -> Integers:
    """Return the index of the image that each reference belongs to, images in order."""
    return np.repeat(np.arange(len(references), dtype=np.int64), [len(group) for group in references])


def _lengthen(grams: Integers, next_words: Integers) -> Integers:
    """Number the n-grams made of each shorter one and the word after it; equal n-grams get equal numbers."""
    grams = grams[: len(next_words)]
    pairs = grams * (int(next_words.max(initial=0)) + 1) + next_words
    numbers: Integers = np.unique(pairs, return_inverse=True)[1].astype(np.int64)
    return numbers


def _counts(grams: Integers, caption_of: Integers, n_captions: int) -> sparse.csr_matrix:
    shape = (n_captions, int(grams.max(initial=0)) + 1)
    matrix = sparse.csr_matrix((np.ones(len(grams)), (caption_of, grams)), shape=shape)
    matrix.sum_duplicates()
    return matrix
