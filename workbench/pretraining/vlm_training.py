"""Training the embedded VLM on rendered scenes: image features once per scene, shared by all questions about it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import Idefics3ForConditionalGeneration, Idefics3Processor

from workbench.models.chat import IGNORED_LABEL
from workbench.models.packing import PackedBatch
from workbench.pretraining.batches import SceneBatch, SceneBatches
from workbench.pretraining.checkpoint import Done, load_checkpoint, save_checkpoint
from workbench.pretraining.loss_report import STEPS_PER_REPORT, LossReport
from workbench.pretraining.optimisation import bfloat16_norms, learning_rate_share, new_optimizers, take_step
from workbench.pretraining.place_loss import PLACE_SHARE, PlaceTeacher, words_of
from workbench.pretraining.scene_cache import SceneCache
from workbench.pretraining.word_loss import teaching_share, word_loss

MAX_GRADIENT_NORM = 1.0


@dataclass(frozen=True)
class VlmTraining:
    """How long and how fast to train; ``scenes_per_step`` scenes are drawn without repetition within an epoch.

    ``starts_blind`` tells that the weights are random: image tokens are then taught words first.
    """

    steps: int
    starts_blind: bool = True
    scenes_per_step: int = 32
    questions_per_scene: int = 8
    learning_rate: float = 3e-3
    seed: int = 0
    checkpoint_steps: int = 250


def train_vlm(
    model: Idefics3ForConditionalGeneration,
    processor: Idefics3Processor,
    cache: SceneCache,
    training: VlmTraining,
    *,
    checkpoint: Path | None = None,
    report: Callable[[LossReport], None] = lambda losses: None,
    saved: Callable[[int], None] = lambda step: None,
) -> float:
    """Train ``model`` in place and return the seconds that it took in all.

    Goes on from ``checkpoint`` if that file exists, and keeps it up to date; ``saved`` is called after each checkpoint
    with the number of steps done.

    Every random choice of a step is drawn from the seed and the step's number, so that a resumed run repeats what an
    uninterrupted one does.
    """
    batches = SceneBatches(
        cache,
        processor,
        scenes_per_step=training.scenes_per_step,
        questions_per_scene=training.questions_per_scene,
        seed=training.seed,
    )
    torch.manual_seed(training.seed)
    teacher = PlaceTeacher(model.config.text_config.hidden_size, words_of(cache.marks))
    learners = torch.nn.ModuleList([model, teacher])
    optimizers = new_optimizers(learners, learning_rate=training.learning_rate)
    before = load_checkpoint(checkpoint, learners, optimizers) if checkpoint else Done()
    # On a CPU the plain attention's backward pass is twice as fast as the fused one's at these lengths.
    model.set_attn_implementation("eager")
    model.train()
    started, losses = time.monotonic() - before.elapsed_s, list[float]()
    for step in range(before.steps, training.steps):
        losses.append(_learn(model, teacher, batches.draw(step), optimizers, training, step))
        done = Done(step + 1, time.monotonic() - started)
        if done.steps % STEPS_PER_REPORT == 0 or done.steps == training.steps:
            report(LossReport(done.steps, training.steps, float(np.mean(losses)), done.elapsed_s))
            losses.clear()
        if checkpoint and (done.steps % training.checkpoint_steps == 0 or done.steps == training.steps):
            save_checkpoint(checkpoint, learners, optimizers, done)
            saved(done.steps)
    model.eval()
    return time.monotonic() - started


def _learn(
    model: Idefics3ForConditionalGeneration,
    teacher: PlaceTeacher,
    batch: SceneBatch,
    optimizers: Sequence[torch.optim.Optimizer],
    training: VlmTraining,
    step: int,
) -> float:
    """Change the weights by one batch and return the loss of its answers."""
    with bfloat16_norms(model):
        loss, image_features = packed_loss(model, batch.pixels, batch.questions)
    total = loss + PLACE_SHARE * teacher.loss(image_features, teacher.targets(batch.marks, image_features.shape[1]))
    if training.starts_blind and (share := teaching_share(step)):
        total = total + share * word_loss(model.lm_head(image_features.float()), batch.words)
    torch.autograd.backward(total)
    torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
    take_step(optimizers, learning_rate_share(step, training.steps))
    return loss.item()


def packed_loss(
    model: Idefics3ForConditionalGeneration, pixels: torch.Tensor, batch: PackedBatch
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the weighted mean cross-entropy of the answers' tokens, and the image features it was computed from.

    A token of an answer of n tokens weighs n^-½: long captions teach most, but do not drown a yes or a no.

    Runs in bfloat16 where that is safe; the features are ``[scenes, image tokens, text width]``.
    """
    with torch.autocast("cpu", torch.bfloat16):
        seen = model.model.vision_model(pixel_values=pixels).last_hidden_state
        image_features = model.model.connector(seen)
        embedded = model.get_input_embeddings()(batch.input_ids)
        image_places = (batch.input_ids == model.config.image_token_id).unsqueeze(-1)
        embedded = embedded.masked_scatter(image_places, image_features.to(embedded.dtype))
        hidden = model.model.text_model(
            inputs_embeds=embedded,
            position_ids=batch.position_ids,
            attention_mask=batch.mask(torch.bfloat16),
            use_cache=False,
        ).last_hidden_state
        learnt = batch.targets != IGNORED_LABEL
        logits = model.lm_head(hidden[learnt])
    losses = torch.nn.functional.cross_entropy(logits.float(), batch.targets[learnt], reduction="none")
    weights = _token_weights(batch)[learnt]
    return (losses * weights).sum() / weights.sum(), image_features


def _token_weights(batch: PackedBatch) -> torch.Tensor:
    same_answer = (batch.segments[:, :, None] == batch.segments[:, None, :]) & (batch.targets != IGNORED_LABEL)[:, None]
    return same_answer.sum(dim=2).clamp(min=1) ** -0.5
