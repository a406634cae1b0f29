"""How pictures look, as arrays: perceptual hashes and embeddings, and which of many pairs are near."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Looks", "NearPairs", "pairs_by_embedding", "pairs_by_hash"]

_HASHES_AT_ONCE, _EMBEDDINGS_AT_ONCE = 200_000, 2_000_000
"""Pairs at once: as many hashes as the processor's cache holds, as many embeddings as keep its cores busy."""
_SURVIVORS = 0.02
_BARE = 0.25

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Looks:
    """Hashes ``[frames, words]`` of 64 bits each, and embeddings ``[frames, width]`` of unit length.

    ``known`` ``[frames]`` tells of which frames there is a picture; the rows of others mean nothing.
    """

    hashes: NDArray[np.uint64]
    embeddings: NDArray[np.float32]
    known: NDArray[np.bool_]

    @property
    def has_structure(self) -> NDArray[np.bool_]:
        """``[frames]``: whether the hash means something; half of the bits of a picture are set, of a bare one none."""
        bits = np.bitwise_count(self.hashes).sum(axis=1)
        tells: NDArray[np.bool_] = self.known & (bits > _BARE * 64 * self.hashes.shape[1])
        return tells

    def of(self, places: Indices) -> "Looks":
        return Looks(self.hashes[places], self.embeddings[places], self.known[places])


@dataclass(frozen=True, eq=False)
class NearPairs:
    """Pairs ``[pairs]`` of places with their distance: bits, or cosine distance."""

    first: Indices
    second: Indices
    distance: NDArray[Any]


def pairs_by_hash(hashes: NDArray[np.uint64], first: Indices, second: Indices, *, most_bits: int) -> NearPairs:
    """Return the pairs of a place of ``first`` and one of ``second`` whose hashes differ in at most ``most_bits``."""
    words = np.ascontiguousarray(hashes[second].T)
    found = []
    for some in _chunks(first, len(second), _HASHES_AT_ONCE):
        rows, columns = _true(_may_be_near(hashes[some], words, most_bits))
        bits = np.bitwise_count(hashes[some[rows]] ^ hashes[second[columns]]).sum(axis=1, dtype=np.int16)
        kept = bits <= most_bits
        found.append((some[rows[kept]], second[columns[kept]], bits[kept]))
    return _joined(found, np.int16)


def pairs_by_embedding(
    embeddings: NDArray[np.float32], first: Indices, second: Indices, *, most_distance: float
) -> NearPairs:
    """Return the pairs of a place of ``first`` and one of ``second`` that are at most ``most_distance`` apart."""
    wanted = np.ascontiguousarray(embeddings[second].T)
    found = []
    for some in _chunks(first, len(second), _EMBEDDINGS_AT_ONCE):
        alike = embeddings[some] @ wanted
        rows, columns = _true(alike >= 1 - most_distance)
        found.append((some[rows], second[columns], 1 - alike[rows, columns]))
    return _joined(found, np.float32)


def _may_be_near(hashes: NDArray[np.uint64], words: NDArray[np.uint64], most_bits: int) -> NDArray[np.bool_]:
    """Return ``[first, second]``: whether some leading words differ little enough; all of them where few tell little.

    One word is four times as quick to compare as four; but pictures of one camera agree in many a word.
    """
    bits = np.bitwise_count(hashes[:, 0, None] ^ words[0])
    near: NDArray[np.bool_] = bits <= most_bits
    if np.count_nonzero(near) > _SURVIVORS * near.size:
        for word in range(1, len(words)):
            bits = np.minimum(bits, most_bits + 1) + np.bitwise_count(hashes[:, word, None] ^ words[word])
        near = bits <= most_bits
    return near


def _true(matrix: NDArray[np.bool_]) -> tuple[Indices, Indices]:
    """Return rows and columns of what is true, which NumPy's own ``nonzero`` takes many times as long for."""
    return np.divmod(np.flatnonzero(matrix), matrix.shape[1])


def _chunks(places: Indices, partners: int, pairs_at_once: int) -> Iterator[Indices]:
    step = max(1, pairs_at_once // max(1, partners))
    for start in range(0, len(places), step):
        yield places[start : start + step]


def _joined(found: list[tuple[Indices, Indices, NDArray[Any]]], distances: type) -> NearPairs:
    nothing = np.zeros(0, np.intp)
    first, second, distance = zip((nothing, nothing, np.zeros(0, distances)), *found, strict=True)
    return NearPairs(np.concatenate(first), np.concatenate(second), np.concatenate(distance))
