"""LLaVA-OneVision: a picture whole and in tiles of a grid that fits its shape (anyres).

The grid is in the weights' configuration as well, so that no pixel budget is set from outside. A published template
renders an answer after ``assistant`` and a blank, but asks for one after ``assistant`` alone: here it follows that.
"""

from workbench.models.family import Family

FAMILY = Family(
    name="LLaVA-OneVision",
    model_types=("llava_onevision",),
    processor="LlavaOnevisionProcessor",
    vision_tower="model.vision_tower",
    projector="model.multi_modal_projector",
    language_model="model.language_model",
    unquantised=("lm_head", "model.vision_tower", "model.multi_modal_projector"),
    needs_torchvision=True,
    image_inputs=("pixel_values", "image_sizes"),
    before_answer="",
)
