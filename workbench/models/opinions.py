"""What a model makes of pictures: how likely each class is, a caption with how likely that is, and an embedding."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image

from workbench.models.chat import encode_prompts
from workbench.models.instructions import CAPTION_INSTRUCTION
from workbench.models.vlm import Vlm

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


def form_opinions(vlm: Vlm, images: Sequence[Image], class_names: Sequence[str], *, captions: bool) -> list[Opinion]:
    """Return an opinion about each RGB image; captions take longer than everything else together."""
    probabilities, embeddings = vlm.look(images, class_names)
    if not captions:
        return [Opinion(probabilities[row], embeddings[row]) for row in range(len(images))]
    return [
        Opinion(probabilities[row], embeddings[row], *captioned)
        for row, captioned in enumerate(likely_captions(vlm, images))
    ]


def likely_captions(
    vlm: Vlm, images: Sequence[Image], *, max_new_tokens: int = 40, batch_size: int = 32
) -> list[tuple[str, float]]:
    """Return the captions of ``Vlm.generate_captions``, each with its mean log-likelihood per token in nats."""
    tokenizer = vlm.processor.tokenizer
    captions: list[tuple[str, float]] = []
    for start in range(0, len(images), batch_size):
        some = images[start : start + batch_size]
        prompts = encode_prompts(vlm.processor, vlm.contract, some, [CAPTION_INSTRUCTION] * len(some))
        with torch.inference_mode():
            made = vlm.model.generate(
                **prompts.to(vlm.model.device),
                max_new_tokens=max_new_tokens,
                do_sample=False,
                return_dict_in_generate=True,
                output_logits=True,
            )
        tokens = made.sequences[:, prompts["input_ids"].shape[1] :]
        texts = tokenizer.batch_decode(tokens, skip_special_tokens=True)
        means = _mean_log_likelihoods(tokens, torch.stack(made.logits, dim=1), vlm.model.generation_config.eos_token_id)
        captions += [(text.strip(), mean) for text, mean in zip(texts, means, strict=True)]
    return captions


def _mean_log_likelihoods(tokens: torch.Tensor, logits: torch.Tensor, end_ids: int | list[int]) -> list[float]:
    """Return the means over each row of ``tokens`` up to its first end, of ``logits`` ``[rows, length, ids]``."""
    chosen = logits.double().log_softmax(dim=-1).gather(2, tokens[..., None]).squeeze(2)
    is_end = torch.isin(tokens, torch.as_tensor(end_ids, device=tokens.device))
    is_said = is_end.cumsum(dim=1) - is_end.long() == 0
    means: list[float] = ((chosen * is_said).sum(dim=1) / is_said.sum(dim=1)).tolist()
    return means
