"""Tuning a base model on labelled frames: preflight, training, best weights, adapter folder, proof."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, cast

import torch
from peft import PeftModel
from transformers import PreTrainedModel, set_seed

from workbench.domain import LabelledFrame
from workbench.errors import DatasetError
from workbench.models.chat import ChatContract
from workbench.models.family import family_of_processor
from workbench.models.loading import load_processor
from workbench.models.vlm import Vlm, load_vlm
from workbench.progress import Progress, silent
from workbench.recipe import Base, Recipe
from workbench.recipe_needs import check_revision
from workbench.tuning.adapter import prove_adapter, save_adapter, trained_weights
from workbench.tuning.allocator import keep_freed_pages
from workbench.tuning.best_weights import BestWeights
from workbench.tuning.collator import Batch, Collator, collate_packed
from workbench.tuning.encoding import FrameEncoder, item_of, room_for
from workbench.tuning.estimate import Estimate, estimate
from workbench.tuning.examples import GeneralFrame, Lesson, TaughtFrame, class_weights
from workbench.tuning.feature_cache import cache_for
from workbench.tuning.forward import quicken_decoder, shares_image_features, use_fast_attention
from workbench.tuning.frames import AS_IT_IS, DrawnFrames, FixedFrames, Look, Looks, PixelLooks
from workbench.tuning.gradients import keep_trainable
from workbench.tuning.loop import Checkpoints, Loop, MetricsSink, Watch
from workbench.tuning.preflight import (
    MaskProof,
    PartAudit,
    audit_parts,
    check_answers,
    check_context,
    check_number_type,
    check_quantization,
    prove_contract,
    prove_label_mask,
)
from workbench.tuning.sampling import Draw, group_by_length, mix_in, plan_draws
from workbench.tuning.schedule import run_notes, total_steps
from workbench.tuning.targets import attach_lora, find_targets, hold_as_served
from workbench.tuning.validation import class_accuracy, judged_by, mean_losses
from workbench.tuning.workers import ALONE, Workers, whole


@dataclass(frozen=True)
class ContractFacts:
    """What training and serving share, proved on one frame."""

    digest: str
    system_prompt: str
    image_settings: Mapping[str, Any]


@dataclass(frozen=True)
class Preflight:
    """What is about to happen: parts, label masks of one frame, steps and frames, time and memory."""

    parts: tuple[PartAudit, ...]
    masks: tuple[MaskProof, ...]
    steps: int
    train_frames: int
    validation_frames: int
    base_version: str
    contract: ContractFacts
    estimate: Estimate | None = None
    notes: tuple[str, ...] = ()
    """What the recipe asks for and the run will not do."""

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
    general: Sequence[GeneralFrame] = ()
    features_dir: Path | None = None
    workers: Workers = ALONE

    @property
    def model(self) -> PeftModel:
        return cast(PeftModel, self.vlm.model)

    @cached_property
    def lesson(self) -> Lesson:
        return lesson_of(self.recipe, self.class_names, self.train)

    @cached_property
    def taught(self) -> Sequence[TaughtFrame]:
        """The training frames and, after them, the general ones."""
        return [*self.lesson.taught(self.train), *(frame.taught() for frame in self.general)]

    @cached_property
    def pixels(self) -> PixelLooks:
        return pixel_looks(self.recipe, self.vlm)


@dataclass(frozen=True)
class Tuned:
    """An adapter folder that was proved to reload.

    ``best_step`` and ``best_score`` (the recipe's metric, a loss with its sign turned) are None without a validation
    split.
    """

    adapter_dir: Path
    vlm: Vlm
    steps: int
    best_step: int | None
    best_score: float | None
    seconds: float
    final_loss: float


def prepare(
    recipe: Recipe,
    base_source: str,
    class_names: Sequence[str],
    train: Sequence[LabelledFrame],
    validation: Sequence[LabelledFrame],
    general: Sequence[GeneralFrame] = (),
    *,
    features_dir: Path | None = None,
    workers: Workers = ALONE,
) -> Prepared:
    """Load the base, put adapters on it and check everything that can be checked before training.

    ``general`` frames are mixed in where the recipe has a share for them. What a frozen vision tower sees is kept in
    ``features_dir``, where given, which all ``workers`` must see. Raises PreflightError, ModelError or DatasetError.
    """
    keep_freed_pages()
    _check_frames(train, validation, class_names)
    check_revision(recipe.base, base_source)
    steps = total_steps(recipe, len(train))
    set_seed(recipe.training.seed)
    loading = loading_arguments(recipe.base, base_source)
    base = load_vlm(**loading)
    check_number_type(base.model)
    check_quantization(base.model, recipe)
    contract = ChatContract.of(
        base.processor,
        class_names=class_names,
        system_prompt=recipe.base.system_prompt,
        max_new_tokens=room_for((frame.caption for frame in chain(train, validation)), base.processor),
    )
    use_fast_attention(base.model)
    quicken_decoder(base.model)
    keep_trainable(base.model)
    model = attach_lora(base.model, recipe, find_targets(base.model, recipe.parts))
    if recipe.training.activation_checkpointing:
        model.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    vlm = Vlm(cast(PreTrainedModel, model), base.processor, contract, base.version)
    first = lesson_of(recipe, class_names, train).taught(train[:1])[0]
    batch = collate_for(vlm)([pixel_looks(recipe, vlm).at(first, AS_IT_IS)])
    check_context(base.model, contract, batch)
    served = load_processor(loading["source"], revision=loading["revision"])
    prove_contract(served, contract, item_of(first), batch)
    preflight = Preflight(
        parts=audit_parts(model, recipe.parts),
        masks=prove_label_mask(batch, first.examples, base.processor),
        steps=steps,
        train_frames=len(train),
        validation_frames=len(validation),
        base_version=base.version,
        contract=ContractFacts(contract.digest, contract.system_prompt, contract.image_settings),
        notes=run_notes(recipe, recipe.training, steps, len(validation), base.model.device),
    )
    prepared = Prepared(
        recipe, tuple(class_names), train, validation, vlm, loading, preflight, general, features_dir, workers
    )
    check_answers([*prepared.taught, *prepared.lesson.taught(validation)], base.processor)
    return replace(prepared, preflight=replace(preflight, estimate=estimated(prepared)))


def tune_model(
    prepared: Prepared,
    adapter_dir: Path,
    *,
    facts: Mapping[str, Any],
    sink: MetricsSink,
    progress: Progress = silent,
    warn: Callable[[str], None] = lambda text: None,
    checkpoints: Checkpoints | None = None,
) -> Tuned | None:
    """Train, keep the weights that do best on the validation split, save them in ``adapter_dir`` and prove it.

    The run's state is kept in ``checkpoints``, where given. None where this is not the worker that leads.
    """
    started = time.monotonic()
    recipe, start = prepared.recipe, trained_weights(prepared.model)
    train, validation = training_sets(prepared, looks_of(prepared, progress))
    loop = new_loop(prepared, train, validation, Watch(sink, progress, warn), checkpoints)
    loop.run()
    loop.best.restore(loop.weights)
    weights = {name: whole(weight) for name, weight in loop.weights.items()}
    if not prepared.workers.leads:
        return None
    if recipe.scaling.strategy == "fsdp":
        prepared = _undivided(prepared, weights)
    vlm, model = prepared.vlm, prepared.model
    hold_as_served(model)
    facts = {**facts, "best_step": loop.best.step, "steps": loop.step}
    save_adapter(model, adapter_dir, contract=vlm.contract, recipe=recipe, facts=facts)
    reloaded = prove_adapter(adapter_dir, vlm, start, item_of(prepared.taught[0]), prepared.loading)
    seconds = time.monotonic() - started
    score = None if loop.best.step is None else loop.best.score
    return Tuned(adapter_dir, reloaded, loop.step, loop.best.step, score, seconds, loop.last_loss)


def _undivided(prepared: Prepared, weights: Mapping[str, torch.Tensor]) -> Prepared:
    """Return the model whole, which torch knows no way back to once it was divided: loaded again, with ``weights``."""
    base = load_vlm(**prepared.loading)
    use_fast_attention(base.model)
    keep_trainable(base.model)
    model = attach_lora(base.model, prepared.recipe, find_targets(base.model, prepared.recipe.parts))
    with torch.no_grad():
        for name, weight in weights.items():
            model.get_parameter(name).copy_(weight)
    return replace(prepared, vlm=replace(prepared.vlm, model=cast(PreTrainedModel, model)))


def new_loop(
    prepared: Prepared,
    train: DrawnFrames,
    validation: FixedFrames | None,
    watch: Watch,
    checkpoints: Checkpoints | None = None,
) -> Loop:
    """Return the loop that the recipe asks for, before its first step."""
    training = prepared.recipe.training
    return Loop(
        model=prepared.model,
        recipe=prepared.recipe,
        train=train,
        collate=collate_for(prepared.vlm),
        steps=prepared.preflight.steps,
        validate=(lambda: measured(prepared, validation)) if validation else None,
        best=BestWeights(
            training.metric_for_best_model,
            patience=training.early_stopping_patience,
            frames=len(judged_by(prepared.validation)),
        ),
        watch=watch,
        checkpoints=checkpoints,
        workers=prepared.workers,
    )


def measured(prepared: Prepared, validation: FixedFrames) -> Mapping[str, float]:
    """Return the validation losses and, where it decides on the weights that are kept, the class accuracy."""
    training, vlm = prepared.recipe.training, prepared.vlm
    losses = mean_losses(vlm, validation, collate_for(vlm), training, prepared.workers)
    if training.metric_for_best_model != "class_accuracy":
        return losses
    judges, workers = judged_by(prepared.validation), prepared.workers
    return {**losses, "class_accuracy": class_accuracy(vlm, judges, prepared.class_names, training, workers)}


def loading_arguments(base: Base, source: str) -> dict[str, Any]:
    """Return the arguments of ``load_vlm`` that a recipe's ``base`` section asks for."""
    quantization = None if base.quantization == "none" else base.quantization
    arguments = {"source": source, "revision": base.revision, "dtype": base.dtype, "quantization": quantization}
    if base.longest_edge is None:
        return arguments
    processor = load_processor(source, revision=base.revision)
    limited = family_of_processor(processor).limit_pixels(processor.image_processor, base.longest_edge)
    return {**arguments, "image_settings": limited}


def lesson_of(recipe: Recipe, class_names: Sequence[str], train: Sequence[LabelledFrame]) -> Lesson:
    weights = class_weights([frame.class_name for frame in train], recipe.data.class_weighting)
    return Lesson(recipe.data.tasks, tuple(class_names), weights)


def pixel_looks(recipe: Recipe, vlm: Vlm) -> PixelLooks:
    encoder = FrameEncoder(vlm.processor, vlm.contract) if shares_image_features(vlm.model) else None
    return PixelLooks(recipe.data.augmentation, encoder)


def looks_of(prepared: Prepared, progress: Progress = silent) -> Looks:
    """Return how frames become items: by what the vision tower saw of them, which is completed first, or by pixels."""
    train, validation = training_sets(prepared, prepared.pixels)
    return seen(prepared, [*train.wanted(), *(validation.wanted() if validation else [])], progress)


def seen(prepared: Prepared, wanted: Sequence[tuple[TaughtFrame, Look]], progress: Progress = silent) -> Looks:
    """Return how ``wanted`` frames become items, after the vision tower has looked at them where that is kept."""
    pixels = prepared.pixels
    if prepared.features_dir is None:
        return pixels
    cache = cache_for(prepared.vlm, prepared.recipe, pixels, prepared.features_dir)
    if cache is None:
        return pixels
    training, workers = prepared.recipe.training, prepared.workers
    own = wanted[workers.rank :: workers.size]
    cache.fill(prepared.model.get_base_model(), own, training, progress=progress)
    workers.gathered(None)  # all have seen their share
    return cache


def estimated(prepared: Prepared) -> Estimate:
    """Take a step on the first frames of the plan and return what a run of it will need."""
    train, _ = training_sets(prepared, prepared.pixels)
    first = range(min(len(train), prepared.recipe.training.per_device_train_batch_size))
    looks = seen(prepared, [train.drawn(place) for place in first])
    return estimate(
        prepared.model,
        prepared.recipe,
        [looks.at(*train.drawn(place)) for place in first],
        collate_for(prepared.vlm),
        steps=prepared.preflight.steps,
        validation_frames=len(prepared.validation),
    )


def collate_for(vlm: Vlm) -> Callable[[Sequence[Any]], Batch]:
    """Return what makes batches of the items that ``pixel_looks`` of the same model gives."""
    return collate_packed if shares_image_features(vlm.model) else Collator(vlm.processor, vlm.contract)


def training_sets(prepared: Prepared, looks: Looks) -> tuple[DrawnFrames, FixedFrames | None]:
    """Return what the run will train on, in its order, and what it will be validated on."""
    recipe = prepared.recipe
    plan = _plan(prepared, draws=prepared.preflight.steps * recipe.frames_per_step)
    train = DrawnFrames(prepared.taught, plan, looks, recipe.data.augmentation, recipe.training.seed)
    return train, FixedFrames(prepared.lesson.taught(prepared.validation), looks) if prepared.validation else None


def _plan(prepared: Prepared, *, draws: int) -> list[Draw]:
    training, data = prepared.recipe.training, prepared.recipe.data
    class_names = [frame.class_name for frame in prepared.train]
    plan = plan_draws(class_names, draws=draws, class_balance=data.class_balance, seed=training.seed)
    if prepared.general and data.replay.share:
        own, others = len(prepared.train), len(prepared.general)
        plan = mix_in(plan, first=own, frames=others, share=data.replay.share, seed=training.seed)
    if training.train_sampling_strategy == "random":
        return plan
    lengths = [sum(len(example.answer) for example in frame.examples) for frame in prepared.taught]
    return group_by_length(plan, lengths, batch_size=training.per_device_train_batch_size, seed=training.seed)


def _check_frames(
    train: Sequence[LabelledFrame], validation: Sequence[LabelledFrame], class_names: Sequence[str]
) -> None:
    seen = {frame.class_name for frame in train}
    if len(seen) < 2:
        raise DatasetError(
            expected="training frames of at least two classes",
            found=f"{len(train)} frames of {', '.join(sorted(seen)) or 'none'}",
            remedy="label more frames and build the dataset again",
        )
    if unknown := (seen | {frame.class_name for frame in validation}) - set(class_names):
        raise DatasetError(
            expected=f"frames of the site's classes {', '.join(class_names)}",
            found=", ".join(sorted(unknown)),
            remedy="build the dataset again",
        )
