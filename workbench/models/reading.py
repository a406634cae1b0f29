"""Pictures that a model reads once, however many questions it is then asked about them.

A decoder is causal and the picture stands before the question, so what it made of the picture, kept as a key-value
cache, serves every question.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from PIL.Image import Image
from transformers import Cache, PreTrainedModel, ProcessorMixin

from workbench.errors import ModelError
from workbench.models.chat import ChatContract, encode_prompts, tokens_after_image

__all__ = ["Reading", "alike", "picture_embeddings", "read"]


@dataclass(frozen=True, eq=False)
class Reading:
    """``tokens`` ``[pictures, length]`` before the question, all in ``cache``; ``embeddings`` ``[pictures, width]``."""

    tokens: torch.Tensor
    cache: Cache
    embeddings: torch.Tensor

    def prompts(self, question: Sequence[int]) -> dict[str, Any]:
        """Return what ``generate`` takes to answer ``question``, behind each picture, with a copy of the cache."""
        asked = torch.tensor(question, device=self.tokens.device).expand(len(self.tokens), -1)
        input_ids = torch.cat([self.tokens, asked], dim=1)
        mask = torch.ones_like(input_ids)
        return {"input_ids": input_ids, "attention_mask": mask, "past_key_values": copy.deepcopy(self.cache)}

    def unread(self, prompts: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a pass over ``prompts`` takes, which goes on behind the cache."""
        return {**prompts, "input_ids": prompts["input_ids"][:, self.tokens.shape[1] :]}


def alike(images: Sequence[Image], most: int) -> Iterator[list[int]]:
    """Yield places of images of one size, at most ``most`` at once: prompts of one length, so that none is padded."""
    by_size = sorted(range(len(images)), key=lambda place: images[place].size)
    for _, places in groupby(by_size, key=lambda place: images[place].size):
        same = list(places)
        yield from (same[start : start + most] for start in range(0, len(same), most))


def read(
    model: PreTrainedModel, processor: ProcessorMixin, contract: ChatContract, images: Sequence[Image], instruction: str
) -> Reading:
    """Read ``images`` of one size; any instruction may be asked about them afterwards.

    ``instruction`` is one of those. ModelError when the processor does not put the image before it.
    """
    model.eval()
    prompts = encode_prompts(processor, contract, images, [instruction] * len(images)).to(model.device)
    question = tokens_after_image(processor, contract, instruction)
    length = prompts["input_ids"].shape[1] - len(question)
    if any(row[length:] != question for row in prompts["input_ids"].tolist()):
        raise ModelError(
            expected="a processor that puts the image before the question",
            found=f"other tokens after the image for {instruction!r}",
            remedy="use the model's own processor and chat template",
        )
    before = {name: prompts[name][:, :length] for name in ("input_ids", "attention_mask")}
    with torch.inference_mode():
        passed = model(**{**prompts, **before}, use_cache=True, logits_to_keep=1, output_hidden_states=True)
        embeddings = picture_embeddings(model, before["input_ids"], passed.hidden_states[0])
    return Reading(before["input_ids"], passed.past_key_values, embeddings)


def picture_embeddings(model: PreTrainedModel, input_ids: torch.Tensor, embedded: torch.Tensor) -> torch.Tensor:
    """Return ``[prompts, width]``: the mean of ``embedded`` prompts over the places of their images."""
    is_image = (input_ids == model.config.image_token_id)[..., None]
    mean: torch.Tensor = (embedded * is_image).sum(dim=1) / is_image.sum(dim=1)
    return mean.float().cpu()
