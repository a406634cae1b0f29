"""A teacher of where to look: each image token is to name the things whose middle lies on it.

Answers alone teach a small model from random weights slowly to tell two people from three: nothing says where they are.
The renderer knows, so a linear layer on the image tokens learns it beside the answers (heat maps of middles, as in
CenterNet, arXiv:1904.07850). The layer is left behind when training ends.
"""

import math
from collections.abc import Sequence

import torch

from workbench.pretraining.scene_cache import CachedMark

PLACE_SHARE = 0.1
_RARE = -4.0  # where the layer starts: almost every word is absent almost everywhere


class PlaceTeacher(torch.nn.Module):
    """Predicts for every image token which of ``words`` are true of a thing there."""

    def __init__(self, width: int, words: Sequence[str]) -> None:
        super().__init__()
        self._places = {word: place for place, word in enumerate(words)}
        self.layer = torch.nn.Linear(width, len(words))
        torch.nn.init.zeros_(self.layer.weight)
        torch.nn.init.constant_(self.layer.bias, _RARE)

    def loss(self, image_features: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the binary cross-entropy in nats per scene.

        Args:
            image_features: ``[n, image tokens, width]``, row by row.
            targets: ``[n, image tokens, words]``, as :meth:`targets` makes them.
        """
        features = torch.nn.functional.layer_norm(image_features.float(), image_features.shape[-1:])
        logits = self.layer(features)
        total = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
        return total / len(targets)

    def targets(self, scenes: Sequence[Sequence[CachedMark]], image_tokens: int) -> torch.Tensor:
        """Return float32 ``[n, image tokens, words]``: a thing is shared out among the four tokens nearest its middle.

        A word's sum over all tokens is the number of things that it is true of.
        """
        side = math.isqrt(image_tokens)
        grid = torch.zeros(len(scenes), side, side, len(self._places))
        for number, marks in enumerate(scenes):
            for mark in marks:
                words = [self._places[word] for word in mark.words]
                for row, down in _nearest(mark.v, side):
                    for column, across in _nearest(mark.u, side):
                        grid[number, row, column, words] += down * across
        return grid.clamp_(max=1).flatten(1, 2)


def words_of(scenes: Sequence[Sequence[CachedMark]]) -> tuple[str, ...]:
    """Return every word of the marks, sorted."""
    return tuple(sorted({word for marks in scenes for mark in marks for word in mark.words}))


def _nearest(part: float, side: int) -> tuple[tuple[int, float], tuple[int, float]]:
    """Return the two cells of ``side`` nearest to ``part`` (0 to 1) and their shares, which sum to one."""
    place = min(max(part * side - 0.5, 0.0), side - 1.0)
    first = min(int(place), side - 2)
    return (first, 1 - (place - first)), (first + 1, place - first)
