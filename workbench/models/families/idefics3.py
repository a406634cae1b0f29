"""Idefics3, the class of the embedded base and of SmolVLM: a picture is squares of one size, whole and in tiles."""

from typing import Any

from workbench.models.family import Family


def limit_edge(image_processor: Any, longest_edge: int) -> dict[str, Any]:
    """Let pictures be at most ``longest_edge`` pixels wide and high before they are cut into tiles."""
    return {"do_resize": True, "size": {**dict(image_processor.size), "longest_edge": longest_edge}}


FAMILY = Family(
    name="Idefics3",
    model_types=("idefics3",),
    processor="Idefics3Processor",
    vision_tower="model.vision_model",
    projector="model.connector",
    language_model="model.text_model",
    unquantised=("lm_head", "model.vision_model", "model.connector"),
    image_inputs=("pixel_values", "pixel_attention_mask"),
    shares_pictures=True,
    budget=limit_edge,
)
