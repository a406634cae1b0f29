"""Whether a model that was merged, saved or quantised still answers as the adapter on its base does.

The same LoRA, merged by two versions of one library, has scored 44.5 % and 87.0 %: that weights load proves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ModelError

__all__ = ["Answers", "Parity", "compare", "require_parity", "spread"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answers:
    """What one form of a model says of the probe frames.

    ``log_likelihoods`` ``[frames, classes]`` are those of the classes' answers, in nats. ``captions`` are its own;
    ``reference_captions`` ``[frames]`` is how likely it finds those of the adapter: the mean log-likelihood of a token.
    """

    form: str
    log_likelihoods: Floats
    captions: tuple[str, ...]
    reference_captions: Floats

    @property
    def probabilities(self) -> Floats:
        shifted = np.exp(self.log_likelihoods - self.log_likelihoods.max(axis=1, keepdims=True))
        shares: Floats = shifted / shifted.sum(axis=1, keepdims=True)
        return shares

    @property
    def chosen(self) -> list[int]:
        return [int(place) for place in self.log_likelihoods.argmax(axis=1)]


@dataclass(frozen=True)
class Parity:
    """How far the answers of ``form`` are from the adapter's: the largest difference on any probe frame.

    ``class_probability`` is that of a class, ``token_probability`` that of a token of the adapter's caption (the
    geometric mean over the caption); ``log_likelihood`` is that of a class's answer, in nats. ``other_classes`` and
    ``other_captions`` count frames of which the model now says something else.
    """

    form: str
    class_probability: float
    token_probability: float
    log_likelihood: float
    other_classes: int
    other_captions: int
    frames: int

    @property
    def largest(self) -> float:
        """The figure that a tolerance limits; not a number where an answer is none."""
        return float(np.max([self.class_probability, self.token_probability]))


def compare(reference: Answers, other: Answers) -> Parity:
    """Return how far ``other`` is from ``reference``; both answered the same frames."""
    return Parity(
        form=other.form,
        class_probability=_farthest(reference.probabilities, other.probabilities),
        token_probability=_farthest(np.exp(reference.reference_captions), np.exp(other.reference_captions)),
        log_likelihood=_farthest(reference.log_likelihoods, other.log_likelihoods),
        other_classes=sum(one != two for one, two in zip(reference.chosen, other.chosen, strict=True)),
        other_captions=sum(one != two for one, two in zip(reference.captions, other.captions, strict=True)),
        frames=len(reference.captions),
    )


def require_parity(found: Sequence[Parity], tolerance: float) -> None:
    """Refuse (ModelError) when one form's answers are farther than ``tolerance`` from the adapter's."""
    for one in found:
        if not one.largest <= tolerance:
            raise ModelError(
                expected=f"the {one.form} model to answer {one.frames} probe frames as the adapter on its base does, "
                f"each probability within {tolerance:g}",
                found=f"a difference of {one.largest:.3g}, another class on {one.other_classes} frames and another "
                f"caption on {one.other_captions}",
                remedy="export the adapter alone, or tune with an export.tolerance that the site can bear",
            )


def spread(frame_ids: Sequence[str], most: int) -> list[int]:
    """Return the places of at most ``most`` ids, evenly spread over the ids in order, however these come."""
    ordered = sorted(range(len(frame_ids)), key=frame_ids.__getitem__)
    places = np.linspace(0, len(ordered) - 1, min(most, len(ordered))).round().astype(int)
    return [ordered[place] for place in places]


def _farthest(one: Floats, two: Floats) -> float:
    return float(np.abs(one - two).max())
