"""Tuning a base model on labelled frames: preflight, training, best weights, adapter folder, proof."""

import importlib.metadata
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from peft import PeftModel
from transformers import PreTrainedModel, set_seed

from workbench.domain import LabelledFrame
from workbench.errors import DatasetError
from workbench.models.chat import ChatContract
from workbench.models.loading import load_processor
from workbench.models.vlm import Vlm, load_vlm
from workbench.progress import Progress, silent
from workbench.recipe import Base, Recipe
from workbench.tuning.adapter import prove_adapter, save_adapter, trained_weights
from workbench.tuning.allocator import keep_freed_pages
from workbench.tuning.collator import Collator, DrawnFrames, FixedFrames, item_of
from workbench.tuning.forward import use_fast_attention
from workbench.tuning.preflight import MaskProof, PartAudit, audit_parts, check_quantization, prove_label_mask
from workbench.tuning.sampling import plan_draws
from workbench.tuning.targets import attach_lora, find_targets, hold_as_served
from workbench.tuning.trainer import MetricsSink, frames_per_step, new_trainer, total_steps

MOST_ACCURACY_FRAMES = 128
PACKAGES = ("accelerate", "bitsandbytes", "datasets", "peft", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class Preflight:
    """What is about to happen: parts, label masks of one frame, steps and frames."""

    parts: tuple[PartAudit, ...]
    masks: tuple[MaskProof, ...]
    steps: int
    train_frames: int
    validation_frames: int
    base_version: str

    @property
    def trainable_parameters(self) -> int:
        return sum(part.trainable for part in self.parts)


@dataclass(frozen=True)
class Prepared:
    """A model with fresh adapters and everything that its run needs."""

    recipe: Recipe
    class_names: tuple[str, ...]
    train: Sequence[LabelledFrame]
    validation: Sequence[LabelledFrame]
    vlm: Vlm
    loading: Mapping[str, Any]
    preflight: Preflight

    @property
    def model(self) -> PeftModel:
        return cast(PeftModel, self.vlm.model)


@dataclass(frozen=True)
class Tuned:
    """An adapter folder that was proved to reload; ``best_step`` is None when there was no validation split."""

    adapter_dir: Path
    vlm: Vlm
    steps: int
    best_step: int | None
    seconds: float
    final_loss: float


def prepare(
    recipe: Recipe,
    base_source: str,
    class_names: Sequence[str],
    train: Sequence[LabelledFrame],
    validation: Sequence[LabelledFrame],
) -> Prepared:
    """Load the base, put adapters on it and check everything that can be checked before training.

    Raises PreflightError, ModelError or DatasetError.
    """
    _check_frames(train, class_names)
    set_seed(recipe.training.seed)
    loading = loading_arguments(recipe.base, base_source)
    base = load_vlm(**loading)
    check_quantization(base.model, recipe)
    contract = ChatContract.of(base.processor, class_names=class_names, system_prompt=recipe.base.system_prompt)
    use_fast_attention(base.model)
    model = attach_lora(base.model, recipe, find_targets(base.model, recipe.parts))
    preflight = Preflight(
        parts=audit_parts(model, recipe.parts),
        masks=prove_label_mask(item_of(train[0], class_names, recipe.data), Collator(base.processor, contract)),
        steps=total_steps(recipe.training, len(train)),
        train_frames=len(train),
        validation_frames=len(validation),
        base_version=base.version,
    )
    vlm = Vlm(cast(PreTrainedModel, model), base.processor, contract, base.version)
    return Prepared(recipe, tuple(class_names), train, validation, vlm, loading, preflight)


def tune_model(
    prepared: Prepared,
    adapter_dir: Path,
    *,
    facts: Mapping[str, Any],
    sink: MetricsSink,
    progress: Progress = silent,
) -> Tuned:
    """Train, keep the weights that do best on the validation split, save them in ``adapter_dir`` and prove it."""
    keep_freed_pages()
    started = time.monotonic()
    recipe, steps = prepared.recipe, prepared.preflight.steps
    train, validation = training_sets(prepared)
    losses: list[float] = []

    def report(step: int, metrics: Mapping[str, float]) -> None:
        losses.extend(value for name, value in metrics.items() if name == "train/loss")
        progress(step, steps, "training steps")
        sink(step, metrics)

    start = trained_weights(prepared.model)
    collator = Collator(prepared.vlm.processor, prepared.vlm.contract)
    with tempfile.TemporaryDirectory() as scratch:
        trainer, best = new_trainer(
            prepared.model,
            collator,
            recipe.training,
            train,
            validation,
            steps=steps,
            output_dir=Path(scratch),
            sink=report,
            measure_accuracy=lambda: class_accuracy(prepared),
            accuracy_frames=len(accuracy_frames(prepared)),
        )
        trainer.train()
        trainer.accelerator.unwrap_model(prepared.model, keep_fp32_wrapper=False)
    best.restore()
    hold_as_served(prepared.model)
    facts = {**facts, "best_step": best.step, "steps": trainer.state.global_step}
    save_adapter(prepared.model, adapter_dir, contract=prepared.vlm.contract, recipe=recipe, facts=facts)
    item = item_of(prepared.train[0], prepared.class_names, recipe.data)
    prove_adapter(adapter_dir, prepared.vlm, start, item, prepared.loading)
    seconds = time.monotonic() - started
    return Tuned(adapter_dir, prepared.vlm, trainer.state.global_step, best.step, seconds, losses[-1])


def loading_arguments(base: Base, source: str) -> dict[str, Any]:
    """Return the arguments of ``load_vlm`` that a recipe's ``base`` section asks for."""
    quantization = None if base.quantization == "none" else base.quantization
    arguments = {"source": source, "revision": base.revision, "dtype": base.dtype, "quantization": quantization}
    if base.longest_edge is None:
        return arguments
    size = dict(load_processor(source, revision=base.revision).image_processor.size)
    return {**arguments, "image_settings": {"do_resize": True, "size": {**size, "longest_edge": base.longest_edge}}}


def package_versions() -> dict[str, str]:
    """Return the versions of the libraries that decide what a run computes."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def accuracy_frames(prepared: Prepared) -> Sequence[LabelledFrame]:
    """Return the validation frames that class accuracy is measured on: evenly picked where they are many."""
    return prepared.validation[:: max(1, math.ceil(len(prepared.validation) / MOST_ACCURACY_FRAMES))]


def class_accuracy(prepared: Prepared) -> float:
    """Return the share of ``accuracy_frames`` whose class the model now chooses."""
    frames = accuracy_frames(prepared)
    images = [item_of(frame, prepared.class_names, prepared.recipe.data).image for frame in frames]
    chosen = prepared.vlm.class_probabilities(images, prepared.class_names).argmax(axis=1).tolist()
    right = [prepared.class_names[index] == frame.class_name for index, frame in zip(chosen, frames, strict=True)]
    return right.count(True) / len(right)


def training_sets(prepared: Prepared) -> tuple[DrawnFrames, FixedFrames | None]:
    """Return what the run will train on, in its order, and what it will be validated on."""
    recipe, class_names = prepared.recipe, prepared.class_names
    plan = plan_draws(
        [frame.class_name for frame in prepared.train],
        draws=prepared.preflight.steps * frames_per_step(recipe.training),
        class_balance=recipe.data.class_balance,
        seed=recipe.training.seed,
    )
    train = DrawnFrames(prepared.train, plan, class_names, recipe.data, recipe.training.seed)
    validation = FixedFrames(prepared.validation, class_names, recipe.data) if prepared.validation else None
    return train, validation


def _check_frames(train: Sequence[LabelledFrame], class_names: Sequence[str]) -> None:
    seen = {frame.class_name for frame in train}
    if len(seen) < 2:
        raise DatasetError(
            expected="training frames of at least two classes",
            found=f"{len(train)} frames of {', '.join(sorted(seen)) or 'none'}",
            remedy="label more frames and build the dataset again",
        )
    if unknown := seen - set(class_names):
        raise DatasetError(
            expected=f"training frames of the site's classes {', '.join(class_names)}",
            found=", ".join(sorted(unknown)),
            remedy="build the dataset again",
        )
