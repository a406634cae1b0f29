"""Where the right answers of a search stand among all: the numbers from which recall and MRR are made."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["RECALL_AT", "SearchRanks", "first_ranks", "rank_search"]

RECALL_AT = (1, 5, 10)

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
Integers = np.ndarray[Any, np.dtype[np.int64]]


def first_ranks(similarity: Floats, is_right: "np.ndarray[Any, np.dtype[np.bool_]]") -> Integers:
    """Return ``[queries]``: the rank, from 1, of the nearest right item; both arguments are ``[queries, items]``.

    A wrong item that is as near as the right one stands before it: an encoder that says the same of everything finds
    nothing. Every query has a right item, and similarities are numbers.
    """
    best = np.where(is_right, similarity, -np.inf).max(axis=1, keepdims=True)
    before: Integers = ((similarity >= best) & ~is_right).sum(axis=1) + 1
    return before


@dataclass(frozen=True, eq=False)
class SearchRanks:
    """Of each frame: the rank of the nearest frame with its caption, of its caption, and whether its class is told."""

    text_to_image: Integers
    image_to_text: Integers
    is_class_right: "np.ndarray[Any, np.dtype[np.bool_]]"

    def figures(self) -> dict[str, "np.ndarray[Any, np.dtype[np.float64]]"]:
        """Return each figure's part of each frame, ``[frames]``, of which the mean is the figure."""
        found = {"class_accuracy": self.is_class_right.astype(np.float64)}
        for name, ranks in (("text_to_image", self.text_to_image), ("image_to_text", self.image_to_text)):
            found |= {f"{name}_recall_at_{most}": (ranks <= most).astype(np.float64) for most in RECALL_AT}
            found[f"{name}_mrr"] = 1 / ranks
        return found


def rank_search(
    images: Floats, captions: Floats, classes: Floats, *, caption_of: Integers, class_of: Integers
) -> SearchRanks:
    """Search by embeddings of unit length: ``images`` ``[frames, width]``, different ``captions`` and ``classes``.

    ``caption_of`` and ``class_of`` tell the row of each frame's own. A text is found when a frame of that very caption
    is, and a frame when its caption is, among the different ones.
    """
    by_text = captions @ images.T
    of_caption = caption_of[None, :] == np.arange(len(captions))[:, None]
    return SearchRanks(
        first_ranks(by_text, of_caption)[caption_of],
        first_ranks(by_text.T, of_caption.T),
        first_ranks(images @ classes.T, class_of[:, None] == np.arange(len(classes))[None, :]) == 1,
    )
