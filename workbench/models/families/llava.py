"""LLaVA 1.5: every picture at one size; its template does not end answers, which its training did."""

from workbench.models.family import Family

FAMILY = Family(
    name="LLaVA",
    model_types=("llava",),
    processor="LlavaProcessor",
    vision_tower="model.vision_tower",
    projector="model.multi_modal_projector",
    language_model="model.language_model",
    unquantised=("lm_head", "model.vision_tower", "model.multi_modal_projector"),
    before_answer=" ",
)
