"""Qwen3-VL: a picture keeps its shape; places have a time, a row and a column (M-RoPE)."""

from typing import Any

import torch
from peft import PeftModel
from transformers import PreTrainedModel

from workbench.models.family import Family


def limit_area(image_processor: Any, longest_edge: int) -> dict[str, Any]:
    """Let pictures have at most ``longest_edge`` pixels, which is what this key of the processor's means."""
    size = dict(image_processor.size)
    return {
        "do_resize": True,
        "size": {"shortest_edge": min(size["shortest_edge"], longest_edge), "longest_edge": longest_edge},
    }


def positions_after_image(model: PreTrainedModel, attention_mask: torch.Tensor, length: int) -> torch.Tensor:
    """Return ``[3, rows, length]``: a picture takes fewer places than tokens, which the model noted for each prompt."""
    plain = model.get_base_model() if isinstance(model, PeftModel) else model
    counted = attention_mask.long().cumsum(dim=-1)[:, -length:] - 1
    shifts = plain.model.rope_deltas.to(counted.device)
    places: torch.Tensor = counted + shifts.repeat_interleave(len(counted) // len(shifts), dim=0)
    return places.expand(3, -1, -1)


FAMILY = Family(
    name="Qwen3-VL",
    model_types=("qwen3_vl",),
    processor="Qwen3VLProcessor",
    vision_tower="model.visual.blocks",
    projector="model.visual.merger",
    language_model="model.language_model",
    unquantised=("lm_head", "model.visual"),
    needs_torchvision=True,
    image_inputs=("pixel_values", "image_grid_thw"),
    budget=limit_area,
    text_positions=positions_after_image,
)
