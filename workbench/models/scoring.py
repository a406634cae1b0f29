"""How likely a model is to give each of some answers to prompts that it has read."""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.utils import ModelOutput

from workbench.models.family import family_of

__all__ = ["log_likelihoods"]


def log_likelihoods(
    model: PreTrainedModel, prompts: Mapping[str, Any], prompt: ModelOutput, answers: list[list[int]]
) -> torch.Tensor:
    """Return float64 ``[n_prompts, n_answers]``, in nats: what each answer's tokens are given after each prompt.

    ``prompt`` is what the pass over ``prompts`` gave; its key-value cache is used up.
    """
    n_prompts, n_answers = len(prompts["attention_mask"]), len(answers)
    first_token = prompt.logits[:, -1].double().log_softmax(dim=-1).cpu()
    tokens, present = _pad(answers)
    scores: torch.Tensor = first_token[:, tokens[:, 0]]
    if tokens.shape[1] == 1:
        return scores
    cache = prompt.past_key_values
    cache.batch_repeat_interleave(n_answers)
    tokens, present = tokens.repeat(n_prompts, 1), present.repeat(n_prompts, 1)
    mask = torch.cat([prompts["attention_mask"].repeat_interleave(n_answers, dim=0).cpu(), present[:, :-1]], dim=1)
    mask = mask.to(model.device)
    find_positions = family_of(model.config).text_positions
    rest = model(
        input_ids=tokens[:, :-1].to(model.device),
        attention_mask=mask,
        position_ids=find_positions(model, mask, tokens.shape[1] - 1) if find_positions else None,
        past_key_values=cache,
        use_cache=True,
    )
    chosen = rest.logits.double().log_softmax(dim=-1).cpu().gather(2, tokens[:, 1:, None]).squeeze(2)
    later_tokens: torch.Tensor = (chosen * present[:, 1:]).sum(dim=1)
    return scores + later_tokens.view(n_prompts, n_answers)


def _pad(answers: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the answers' tokens and their presence mask, both ``[n_answers, longest]``, padded on the right by 0."""
    longest = max(map(len, answers))
    tokens = torch.tensor([answer + [0] * (longest - len(answer)) for answer in answers])
    present = torch.tensor([[1] * len(answer) + [0] * (longest - len(answer)) for answer in answers])
    return tokens, present
