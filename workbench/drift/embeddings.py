"""Do two windows show the same kind of pictures? The energy distance of their embeddings, tested by block permutation.

Székely and Rizzo, "Energy statistics", JSPI 2013. Only pairs of frames from different blocks are counted, so that the
likeness of neighbouring frames does not pass for likeness of the window. The effect is the coefficient of
inhomogeneity, 0 when the windows are alike, 1 when nothing is shared; 0.05 is about half a standard deviation in every
direction.
"""

from dataclasses import dataclass

import numpy as np

from workbench.drift.window import Floats, Integers

__all__ = ["EmbeddingDrift", "embedding_drift"]


@dataclass(frozen=True)
class EmbeddingDrift:
    effect: float
    p_value: float


def embedding_drift(embeddings: Floats, blocks: Integers, permutations: Floats) -> EmbeddingDrift:
    """Test embeddings ``[n_frames, width]`` of both windows together; ``blocks`` is ``[n_frames]``.

    ``permutations`` says which blocks are current (``block_permutations``).
    """
    distances, pairs = _block_sums(embeddings, blocks)
    current, reference = permutations, 1 - permutations
    across = _mean(reference, distances, current, pairs)
    within = (_mean(reference, distances, reference, pairs) + _mean(current, distances, current, pairs)) / 2
    energy = across - within
    p_value = float((energy >= energy[0] - 1e-12).mean())
    return EmbeddingDrift(effect=float(max(0.0, energy[0] / across[0])) if across[0] else 0.0, p_value=p_value)


def _block_sums(embeddings: Floats, blocks: Integers) -> tuple[Floats, Floats]:
    """Return summed distances and counts of pairs between blocks, ``[n_blocks, n_blocks]``, none within a block."""
    squares = (embeddings**2).sum(axis=1)
    distances = np.sqrt(np.maximum(0.0, squares[:, None] + squares - 2 * embeddings @ embeddings.T))
    member = np.eye(int(blocks.max()) + 1)[blocks]
    sizes = member.sum(axis=0)
    between = 1 - np.eye(len(sizes))
    return member.T @ distances @ member * between, np.outer(sizes, sizes) * between


def _mean(left: Floats, distances: Floats, right: Floats, pairs: Floats) -> Floats:
    mean: Floats = ((left @ distances) * right).sum(axis=1) / ((left @ pairs) * right).sum(axis=1)
    return mean
