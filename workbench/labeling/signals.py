"""What speaks for asking about a still, as numbers: the higher, the more.

Signals are as different as a probability and a distance, so they are compared by rank: see :func:`ranks`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.domain import Signal

__all__ = [
    "Floats",
    "Integers",
    "class_doubt",
    "class_entropy",
    "combined",
    "divergence",
    "newness",
    "novelty",
    "ranks",
    "uncertainty",
    "without_usual_view",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_TINY = 1e-12
_FARTHEST = 2.0
"""The distance of opposite directions: how far a still is from the nearest of none."""
_AT_ONCE = 512


def class_entropy(probabilities: Floats) -> Floats:
    """Return ``[stills]`` entropies of ``[stills, classes]`` in units of the largest possible one."""
    entropy: Floats = -(probabilities * np.log(probabilities + _TINY)).sum(axis=1) / np.log(probabilities.shape[1])
    return entropy


def class_doubt(probabilities: Floats) -> Floats:
    """Return ``[stills]``: how little the likeliest class is ahead of the next, 0 to 1."""
    ordered = np.sort(probabilities, axis=1)
    doubt: Floats = 1 - (ordered[:, -1] - ordered[:, -2])
    return doubt


def uncertainty(probabilities: Floats, caption_log_likelihoods: Floats | None = None) -> Floats:
    """Return ``[stills]`` mean ranks of entropy, doubt and, where given, how unlikely the model finds its caption.

    ``caption_log_likelihoods`` are means over the tokens of the model's own captions, in nats.
    """
    parts = [ranks(class_entropy(probabilities)), ranks(class_doubt(probabilities))]
    if caption_log_likelihoods is not None:
        parts.append(ranks(-caption_log_likelihoods))
    mean: Floats = np.mean(parts, axis=0)
    return mean


def divergence(first: Floats, second: Floats) -> Floats:
    """Return ``[stills]`` Jensen-Shannon divergences of two models' ``[stills, classes]`` in bits, 0 to 1.

    Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions on Information Theory, 1991.
    """
    middle = (first + second) / 2
    halves = [(part * np.log2((part + _TINY) / (middle + _TINY))).sum(axis=1) / 2 for part in (first, second)]
    bits: Floats = np.maximum(0.0, halves[0] + halves[1])
    return bits


def novelty(embeddings: Floats, known: Floats) -> Floats:
    """Return how far each of ``[stills, width]`` is from the nearest of the ``known`` ``[known, width]``.

    Rows have unit length; where nothing is known all are equally far.
    """
    nearest = np.full(len(embeddings), _FARTHEST)
    for start in range(0, len(known), _AT_ONCE):
        nearest = np.minimum(nearest, distances(embeddings, known[start : start + _AT_ONCE]).min(axis=1))
    return nearest


def newness(embeddings: Floats, before: Floats, since: Floats) -> Floats:
    """Return how much more alike each of ``[stills, width]`` is to what is seen ``since`` than to what was ``before``.

    All rows have unit length; the measure is the difference of the mean cosines, so that means are all that is needed.
    """
    centre_before = before.mean(axis=0) if len(before) else np.zeros(embeddings.shape[1])
    more: Floats = embeddings @ (since.mean(axis=0) - centre_before)
    return more


def without_usual_view(embeddings: NDArray[Any], cameras: Sequence[str]) -> Floats:
    """Return ``[stills, width]`` as unit rows in which only that counts in which a still differs from its camera's.

    Nearly all that an embedding of a fixed camera's picture tells is which camera it is; what happens is the rest.
    """
    rest, names = embeddings.astype(np.float64), np.array(cameras)
    for camera in set(cameras):
        rest[names == camera] -= rest[names == camera].mean(axis=0)
    lengths = np.linalg.norm(rest, axis=1, keepdims=True)
    unit: Floats = rest / np.maximum(lengths, _TINY)
    return unit


def distances(first: Floats, second: Floats) -> Floats:
    """Return Euclidean ``[first, second]`` of rows of unit length, 0 to 2."""
    far: Floats = np.sqrt(np.maximum(0.0, 2 - 2 * (first @ second.T)))
    return far


def ranks(values: Floats) -> Floats:
    """Return ``[stills]`` above 0 and below 1: the share of values that each one exceeds, equal ones sharing theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - counts / 2
    shares: Floats = middles[places] / max(1, len(values))
    return shares


def combined(signals: Mapping[Signal, Floats], weights: Mapping[Signal, float]) -> Floats:
    """Return ``[stills]`` weighted means of the ranked ``signals``, 0 to 1."""
    total = sum(weights[signal] for signal in signals)
    scores: Floats = np.sum([weights[signal] * values for signal, values in signals.items()], axis=0) / total
    return scores
