"""One forward pass of a batch, with the vision tower run once per frame where the model lets us."""

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional
from transformers import PreTrainedModel

from workbench.models.chat import IGNORED_LABEL
from workbench.tuning.collator import model_inputs

_SHARING_FAMILIES = frozenset({"idefics3", "smolvlm"})


def shares_image_features(model: PreTrainedModel) -> bool:
    """Tell whether several questions about one frame can use one pass of the vision tower."""
    return model.config.model_type in _SHARING_FAMILIES


def use_fast_attention(model: PreTrainedModel) -> None:
    """Choose the attention that trains fastest where ``model`` is; what it computes stays the same.

    On the CPU PyTorch's fused kernel does not use the matrix units: plain matrix products took 0.53 s instead of
    0.82 s for a step of the embedded base.
    """
    if model.device.type == "cpu":
        model.set_attn_implementation("eager")


def row_losses(model: PreTrainedModel, batch: Mapping[str, Any]) -> torch.Tensor:
    """Return float32 ``[rows]``: the mean cross-entropy of each row's answer tokens, in nats.

    ``batch`` is a Collator's. Logits are computed from the first answer token on alone: with a vocabulary of 150,000
    the others would be most of the memory.
    """
    inputs = model_inputs(batch)
    targets = batch["labels"][:, 1:]
    first_answer = int((targets != IGNORED_LABEL).any(dim=0).float().argmax())
    targets = targets[:, first_answer:]
    if shares_image_features(model):
        inputs = _see_each_frame_once(model, inputs, batch["row_frame"])
    logits = model(**inputs, use_cache=False, logits_to_keep=targets.shape[1] + 1).logits[:, :-1].float()
    losses = functional.cross_entropy(logits.transpose(1, 2), targets, ignore_index=IGNORED_LABEL, reduction="none")
    means: torch.Tensor = losses.sum(dim=1) / (targets != IGNORED_LABEL).sum(dim=1)
    return means


def _see_each_frame_once(model: PreTrainedModel, inputs: dict[str, Any], row_frame: torch.Tensor) -> dict[str, Any]:
    """Replace the pixels of all rows by the features of each frame, handed to all of its rows."""
    first_row = [int((row_frame == frame).float().argmax()) for frame in range(int(row_frame.max()) + 1)]
    pixels = {name: inputs.pop(name)[first_row] for name in ("pixel_values", "pixel_attention_mask") if name in inputs}
    seen = model.get_image_features(**pixels, return_dict=True)
    seen.pooler_output = [seen.pooler_output[frame] for frame in row_frame.tolist()]
    return {**inputs, "mm_encoder_outputs": {"image": seen}}
