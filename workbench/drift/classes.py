"""Does the model answer the classes as often as before? A G-test by block permutation, with two effect sizes.

The population stability index is the field's habit (below 0.1: stable; above 0.2: look); the Jensen-Shannon divergence
(in bits, 0 to 1) does not depend on which window is the reference. Half a frame is added to each class, so that a
class that was never answered does not make them infinite.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.drift.window import Floats, Integers

__all__ = ["ClassDrift", "class_drift"]

_ADDED = 0.5


@dataclass(frozen=True)
class ClassDrift:
    population_stability_index: float
    jensen_shannon_bits: float
    p_value: float


def class_drift(classes: Sequence[str], blocks: Integers, permutations: Floats) -> ClassDrift:
    """Test the answers of both windows together; ``blocks`` (``[n_frames]``) and ``permutations`` as for embeddings."""
    names, places = np.unique(np.array(classes), return_inverse=True)
    by_block = np.zeros((int(blocks.max()) + 1, len(names)))
    np.add.at(by_block, (blocks, places), 1)
    current = permutations @ by_block
    reference = by_block.sum(axis=0) - current
    statistic = _g_statistic(reference, current)
    shares = [(counts[0] + _ADDED) / (counts[0] + _ADDED).sum() for counts in (reference, current)]
    return ClassDrift(
        population_stability_index=float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum()),
        jensen_shannon_bits=_jensen_shannon_bits(*shares),
        p_value=float((statistic >= statistic[0] - 1e-9).mean()),
    )


def _g_statistic(reference: Floats, current: Floats) -> Floats:
    """Return ``[n]`` likelihood-ratio statistics of the two rows of counts ``[n, n_classes]``."""
    total = reference + current
    statistic = np.zeros(len(total))
    for counts in (reference, current):
        expected = total * (counts.sum(axis=1) / total.sum(axis=1))[:, None]
        ratio = np.divide(counts, expected, out=np.ones_like(counts), where=(counts > 0) & (expected > 0))
        statistic += 2 * (counts * np.log(ratio)).sum(axis=1)
    return statistic


def _jensen_shannon_bits(first: Floats, second: Floats) -> float:
    middle = (first + second) / 2
    return float(sum((share * np.log2(share / middle)).sum() / 2 for share in (first, second)))
