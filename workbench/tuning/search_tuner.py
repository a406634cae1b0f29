"""Tuning a dual encoder on labelled frames: preflight, training, best weights, adapter folder, proof."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from transformers import set_seed

from workbench.domain import LabelledFrame
from workbench.errors import DatasetError, PreflightError
from workbench.models.dual_encoder import DualEncoder, load_dual_encoder
from workbench.models.ranking import rank_search
from workbench.models.search_contract import SearchContract
from workbench.progress import Progress, silent
from workbench.recipe_needs import check_revision
from workbench.search_recipe import SearchRecipe
from workbench.tuning.adapter import save_adapter, trained_weights
from workbench.tuning.best_weights import BestWeights
from workbench.tuning.collator import to_device
from workbench.tuning.encoding import decode
from workbench.tuning.estimate import Estimate
from workbench.tuning.examples import Lesson, TaughtFrame
from workbench.tuning.forward import mixed_precision, use_fast_attention
from workbench.tuning.frames import AS_IT_IS, DrawnFrames
from workbench.tuning.loop import Checkpoints, MetricsSink, Watch
from workbench.tuning.pair_loop import PairLoop
from workbench.tuning.pair_objective import PairObjective, learns
from workbench.tuning.pairs import PairLabels, PairLooks, collate_pairs
from workbench.tuning.preflight import PartAudit, audit_parts, check_answers, check_number_type
from workbench.tuning.sampling import plan_draws
from workbench.tuning.schedule import run_notes, total_steps
from workbench.tuning.search_estimate import estimate_pairs
from workbench.tuning.search_proofs import prove_search_adapter
from workbench.tuning.targets import attach_lora, find_targets, hold_as_served

__all__ = ["PreparedSearch", "SearchPreflight", "TunedSearch", "new_pair_loop", "prepare_search", "tune_dual_encoder"]

TEMPERATURE = ("logit_scale", "logit_bias")
_AT_ONCE = 64


@dataclass(frozen=True)
class SearchContractFacts:
    """What tuning and searching share."""

    digest: str
    class_prompts: tuple[str, ...]
    image_settings: Mapping[str, Any]


@dataclass(frozen=True)
class SearchPreflight:
    """What is about to happen: parts, steps, frames with their different captions, and what is computed only once.

    ``near_copies`` are pairs of training frames with different captions that are not wrong for each other. Of
    ``captions_cut`` of the captions the model does not read the end.
    """

    parts: tuple[PartAudit, ...]
    steps: int
    train_frames: int
    validation_frames: int
    captions: int
    captions_cut: int
    near_copies: int
    towers_seen_once: tuple[str, ...]
    estimate: Estimate
    base_version: str
    contract: SearchContractFacts
    notes: tuple[str, ...] = ()
    """What the recipe asks for and the run will not do."""

    @property
    def trainable_parameters(self) -> int:
        return sum(part.trainable for part in self.parts)


@dataclass(frozen=True)
class PreparedSearch:
    """A dual encoder with fresh adapters and everything that its run needs; ``loading`` loads its base again."""

    recipe: SearchRecipe
    class_names: tuple[str, ...]
    train: Sequence[LabelledFrame]
    validation: Sequence[LabelledFrame]
    encoder: DualEncoder
    contract: SearchContract
    loading: Mapping[str, Any]
    objective: PairObjective
    measure: Callable[[], Mapping[str, float]] | None
    draws: DrawnFrames
    preflight: SearchPreflight

    @property
    def model(self) -> PeftModel:
        assert isinstance(self.encoder.model, PeftModel)
        return self.encoder.model


@dataclass(frozen=True)
class TunedSearch:
    """``best_score`` is the best that the recipe's metric reached; a loss has its sign turned."""

    adapter_dir: Path
    encoder: DualEncoder
    contract: SearchContract
    steps: int
    best_step: int | None
    best_score: float | None
    seconds: float
    final_loss: float


def prepare_search(
    recipe: SearchRecipe,
    source: str,
    class_names: Sequence[str],
    train: Sequence[LabelledFrame],
    validation: Sequence[LabelledFrame],
    progress: Progress = silent,
) -> PreparedSearch:
    """Load the base, put fresh adapters on it and prove that a step on the first batch reaches each of them.

    PreflightError or DatasetError when it would train something else than the recipe says, or nothing.
    """
    labels, held_out = PairLabels.of(train, class_names), PairLabels.of(validation, class_names)
    _check_labels(recipe, labels)
    check_revision(recipe.base, source)
    steps = total_steps(recipe.shared, len(train))
    set_seed(recipe.training.seed)
    loading = {"path": source, "revision": recipe.base.revision, "dtype": recipe.base.dtype}
    base = _loaded(loading, recipe.data.class_prompts)
    check_number_type(base.core)
    _check_loss(recipe, base)
    _check_prompts(base, class_names)
    taught, judges = _taught(recipe, train), _taught(recipe, validation)
    check_answers([*taught, *judges], base.processor)
    views, held_out_views = _views(base, train, progress), _views(base, validation, progress)
    contract = SearchContract.of(
        base.core, base.processor, base_version=base.version, class_prompts=recipe.data.class_prompts
    )
    encoder, parts = _adapted(base, recipe)
    objective = PairObjective(encoder, recipe, labels, class_names, views)
    draws = _draws(objective, taught, steps, progress)
    preflight = SearchPreflight(
        parts=parts,
        steps=steps,
        train_frames=len(train),
        validation_frames=len(validation),
        captions=len(labels.captions),
        captions_cut=len(base.too_long(labels.captions)),
        near_copies=_near_copies(objective),
        towers_seen_once=tuple(name for name, seen in _seen_once(recipe, encoder).items() if seen),
        estimate=estimate_pairs(objective, draws, steps=steps, validates=bool(validation)),
        base_version=base.version,
        contract=SearchContractFacts(contract.digest, contract.class_prompts, contract.image_settings),
        notes=run_notes(recipe, recipe.shared.training, steps, len(validation), base.core.device),
    )
    measure = None
    if judges:
        judge = PairObjective(encoder, recipe, held_out, class_names, held_out_views)
        measure = _measure(judge, judges, progress)
    return PreparedSearch(
        recipe,
        tuple(class_names),
        train,
        validation,
        encoder,
        contract,
        loading,
        objective,
        measure,
        draws,
        preflight,
    )


def tune_dual_encoder(
    prepared: PreparedSearch,
    adapter_dir: Path,
    *,
    facts: Mapping[str, Any],
    sink: MetricsSink,
    progress: Progress = silent,
    warn: Callable[[str], None] = lambda text: None,
    checkpoints: Checkpoints | None = None,
) -> TunedSearch:
    """Train, keep the weights that do best on the validation split, save them in ``adapter_dir`` and prove it."""
    started = time.monotonic()
    recipe, model = prepared.recipe, prepared.model
    start = trained_weights(model)
    loop = new_pair_loop(prepared, Watch(sink, progress, warn), checkpoints)
    loop.run()
    loop.best.restore(loop.weights)
    hold_as_served(model)
    model.eval()
    contract = prepared.contract.with_temperature_of(prepared.encoder.core)
    facts = {**facts, "best_step": loop.best.step, "steps": loop.step}
    save_adapter(model, adapter_dir, contract=contract, recipe=recipe, facts=facts)
    prove_search_adapter(adapter_dir, prepared.encoder, start, prepared.train, prepared.class_names, prepared.loading)
    score = None if loop.best.step is None else loop.best.score
    seconds = time.monotonic() - started
    return TunedSearch(
        adapter_dir, prepared.encoder, contract, loop.step, loop.best.step, score, seconds, loop.last_loss
    )


def new_pair_loop(prepared: PreparedSearch, watch: Watch, checkpoints: Checkpoints | None = None) -> PairLoop:
    """Return the loop that the recipe asks for, before its first step."""
    training = prepared.recipe.training
    return PairLoop(
        model=prepared.model,
        recipe=prepared.recipe.shared,
        train=prepared.draws,
        collate=collate_pairs,
        steps=prepared.preflight.steps,
        validate=prepared.measure,
        best=BestWeights(
            training.metric_for_best_model,
            patience=training.early_stopping_patience,
            frames=len(prepared.validation),
        ),
        watch=watch,
        checkpoints=checkpoints,
        objective=prepared.objective,
    )


def _loaded(loading: Mapping[str, Any], class_prompts: tuple[str, ...]) -> DualEncoder:
    base = load_dual_encoder(**loading)
    base.core.to("cuda" if torch.cuda.is_available() else "cpu")
    use_fast_attention(base.core)
    return replace(base, class_prompts=class_prompts)


def _adapted(base: DualEncoder, recipe: SearchRecipe) -> tuple[DualEncoder, tuple[PartAudit, ...]]:
    """Put adapters on the base, train its temperature where the recipe says so, and count what is trained."""
    core = base.core
    model = attach_lora(core, recipe.shared, find_targets(core, recipe.parts))
    parts = audit_parts(model, recipe.parts)
    held = [getattr(core, name) for name in TEMPERATURE if getattr(core, name, None) is not None]
    for weight in held:
        weight.requires_grad_(recipe.loss.learn_temperature)
        weight.data = weight.data.float()
    trained = len(held) if recipe.loss.learn_temperature else 0
    temperature = PartAudit("temperature", "full" if trained else "frozen", len(held), trained)
    return replace(base, model=model), (*parts, temperature)


def _draws(objective: PairObjective, taught: Sequence[TaughtFrame], steps: int, progress: Progress) -> DrawnFrames:
    """Return the frames in the order of the run, already seen by an image tower that learns nothing."""
    recipe, encoder, labels = objective.recipe, objective.encoder, objective.labels
    augmentation, seed = recipe.data.augmentation, recipe.training.seed
    plan = plan_draws(
        [objective.class_names[place] for place in labels.class_of],
        draws=steps * recipe.training.per_device_train_batch_size,
        class_balance=recipe.data.class_balance,
        seed=seed,
    )
    looks = PairLooks(encoder, augmentation, _rows_of(labels))
    draws = DrawnFrames(taught, plan, looks, augmentation, seed)
    if not _seen_once(recipe, encoder)["image_tower"]:
        return draws
    return replace(draws, looks=looks.look_at(draws.wanted(), progress=progress))


def _seen_once(recipe: SearchRecipe, encoder: DualEncoder) -> dict[str, bool]:
    """Tell which towers look at a frame or a text once only, as they learn nothing and are shown nothing new."""
    augmentation = recipe.data.augmentation
    is_finite = not augmentation.varies or augmentation.views > 0
    return {
        "image_tower": is_finite and not learns(encoder, "vision_model"),
        "text_tower": not learns(encoder, "text_model"),
    }


def _measure(
    objective: PairObjective, taught: Sequence[TaughtFrame], progress: Progress
) -> Callable[[], Mapping[str, float]]:
    """Return what measures the encoder, as it then is, on the whole validation split."""
    recipe, encoder, labels = objective.recipe, objective.encoder, objective.labels
    looks = PairLooks(encoder, recipe.data.augmentation, _rows_of(labels))
    if not learns(encoder, "vision_model"):
        looks = looks.look_at([(frame, AS_IT_IS) for frame in taught], progress=progress)
    order = np.random.default_rng(0).permutation(len(taught))  # neighbours in time would be one batch
    size = recipe.training.per_device_train_batch_size

    def measured() -> Mapping[str, float]:
        encoder.model.eval()
        loss, images = 0.0, np.zeros((len(taught), encoder.width), dtype=np.float32)
        with torch.no_grad(), mixed_precision(encoder.core, recipe.shared.training):
            for start in range(0, len(taught), size):
                rows = order[start : start + size]
                batch = to_device(collate_pairs([looks.at(taught[row], AS_IT_IS) for row in rows]), encoder.core.device)
                loss += float(objective.loss(batch)) * len(rows) / len(taught)
                images[rows] = objective.images(batch["picture"]).cpu().numpy()
            captions, classes = encoder.embed_texts(labels.captions), encoder.embed_classes(objective.class_names)
        own = {"caption_of": labels.caption_of.numpy(), "class_of": labels.class_of.numpy()}
        figures = rank_search(images, captions, classes, **own).figures()
        return {"loss": loss, **{name: float(parts.mean()) for name, parts in figures.items()}}

    return measured


def _views(base: DualEncoder, frames: Sequence[LabelledFrame], progress: Progress) -> torch.Tensor:
    """Return ``[frames, width]``: what the untuned base sees of the frames."""
    parts = [np.zeros((0, base.width), dtype=np.float32)]
    for start in range(0, len(frames), _AT_ONCE):
        some = [frames[place] for place in range(start, min(start + _AT_ONCE, len(frames)))]
        parts.append(base.embed_images([decode(frame.frame_id, frame.image_jpeg) for frame in some]))
        progress(start + len(some), len(frames), "frames compared")
    return torch.from_numpy(np.concatenate(parts))


def _near_copies(objective: PairObjective) -> int:
    """Return how many pairs of frames with different captions are not wrong for each other."""
    labels, pairs = objective.labels, 0
    for clip in range(int(labels.clips.max()) + 1):
        rows = torch.nonzero(labels.clips == clip)[:, 0]
        captions = labels.caption_of[rows]
        pairs += int((objective.alike(rows) & (captions[:, None] != captions[None, :])).triu(1).sum())
    return pairs


def _rows_of(labels: PairLabels) -> dict[str, int]:
    return {frame_id: row for row, frame_id in enumerate(labels.frame_ids)}


def _taught(recipe: SearchRecipe, frames: Sequence[LabelledFrame]) -> list[TaughtFrame]:
    return Lesson(recipe.data.tasks, (), {}).taught(frames)


def _check_loss(recipe: SearchRecipe, base: DualEncoder) -> None:
    if recipe.loss.kind == "siglip" and getattr(base.core, "logit_bias", None) is None:
        raise PreflightError(
            expected="a model with a logit_bias, such as SigLIP, for loss.kind siglip",
            found=type(base.core).__name__,
            remedy="set loss.kind to clip, or name a SigLIP model as base.model",
        )


def _check_prompts(base: DualEncoder, class_names: Sequence[str]) -> None:
    if cut := base.too_long(base.prompts(class_names)):
        raise PreflightError(
            expected=f"class prompts of at most {base.text_tokens} tokens, which is all that the model reads",
            found=f"{len(cut)} longer ones, such as {cut[0][:60]!r}",
            remedy="shorten data.class_prompts",
        )


def _check_labels(recipe: SearchRecipe, labels: PairLabels) -> None:
    for task, what, count in (
        ("caption", "captions", len(labels.captions)),
        ("class_choice", "classes", len(set(labels.class_of.tolist()))),
    ):
        if getattr(recipe.data.tasks, task) and count < 2:
            raise DatasetError(
                expected=f"training frames of at least two {what}, to be told apart",
                found=f"{len(labels.frame_ids)} frames with {count}",
                remedy=f"label more frames and build the dataset again, or set data.tasks.{task} to 0",
            )
