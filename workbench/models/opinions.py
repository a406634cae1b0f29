"""What a model makes of pictures: how likely each class is, a caption with how likely that is, and an embedding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image

from workbench.models.chat import answer_tokens, encode_prompts, tokens_after_image
from workbench.models.family import family_of
from workbench.models.instructions import CAPTION_INSTRUCTION, class_instruction, class_text
from workbench.models.reading import alike, read
from workbench.models.scoring import log_likelihoods
from workbench.models.vlm import MAX_CACHED_ROWS, Vlm

__all__ = ["Opinion", "form_opinions", "likely_captions"]


@dataclass(frozen=True, eq=False)
class Opinion:
    """``probabilities`` ``[classes]``, ``embedding`` ``[width]``; no caption where none was asked for.

    ``caption_log_likelihood`` is the mean over the caption's tokens, its end included, in nats.
    """

    probabilities: NDArray[np.float64]
    embedding: NDArray[np.float32]
    caption: str | None = None
    caption_log_likelihood: float | None = None


def form_opinions(
    vlm: Vlm, images: Sequence[Image], class_names: Sequence[str], *, captions: bool, batch_size: int = 32
) -> list[Opinion]:
    """Return an opinion about each RGB image; captions take longer than everything else together.

    Where the model's family allows it, a picture is read once for both questions.
    """
    if captions and family_of(vlm.model.config).shares_pictures:
        return _of_one_reading(vlm, images, class_names, batch_size)
    probabilities, embeddings = vlm.look(images, class_names, batch_size=batch_size)
    said: Sequence[tuple[str | None, float | None]] = [(None, None)] * len(images)
    if captions:
        said = likely_captions(vlm, images, batch_size=batch_size)
    return [Opinion(probabilities[row], embeddings[row], *said[row]) for row in range(len(images))]


def likely_captions(vlm: Vlm, images: Sequence[Image], *, batch_size: int = 32) -> list[tuple[str, float]]:
    """Return the captions of ``Vlm.generate_captions``, each with its mean log-likelihood per token in nats."""
    captions: list[tuple[str, float]] = []
    for start in range(0, len(images), batch_size):
        some = images[start : start + batch_size]
        prompts = encode_prompts(vlm.processor, vlm.contract, some, [CAPTION_INSTRUCTION] * len(some))
        captions += _captions(vlm, prompts.to(vlm.model.device))
    return captions


def _of_one_reading(vlm: Vlm, images: Sequence[Image], class_names: Sequence[str], batch_size: int) -> list[Opinion]:
    model, processor, contract = vlm.model, vlm.processor, vlm.contract
    instruction = class_instruction(class_names)
    answers = [answer_tokens(processor, contract, instruction, class_text(name)) for name in class_names]
    formed: dict[int, Opinion] = {}
    for places in alike(images, max(1, min(batch_size, MAX_CACHED_ROWS // len(answers)))):
        reading = read(model, processor, contract, [images[place] for place in places], instruction)
        prompts = reading.prompts(tokens_after_image(processor, contract, instruction))
        with torch.inference_mode():
            asked = model(**reading.unread(prompts), use_cache=True, logits_to_keep=1)
            probabilities = log_likelihoods(model, prompts, asked, answers).softmax(dim=1).numpy()
        said = _captions(vlm, reading.prompts(tokens_after_image(processor, contract, CAPTION_INSTRUCTION)))
        for row, place in enumerate(places):
            formed[place] = Opinion(probabilities[row], reading.embeddings[row].numpy(), *said[row])
    return [formed[place] for place in range(len(images))]


def _captions(vlm: Vlm, prompts: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return what is said to ``prompts``, each with its mean log-likelihood."""
    with torch.inference_mode():
        made = vlm.model.generate(
            **prompts,
            max_new_tokens=vlm.contract.max_new_tokens,
            do_sample=False,
            return_dict_in_generate=True,
            output_logits=True,
        )
    tokens = made.sequences[:, prompts["input_ids"].shape[1] :]
    texts = vlm.processor.batch_decode(tokens, skip_special_tokens=True)
    means = _mean_log_likelihoods(tokens, torch.stack(made.logits, dim=1), vlm.model.generation_config.eos_token_id)
    return [(text.strip(), mean) for text, mean in zip(texts, means, strict=True)]


def _mean_log_likelihoods(tokens: torch.Tensor, logits: torch.Tensor, end_ids: int | list[int]) -> list[float]:
    """Return the means over each row of ``tokens`` up to its first end, of ``logits`` ``[rows, length, ids]``."""
    chosen = logits.double().log_softmax(dim=-1).gather(2, tokens[..., None]).squeeze(2)
    is_end = torch.isin(tokens, torch.as_tensor(end_ids, device=tokens.device))
    is_said = is_end.cumsum(dim=1) - is_end.long() == 0
    means: list[float] = ((chosen * is_said).sum(dim=1) / is_said.sum(dim=1)).tolist()
    return means
