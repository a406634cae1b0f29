"""Packing all questions about one image behind one copy of it.

A decoder is causal and the image stands before the question in the chat template, so the image's tokens need to be run
only once for all questions: each question sees the image and itself, and its positions go on from the image's. The
loss is that of separate conversations, at less than half the cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from workbench.models.chat import IGNORED_LABEL

HIDDEN = -1e4  # of the additive mask: a finite number, so that a row of padding stays a number


@dataclass(frozen=True)
class EncodedQuestion:
    """What follows the image: the tokens of instruction and answer, of which the last ``answer_length`` are learnt."""

    tokens: tuple[int, ...]
    answer_length: int


@dataclass(frozen=True)
class PackedImage:
    """The tokens up to and with an image, and the questions about it."""

    prefix: Sequence[int]
    questions: Sequence[EncodedQuestion]

    def __len__(self) -> int:
        return len(self.prefix) + sum(len(question.tokens) for question in self.questions)


@dataclass(frozen=True)
class PackedBatch:
    """The packed images' tensors, ``[images, length]``.

    ``targets`` holds at each place the token to be said next, or -100; ``segments`` the question that a place belongs
    to, counted from 1 within its image, 0 for the image itself and -1 for padding.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    targets: torch.Tensor
    segments: torch.Tensor

    def answer_places(self) -> torch.Tensor:
        """Return int64 ``[images, most]``: the places of each image that have a target, filled up with others."""
        has_target = self.targets != IGNORED_LABEL
        most = int(has_target.sum(dim=1).max())
        return has_target.sort(dim=1, descending=True, stable=True).indices[:, :most]

    def mask(self, dtype: torch.dtype) -> torch.Tensor:
        """Return the additive mask ``[images, 1, length, length]``: what a place sees of the image and its question."""
        query, key = self.segments[:, :, None], self.segments[:, None, :]
        length = self.segments.shape[1]
        earlier = torch.ones(length, length, dtype=torch.bool, device=self.segments.device).tril()
        seen = ((key == 0) | (key == query)) & earlier
        return torch.where(seen, 0.0, HIDDEN).to(dtype).unsqueeze(1)


def pack(images: Sequence[PackedImage]) -> PackedBatch:
    """Lay each image's questions one after another behind its prefix."""
    shape = (len(images), max(map(len, images)))
    input_ids, position_ids = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    segments, targets = torch.full(shape, -1), torch.full(shape, IGNORED_LABEL)
    for row, image in enumerate(images):
        start = first = len(image.prefix)
        input_ids[row, :start] = torch.tensor(image.prefix)
        position_ids[row, :start] = torch.arange(start)
        segments[row, :start] = 0
        for number, question in enumerate(image.questions, start=1):
            tokens, end = torch.tensor(question.tokens), start + len(question.tokens)
            input_ids[row, start:end] = tokens
            position_ids[row, start:end] = torch.arange(first, first + len(tokens))
            segments[row, start:end] = number
            targets[row, end - 1 - question.answer_length : end - 1] = tokens[-question.answer_length :]
            start = end
    return PackedBatch(input_ids, position_ids, targets, segments)
