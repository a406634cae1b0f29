"""Recipes of a site's search (``task: search``): how a CLIP or SigLIP dual encoder is tuned on its frames and captions.

Keys that mean the same as in a recipe of the answering model have the same name, type and purpose there and here.
"""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from workbench.recipe import (
    EMBEDDED,
    Augmentation,
    Base,
    Choices,
    Lora,
    Part,
    Parts,
    Positive,
    Recipe,
    Section,
    Share,
    Steps,
    Tasks,
    Training,
    Warmup,
)

__all__ = ["SEARCH", "ContrastiveLoss", "SearchBase", "SearchData", "SearchRecipe", "SearchTraining"]

SEARCH = "search"
_LAYERS = r"encoder\.layers\.\d+\.(self_attn\.(q|k|v|out)_proj|mlp\.fc[12])"

_CLIP_PARTS = {
    "image_tower": Part(path="vision_model", target_modules=_LAYERS),
    "text_tower": Part(path="text_model", target_modules=_LAYERS),
    "image_projection": Part(path="visual_projection", train="full"),
    "text_projection": Part(path="text_projection", train="full"),
}


class SearchBase(Section):
    """The dual encoder that is adapted."""

    model: str = Field(default=EMBEDDED, min_length=1)
    """``embedded`` (the small CLIP model that ships with the workbench), a hub name or a directory."""
    revision: str | None = None
    """Branch, tag or commit of a hub model; None is its main branch."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    """Type in which the frozen weights are held."""


class ContrastiveLoss(Section):
    """What draws a frame and its caption together, and what else of a batch pushes them apart."""

    kind: Literal["clip", "siglip"] = "clip"
    """``clip`` compares each pair with all others of the batch (symmetric InfoNCE), ``siglip`` judges each by itself
    (sigmoid), which needs a model with a ``logit_bias``."""
    learn_temperature: bool = True
    """Learn ``logit_scale`` (and ``logit_bias``) too; with ``clip`` it is held at 100 at most, as CLIP was trained."""
    same_class_negatives: Share = 1.0
    """How much the caption of another frame of the same class counts as wrong for a frame: 1 wholly, 0 not at all."""
    same_view_distance: Annotated[float, Field(ge=0, le=2)] = 0.005
    """Frames of one clip and class that are nearer than this to the base (cosine distance) show the same: neither's
    caption is wrong for the other."""


class SearchData(Section):
    """Which frames are seen how often, with what variation, and what they teach."""

    tasks: Tasks = Tasks()
    class_prompts: tuple[str, ...] = Field(default=("{}",), min_length=1, strict=False)
    """Sentences with {} for the class's name, whose mean stands for the class; used in tuning and in production."""
    augmentation: Augmentation = Augmentation()
    class_balance: Share = 0.0
    """0 shows each frame equally often, 1 shows each class equally often; between them is the geometric middle."""

    @field_validator("class_prompts")
    @classmethod
    def _name_the_class(cls, prompts: tuple[str, ...]) -> tuple[str, ...]:
        for prompt in prompts:
            if prompt.count("{}") != 1 or prompt.replace("{}", "").count("{") or prompt.replace("{}", "").count("}"):
                raise ValueError(f"each must hold {{}} once, and no other brace, but one is {prompt!r}")
        if len(set(prompts)) != len(prompts):
            raise ValueError("each must differ from the others")
        return prompts


class SearchTraining(Section):
    """The optimisation, as in transformers' ``TrainingArguments``; batch sizes count frames."""

    learning_rate: Positive = 5e-4
    num_train_epochs: Annotated[float, Field(gt=0, le=1_000_000)] = 10.0
    """Times that the training split is gone through; ``max_steps`` above 0 decides instead."""
    max_steps: Steps = -1
    """Optimiser steps, whatever the size of the dataset; -1 leaves it to ``num_train_epochs``."""
    per_device_train_batch_size: int = Field(default=32, ge=2, le=4096)
    """Frames in one step. Captions of the others are what each is told apart from: more is harder, and better."""
    warmup_steps: Warmup = 0.05
    """Steps of rising learning rate, before any schedule; below 1 it is a share of all steps."""
    lr_scheduler_type: Literal["linear", "cosine", "constant", "constant_with_warmup"] = "cosine"
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: Positive = 1.0
    bf16: bool = False
    """Calculate in bfloat16 where that is safe: faster where the processor has instructions for it (GPU, AMX)."""
    optim: Literal["adamw_torch", "adamw_bnb_8bit", "paged_adamw_8bit"] = "adamw_torch"
    """The 8-bit optimisers of bitsandbytes hold a quarter of the state."""
    dataloader_num_workers: int = Field(default=0, ge=0, le=256)
    """Processes that decode and prepare frames ahead; 0 does it between the steps."""
    eval_steps: int = Field(default=50, gt=0)
    """Steps between two measurements on the validation split, which decide on the adapter that is kept."""
    metric_for_best_model: Literal["loss", "text_to_image_mrr", "image_to_text_mrr", "class_accuracy"] = (
        "text_to_image_mrr"
    )
    """What decides: the lowest loss, or the latest of another figure within one standard error of the highest."""
    early_stopping_patience: int = Field(default=0, ge=0)
    """Stop after so many measurements that were no improvement; 0 never stops early."""
    save_steps: int = Field(default=50, ge=0)
    """Steps between two checkpoints, from which a run that was killed goes on; 0 keeps none."""
    save_total_limit: int = Field(default=2, gt=0)
    """Checkpoints that are kept at a time: the newest, and older ones in case it is damaged."""
    seed: int = Field(default=0, ge=0, lt=2**32)


class SearchRecipe(Choices):
    """Everything that is chosen before a dual encoder is tuned."""

    task: Literal["search"] = "search"
    """Tells this from a recipe of the answering model."""
    base: SearchBase = SearchBase()
    parts: Parts = _CLIP_PARTS
    """Parts of the model by a name for the audit; a module that no part names stays frozen."""
    lora: Lora = Lora()
    loss: ContrastiveLoss = ContrastiveLoss()
    data: SearchData = SearchData()
    training: SearchTraining = SearchTraining()

    @property
    def shared(self) -> Recipe:
        """What tuning does the same whatever is tuned (parts, adapters, optimiser, schedule) as it reads it."""
        training = self.training.model_dump(exclude={"metric_for_best_model"})
        return Recipe(
            base=Base(**self.base.model_dump()), parts=self.parts, lora=self.lora, training=Training(**training)
        )
