"""Packing all questions about one scene behind one copy of its image.

The decoder is causal and the image stands before the question in the chat template, so the image's tokens need to be
run only once for all questions: each question sees the image and itself, and its positions go on from the image's.
The loss is that of separate conversations, at less than half the cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import Idefics3Processor

from workbench.models.chat import IGNORED_LABEL, ChatContract, answer_tokens, conversation_text
from workbench.pretraining.scene_cache import CachedQuestion

HIDDEN = -1e4  # of the additive mask: a finite number, so that a row of padding stays a number


@dataclass(frozen=True)
class EncodedQuestion:
    """What follows the image: the tokens of instruction and answer, of which the last ``answer_length`` are learnt."""

    tokens: tuple[int, ...]
    answer_length: int


@dataclass(frozen=True)
class PackedBatch:
    """The packed scenes' tensors, ``[scenes, length]`` but for the mask.

    ``targets`` holds at each place the token to be said next, or -100; ``weights`` how much that token counts;
    ``mask`` is additive, ``[scenes, 1, length, length]``.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    mask: torch.Tensor


class QuestionEncoder:
    """Turns questions into tokens through the chat contract; equal questions are tokenised once."""

    def __init__(self, processor: Idefics3Processor, contract: ChatContract) -> None:
        self._processor, self._contract = processor, contract
        self._known: dict[tuple[str, str], EncodedQuestion] = {}
        self.prefix = self._image_prefix()

    def encode(self, question: CachedQuestion) -> EncodedQuestion:
        key = (question.instruction, question.answer)
        if key not in self._known:
            self._known[key] = self._tokenise(*key)
        return self._known[key]

    def _tokenise(self, instruction: str, answer: str) -> EncodedQuestion:
        whole = self._token_ids(conversation_text(self._processor, self._contract, instruction, answer))
        after_image = whole.index(self._processor.image_token_id) + 1
        said = answer_tokens(self._processor, self._contract, instruction, answer)
        return EncodedQuestion(tuple(whole[after_image:]), len(said))

    def _image_prefix(self) -> tuple[int, ...]:
        whole = self._token_ids(conversation_text(self._processor, self._contract, "x", "x"))
        before_image = whole[: whole.index(self._processor.image_token_id)]
        around = self._processor.fake_image_token_id
        image = [self._processor.image_token_id] * self._processor.image_seq_len
        return (*before_image, around, self._processor.global_image_token_id, *image, around)

    def _token_ids(self, text: str) -> list[int]:
        return list(self._processor.tokenizer(text)["input_ids"])


def pack(prefix: Sequence[int], scenes: Sequence[Sequence[EncodedQuestion]]) -> PackedBatch:
    """Lay each scene's questions one after another behind the image prefix.

    A token of an answer of n tokens weighs n^-½: long captions teach most, but do not drown a yes or a no.
    """
    length = len(prefix) + max(sum(len(question.tokens) for question in questions) for questions in scenes)
    shape = (len(scenes), length)
    input_ids, position_ids = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    segments, targets, weights = torch.full(shape, -1), torch.full(shape, IGNORED_LABEL), torch.zeros(shape)
    for row, questions in enumerate(scenes):
        start = len(prefix)
        input_ids[row, :start] = torch.tensor(prefix)
        position_ids[row, :start] = torch.arange(start)
        segments[row, :start] = 0
        for number, question in enumerate(questions, start=1):
            tokens, end = torch.tensor(question.tokens), start + len(question.tokens)
            input_ids[row, start:end] = tokens
            position_ids[row, start:end] = torch.arange(len(prefix), len(prefix) + len(tokens))
            segments[row, start:end] = number
            saying = slice(end - 1 - question.answer_length, end - 1)
            targets[row, saying] = tokens[-question.answer_length :]
            weights[row, saying] = question.answer_length**-0.5
            start = end
    return PackedBatch(input_ids, position_ids, targets, weights, _segment_mask(segments))


def _segment_mask(segments: torch.Tensor) -> torch.Tensor:
    """Return which place sees which: earlier ones of the image (segment 0) and of its own question."""
    query, key = segments[:, :, None], segments[:, None, :]
    earlier = torch.ones(segments.shape[1], segments.shape[1], dtype=torch.bool).tril()
    seen = ((key == 0) | (key == query)) & earlier
    return torch.where(seen, 0.0, HIDDEN).to(torch.bfloat16).unsqueeze(1)
