"""What a labeller made of a model's suggestion: kept as it was, its words changed, or another class chosen.

Distances are Levenshtein's (Soviet Physics Doklady 1966): the fewest insertions, deletions and substitutions, as a part
of the longer text, so that 0 is the same text and 1 shares nothing. Words are told apart at spaces.
"""

from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz.distance import Levenshtein

from workbench.domain import Answer

__all__ = ["EditDistance", "Reaction", "edit_distance", "reaction_to"]


class Reaction(StrEnum):
    """An answer of another class rejects a suggestion, one of the same class with another caption edits it."""

    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class EditDistance:
    """How far a caption is from another, from 0 to 1, counted in words and in characters."""

    words: float
    characters: float


def reaction_to(suggested: Answer, said: Answer | None) -> Reaction:
    """Compare class and caption, which is all that models suggest; spaces at the ends or twice are no change.

    A frame of which nothing was ``said`` was skipped.
    """
    if said is None:
        return Reaction.SKIPPED
    if said.class_name != suggested.class_name:
        return Reaction.REJECTED
    return Reaction.ACCEPTED if said.caption.split() == suggested.caption.split() else Reaction.EDITED


def edit_distance(suggested: str, said: str) -> EditDistance:
    before, after = suggested.split(), said.split()
    return EditDistance(
        words=Levenshtein.normalized_distance(before, after),
        characters=Levenshtein.normalized_distance(" ".join(before), " ".join(after)),
    )
