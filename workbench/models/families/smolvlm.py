"""SmolVLM2: Idefics3 with a processor that also reads videos, for which it needs torchvision."""

from workbench.models.families.idefics3 import limit_edge
from workbench.models.family import Family

FAMILY = Family(
    name="SmolVLM2",
    model_types=("smolvlm",),
    processor="SmolVLMProcessor",
    vision_tower="model.vision_model",
    projector="model.connector",
    language_model="model.text_model",
    unquantised=("lm_head", "model.vision_model", "model.connector"),
    needs_torchvision=True,
    image_inputs=("pixel_values", "pixel_attention_mask"),
    shares_pictures=True,
    budget=limit_edge,
)
