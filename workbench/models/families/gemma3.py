"""Gemma 3: every picture at one size, its tokens attended to in both directions; a turn has a token for its end."""

from workbench.models.family import Family

FAMILY = Family(
    name="Gemma 3",
    model_types=("gemma3",),
    processor="Gemma3Processor",
    vision_tower="model.vision_tower",
    projector="model.multi_modal_projector",
    language_model="model.language_model",
    unquantised=("lm_head", "model.vision_tower", "model.multi_modal_projector"),
    end_of_answer="<end_of_turn>",
)
