"""The loss of every row of a batch, with the vision tower run once per frame, or not at all, where a model allows."""

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

from workbench.models.chat import IGNORED_LABEL
from workbench.models.family import family_of
from workbench.models.packing import PackedBatch
from workbench.recipe import Training
from workbench.tuning.collator import model_inputs
from workbench.tuning.image_features import seen_again
from workbench.tuning.llama_layers import answers_alone, quicken_layers


def shares_image_features(model: PreTrainedModel) -> bool:
    """Tell whether several questions about one frame can use one pass of the vision tower, and one of its tokens."""
    return family_of(model.config).shares_pictures


def quicken_decoder(model: PreTrainedModel) -> None:
    """Quicken the decoder of models that packed batches are made for: its last layer runs for answers alone."""
    if shares_image_features(model):
        quicken_layers(_decoder(model))


def use_fast_attention(model: PreTrainedModel) -> None:
    """Choose the attention that trains fastest where ``model`` is; what it computes stays the same.

    On the CPU PyTorch's fused kernel does not use the matrix units: plain matrix products took 0.53 s instead of
    0.82 s for a step of the embedded base.
    """
    if model.device.type == "cpu":
        model.set_attn_implementation("eager")


def mixed_precision(model: PreTrainedModel, training: Training) -> torch.autocast:
    """Return the context in which the recipe calculates: bfloat16 where it says so, or where weights have 16 bits.

    What is trained is held in float32, which 16-bit weights beside it could not be multiplied with otherwise.
    """
    is_16_bit = model.dtype in (torch.bfloat16, torch.float16)
    return torch.autocast(model.device.type, torch.bfloat16, enabled=training.bf16 or is_16_bit)


def row_losses(model: PreTrainedModel, batch: Mapping[str, Any]) -> torch.Tensor:
    """Return float32 ``[rows]``: the mean cross-entropy of each row's answer tokens, in nats.

    Logits are computed where there is an answer alone: with a vocabulary of 150,000 the others would be most of the
    memory.
    """
    return _packed_losses(model, batch) if "packed" in batch else _separate_losses(model, batch)


def projected(model: PreTrainedModel, features: torch.Tensor) -> torch.Tensor:
    """Return ``[tokens, text width]`` of what the vision tower alone gave (``[images, patches, vision width]``)."""
    seen: torch.Tensor = model.get_submodule(family_of(model.config).projector)(features)
    return seen.flatten(0, 1)


def _packed_losses(model: PreTrainedModel, batch: Mapping[str, Any]) -> torch.Tensor:
    packed: PackedBatch = batch["packed"]
    places = packed.answer_places()
    targets, rows = packed.targets.gather(1, places), batch["packed_rows"].gather(1, places)
    learnt = targets != IGNORED_LABEL
    logits = model.lm_head(_hidden(model, batch, places)[learnt]).float()
    losses = functional.cross_entropy(logits, targets[learnt], reduction="none")
    sums = losses.new_zeros(len(batch["row_tokens"])).index_add(0, rows[learnt], losses)
    means: torch.Tensor = sums / batch["row_tokens"]
    return means


def _hidden(model: PreTrainedModel, batch: Mapping[str, Any], places: torch.Tensor) -> torch.Tensor:
    """Return ``[images, places, width]``: what the decoder makes of each of ``places`` ``[images, places]``."""
    packed: PackedBatch = batch["packed"]
    is_short = answers_alone(_decoder(model))
    hidden: torch.Tensor = model.model(
        input_ids=packed.input_ids,
        position_ids=packed.position_ids,
        attention_mask=packed.mask(_attended_in(model)),
        mm_encoder_outputs={"image": _seen(model, batch)},
        use_cache=False,
        **({"answer_places": places} if is_short else {}),
    ).last_hidden_state
    return hidden if is_short else hidden.take_along_dim(places[..., None], dim=1)


def _decoder(model: PreTrainedModel) -> PreTrainedModel:
    decoder: PreTrainedModel = model.get_submodule(family_of(model.config).language_model)
    return decoder


def _seen(model: PreTrainedModel, batch: Mapping[str, Any]) -> BaseModelOutputWithPooling:
    if "features" not in batch:
        names = family_of(model.config).image_inputs
        return model.get_image_features(**{name: batch[name] for name in names if name in batch}, return_dict=True)
    features = batch["features"]
    tokens = projected(model, features) if features.ndim == 3 else features
    return BaseModelOutputWithPooling(pooler_output=[tokens])


def _attended_in(model: PreTrainedModel) -> torch.dtype:
    """Return the type in which attention is computed, which its mask must have."""
    device: str = model.device.type
    held: torch.dtype = model.dtype
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else held


def _separate_losses(model: PreTrainedModel, batch: Mapping[str, Any]) -> torch.Tensor:
    targets = batch["labels"][:, 1:]
    first_answer = int((targets != IGNORED_LABEL).any(dim=0).float().argmax())
    targets = targets[:, first_answer:]
    seen = {"mm_encoder_outputs": {"image": seen_again(batch["seen"])}} if "seen" in batch else {}
    inputs = {**model_inputs(batch), **seen}
    logits = model(**inputs, use_cache=False, logits_to_keep=targets.shape[1] + 1).logits[:, :-1].float()
    losses = functional.cross_entropy(logits.transpose(1, 2), targets, ignore_index=IGNORED_LABEL, reduction="none")
    means: torch.Tensor = losses.sum(dim=1) / batch["row_tokens"]
    return means
