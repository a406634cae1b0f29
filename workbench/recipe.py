"""Recipes: every choice of a tuning run, made before it starts, in one frozen value.

A recipe is read once and completely; unknown keys are refused and all problems are told together. Where peft's
``LoraConfig`` or transformers' ``TrainingArguments`` have a word for something, the key has the same name.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from workbench.wording import in_short
from workbench.yaml_text import dump_yaml

__all__ = [
    "EMBEDDED",
    "Augmentation",
    "Base",
    "Choices",
    "Data",
    "Export",
    "Lora",
    "Part",
    "Recipe",
    "Replay",
    "Scaling",
    "Section",
    "Tasks",
    "Training",
    "leaves",
    "recipe_schema",
]

EMBEDDED = "embedded"
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


def _whole_or_share(steps: float) -> float:
    if steps > 1 and steps % 1:
        raise ValueError(f"a whole number of steps, or a share below 1, not {steps}")
    return steps


def _not_none(steps: int) -> int:
    if steps == 0:
        raise ValueError("at least one step, or -1 to go by num_train_epochs, not 0")
    return steps


Warmup = Annotated[float, Field(ge=0), AfterValidator(_whole_or_share)]
Steps = Annotated[int, Field(ge=-1), AfterValidator(_not_none)]


class Section(BaseModel):
    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


class Base(Section):
    """The model that is adapted, and how it is loaded and addressed."""

    model: str = Field(default=EMBEDDED, min_length=1)
    """``embedded`` (the small model that ships with the workbench), a hub name or a directory."""
    revision: str | None = None
    """Branch, tag or commit of a hub model; None is its main branch."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    """Type in which the frozen weights are held."""
    quantization: Literal["none", "nf4"] = "none"
    """``nf4`` holds the language model in 4 bits (QLoRA); vision tower, projector and lm_head stay as they are."""
    system_prompt: str = ""
    """Said before every instruction, in tuning and in production; empty leaves it out."""
    longest_edge: int | None = Field(default=None, gt=0)
    """Pixel budget: ``size["longest_edge"]`` of the image processor, in the model's own unit; None keeps its own."""


class Part(Section):
    """One part of the model by the full path of its module, and what tuning does to it."""

    path: str = Field(min_length=1)
    """Full path of the module, such as ``model.vision_model``."""
    train: Literal["lora", "full", "frozen"] = "lora"
    """``lora`` adapts the linear layers that ``target_modules`` names, ``full`` trains and saves every weight."""
    target_modules: str = r".*"
    """Regular expression for the whole path of a linear layer below ``path``; unused when ``path`` is such a layer."""
    learning_rate: Positive | None = None
    """Learning rate of this part's weights; None is ``training.learning_rate``."""

    @field_validator("target_modules")
    @classmethod
    def _can_be_matched(cls, pattern: str) -> str:
        try:
            re.compile(rf"\.(?:{pattern})")
        except (re.error, RecursionError, OverflowError) as exc:
            raise ValueError(f"a regular expression, not {in_short(pattern)} ({exc})") from exc
        return pattern


def _named_and_trained(parts: Mapping[str, Part]) -> Mapping[str, Part]:
    for name in parts:
        if not _PART_NAME.fullmatch(name):
            raise ValueError(f"names of up to 50 letters, digits, - and _, not {in_short(name)}")
    if all(part.train == "frozen" for part in parts.values()):
        raise ValueError("at least one part must be trained")
    return parts


_PART_NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")
Parts = Annotated[Mapping[str, Part], AfterValidator(_named_and_trained)]

_IDEFICS3_PARTS = {
    "vision_model": Part(path="model.vision_model"),
    "connector": Part(path="model.connector", train="full"),
    "text_model": Part(path="model.text_model"),
}


class Lora(Section):
    """Size and kind of the adapter, as in peft's ``LoraConfig``."""

    r: int = Field(default=16, gt=0, le=4096)
    """Rank of each update: more capacity, more memory, a larger adapter file."""
    lora_alpha: Annotated[float, Field(gt=0, le=65536)] = 32
    """The update is scaled by ``lora_alpha / r``."""
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of an adapted layer's inputs that is dropped in training."""
    use_rslora: bool = False
    """Scale by ``lora_alpha / sqrt(r)`` instead, which keeps high ranks learning."""
    use_dora: bool = False
    """Learn the magnitude of each output apart from its direction: a little better at low rank, clearly slower."""
    loraplus_lr_ratio: Annotated[float, Field(ge=1)] = 1.0
    """LoRA+ (Hayou et al. 2024): B matrices learn so many times faster than A matrices; 16 is usual, 1 is off."""


class Tasks(Section):
    """What each frame teaches, and with what weight in the loss; 0 leaves the instruction out."""

    caption: Annotated[float, Field(ge=0)] = 1.0
    """Weight of describing the frame in one sentence."""
    class_choice: Annotated[float, Field(ge=0)] = 1.0
    """Weight of choosing one of the site's classes."""

    @model_validator(mode="after")
    def _teach_something(self) -> Self:
        if self.caption + self.class_choice == 0:
            raise ValueError("at least one task must have a weight above 0")
        return self


class Augmentation(Section):
    """How much a frame varies each time it is seen. Nothing is mirrored: left and right mean something to a site."""

    brightness: Share = 0.0
    """0.2 multiplies by 0.8 to 1.2."""
    contrast: Share = 0.0
    """0.2 stretches the distance to the middle grey by 0.8 to 1.2."""
    saturation: Share = 0.0
    """0.2 stretches the distance of each pixel to its own grey by 0.8 to 1.2."""
    crop: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """0.08 leaves out up to 8 % of width and height, at random edges: a camera that moved a little."""
    views: int = Field(default=0, ge=0)
    """Fixed variants of each frame, which a frozen vision tower has to see once only; 0 varies anew each time."""

    @property
    def varies(self) -> bool:
        return bool(self.brightness or self.contrast or self.saturation or self.crop)


class Replay(Section):
    """General frames mixed in, so that a model does not forget what it could before it learnt the site."""

    share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of all draws that are general frames; 0.1 to 0.3 is usual."""
    frames: int = Field(default=256, gt=0, le=100_000)
    """Rendered scenes to draw from, seeded by ``training.seed``."""


class Data(Section):
    """Which frames are seen how often, and with what variation."""

    tasks: Tasks = Tasks()
    augmentation: Augmentation = Augmentation()
    class_balance: Share = 0.0
    """0 shows each frame equally often, 1 shows each class equally often; between them is the geometric middle."""
    class_weighting: Share = 0.0
    """As ``class_balance``, but a rare class weighs more in the loss rather than being seen more often."""
    replay: Replay = Replay()
    cache_image_features: bool = True
    """Keep on disk what a vision tower that is not trained sees, where frames do not vary anew each time."""


class Training(Section):
    """The optimisation, as in transformers' ``TrainingArguments``; batch sizes count frames."""

    learning_rate: Positive = 5e-4
    num_train_epochs: Annotated[float, Field(gt=0, le=1_000_000)] = 10.0
    """Times that the training split is gone through; ``max_steps`` above 0 decides instead."""
    max_steps: Steps = -1
    """Optimiser steps, whatever the size of the dataset; -1 leaves it to ``num_train_epochs``."""
    per_device_train_batch_size: int = Field(default=8, gt=0, le=4096)
    """Frames in one pass; every frame brings all its instructions."""
    gradient_accumulation_steps: int = Field(default=1, gt=0)
    """Passes before each optimiser step: a larger batch without its memory."""
    warmup_steps: Warmup = 0.05
    """Steps of rising learning rate, before any schedule; below 1 it is a share of all steps."""
    lr_scheduler_type: Literal["linear", "cosine", "constant", "constant_with_warmup"] = "cosine"
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: Positive = 1.0
    bf16: bool = False
    """Calculate in bfloat16 where that is safe: faster where the processor has instructions for it (GPU, AMX)."""
    optim: Literal["adamw_torch", "adamw_bnb_8bit", "paged_adamw_8bit"] = "adamw_torch"
    """The 8-bit optimisers of bitsandbytes hold a quarter of the state; the paged one gives way to the CPU's memory."""
    focal_gamma: Annotated[float, Field(ge=0)] = 0.0
    """Focal loss (Lin et al. 2017) of class answers: what is known already counts less; 2 is usual, 0 is off."""
    train_sampling_strategy: Literal["random", "group_by_length"] = "random"
    """``group_by_length`` draws examples of like length together, which wastes less on padding."""
    dataloader_num_workers: int = Field(default=0, ge=0, le=256)
    """Processes that decode and prepare frames ahead; 0 does it between the steps."""
    activation_checkpointing: bool = False
    """Recalculate activations in the backward pass: about a third slower, far less memory."""
    eval_steps: int = Field(default=50, gt=0)
    """Steps between two measurements on the validation split, which decide on the adapter that is kept."""
    metric_for_best_model: Literal["loss", "caption_loss", "class_choice_loss", "class_accuracy"] = "class_accuracy"
    """What decides: the lowest loss, or the latest accuracy within one standard error of the highest.

    Losses soon rise from overconfidence while classes still get better.
    """
    early_stopping_patience: int = Field(default=0, ge=0)
    """Stop after so many measurements that were no improvement; 0 never stops early."""
    save_steps: int = Field(default=50, ge=0)
    """Steps between two checkpoints, from which a run that was killed goes on; 0 keeps none."""
    save_total_limit: int = Field(default=2, gt=0)
    """Checkpoints that are kept at a time: the newest, and older ones in case it is damaged."""
    seed: int = Field(default=0, ge=0, lt=2**32)


class Scaling(Section):
    """The processes that train one model together, as in Ray Train's ``ScalingConfig``; they need ``launcher: ray``."""

    num_workers: int = Field(default=1, gt=0)
    """Processes, each with a device of its own and ``per_device_train_batch_size`` frames of every pass."""
    strategy: Literal["ddp", "fsdp"] = "ddp"
    """``ddp`` gives each worker the whole model; ``fsdp`` divides weights, gradients and optimiser states, for parts
    that are trained in full."""
    max_failures: int = Field(default=3, ge=0)
    """Times that lost workers are replaced, each time from the newest checkpoint."""


class Export(Section):
    """What an exported model must prove."""

    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.02
    """Largest difference in any class probability on the probe frames, beside the adapter on its base."""


class Choices(Section):
    """Everything that is chosen before a run. Equal digests mean equal choices."""

    @property
    def digest(self) -> str:
        """SHA-256 of the resolved recipe, in hexadecimal."""
        return hashlib.sha256(json.dumps(self.resolved(), sort_keys=True).encode()).hexdigest()

    def resolved(self) -> dict[str, Any]:
        """Return every value, defaults included, in plain types."""
        return self.model_dump(mode="json")

    def flat(self) -> dict[str, Any]:
        """Return every value by its full key, such as ``training.learning_rate``."""
        return dict(leaves(self.resolved()))

    def to_yaml(self) -> str:
        """Return the resolved recipe as a recipe file that loads to an equal value."""
        return dump_yaml(self.resolved())


class Recipe(Choices):
    """Everything that is chosen before an answering model is tuned."""

    base: Base = Base()
    parts: Parts = _IDEFICS3_PARTS
    """Parts of the model by a name for the audit; a module that no part names stays frozen."""
    lora: Lora = Lora()
    data: Data = Data()
    training: Training = Training()
    launcher: Literal["local", "ray"] = "local"
    """``ray`` trains on the cluster at ``WORKBENCH_RAY_ADDRESS``, ``local`` in the process that was started."""
    scaling: Scaling = Scaling()
    export: Export = Export()

    @model_validator(mode="after")
    def _launch_what_can_be_launched(self) -> Self:
        if self.launcher == "local" and self.scaling.num_workers > 1:
            raise ValueError("scaling.num_workers above 1 needs launcher: ray")
        if self.scaling.strategy == "fsdp":
            if self.base.quantization != "none":
                raise ValueError("scaling.strategy fsdp divides no quantised weights: use ddp")
            if self.training.optim != "adamw_torch":
                raise ValueError("scaling.strategy fsdp divides the states of adamw_torch alone")
        return self

    @property
    def frames_per_step(self) -> int:
        """Return how many frames one optimiser step sees, over all passes and workers."""
        training = self.training
        return training.per_device_train_batch_size * training.gradient_accumulation_steps * self.scaling.num_workers


def recipe_schema() -> dict[str, Any]:
    """Return the JSON schema of a recipe: every key with its type, bounds, default and purpose."""
    return Recipe.model_json_schema()


def leaves(content: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield every value of nested mappings with its full key, such as ``training.learning_rate``."""
    for name, value in content.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from leaves(value, f"{key}.")
        else:
            yield key, value
