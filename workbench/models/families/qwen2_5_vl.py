"""Qwen2.5-VL: Qwen3-VL's predecessor, which differs in its towers alone."""

from workbench.models.families.qwen3_vl import limit_area, positions_after_image
from workbench.models.family import Family

FAMILY = Family(
    name="Qwen2.5-VL",
    model_types=("qwen2_5_vl",),
    processor="Qwen2_5_VLProcessor",
    vision_tower="model.visual.blocks",
    projector="model.visual.merger",
    language_model="model.language_model",
    unquantised=("lm_head", "model.visual"),
    needs_torchvision=True,
    image_inputs=("pixel_values", "image_grid_thw"),
    budget=limit_area,
    text_positions=positions_after_image,
)
