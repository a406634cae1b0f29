"""A teacher for the vision tower's first steps: each scene's image tokens are to name the words of its caption.

A language model that starts from random weights first learns to answer without looking, and stays there for long. Here
every image token names words through the decoder's own output layer, the scene's image tokens are averaged, and the
caption's rarer words are to be among those named (a bag of words, as in SuperClass, arXiv:2411.03313). The image
features thereby begin in the space of the words that the decoder reads and says.
"""

from collections.abc import Sequence

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

TEACHING_STEPS = 1200


class CaptionWords:
    """The words of every scene's caption, weighted by how rare they are; each scene's weights sum to one."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, captions: Sequence[str]) -> None:
        rows = tokenizer([f" {caption}" for caption in captions])["input_ids"]
        self._words = [np.unique(row) for row in rows]
        scenes_with = np.bincount(np.concatenate(self._words), minlength=len(tokenizer))
        self._rarity = np.log((1 + len(captions)) / (1 + scenes_with))

    def targets(self, indices: Sequence[int]) -> torch.Tensor:
        """Return float32 ``[n, vocabulary]`` for the scenes at ``indices``."""
        targets = np.zeros((len(indices), len(self._rarity)), dtype=np.float32)
        for row, index in enumerate(indices):
            words = self._words[index]
            targets[row, words] = self._rarity[words]
        return torch.from_numpy(targets / np.maximum(targets.sum(axis=1, keepdims=True), 1e-6))


def word_loss(image_logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of ``targets`` under the mean of all image tokens' word distributions.

    Args:
        image_logits: ``[n, image tokens, vocabulary]``.
        targets: ``[n, vocabulary]``, rows summing to one.
    """
    named = image_logits.float().log_softmax(dim=-1).logsumexp(dim=1) - np.log(image_logits.shape[1])
    loss: torch.Tensor = -(targets * named).sum(dim=-1).mean()
    return loss


def teaching_share(step: int) -> float:
    """Return how much the word loss counts at ``step``: all at first, falling evenly to nothing."""
    return max(0.0, 1 - step / TEACHING_STEPS)
