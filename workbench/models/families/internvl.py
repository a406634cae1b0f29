"""InternVL 3: a picture is cut into tiles of one size, with a small view of the whole."""

from typing import Any

from workbench.models.family import Family


def limit_tiles(image_processor: Any, longest_edge: int) -> dict[str, Any]:
    """Cut a picture into as many tiles as fit into a square of ``longest_edge`` pixels, at least one."""
    size = dict(image_processor.size)
    return {"max_patches": max(1, (longest_edge // size["height"]) * (longest_edge // size["width"]))}


FAMILY = Family(
    name="InternVL 3",
    model_types=("internvl",),
    processor="InternVLProcessor",
    vision_tower="model.vision_tower",
    projector="model.multi_modal_projector",
    language_model="model.language_model",
    unquantised=("lm_head", "model.vision_tower", "model.multi_modal_projector"),
    needs_torchvision=True,
    budget=limit_tiles,
    end_of_answer="<|im_end|>",
)
