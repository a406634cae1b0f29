"""Training the embedded dual encoder on rendered scenes and their captions with CLIP's symmetric contrastive loss."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import CLIPModel, CLIPProcessor

from workbench.models.dual_encoder import DualEncoder, Embeddings, encode_texts
from workbench.pretraining.augmentation import augment
from workbench.pretraining.loss_report import STEPS_PER_REPORT, LossReport
from workbench.pretraining.optimisation import bfloat16_norms, learning_rate_share, new_optimizers, take_step
from workbench.pretraining.scene_cache import SceneCache, step_scenes, to_pixels

MAX_GRADIENT_NORM = 1.0
MAX_LOGIT_SCALE = 4.6052  # the paper's limit: ln 100


@dataclass(frozen=True)
class ClipTraining:
    """How long and how fast to train; every other scene of a step is a negative example of each."""

    steps: int
    scenes_per_step: int = 128
    learning_rate: float = 2e-3
    seed: int = 0


def train_clip(
    model: CLIPModel,
    processor: CLIPProcessor,
    cache: SceneCache,
    training: ClipTraining,
    *,
    report: Callable[[LossReport], None] = lambda losses: None,
) -> float:
    """Train ``model`` in place (Radford et al. 2021, arXiv:2103.00020, figure 3) and return the seconds it took."""
    optimizers = new_optimizers(model, learning_rate=training.learning_rate)
    model.set_attn_implementation("eager")
    model.train()
    started, losses = time.monotonic(), list[float]()
    for step in range(training.steps):
        losses.append(_learn(model, processor, cache, optimizers, training, step))
        if (step + 1) % STEPS_PER_REPORT == 0 or step + 1 == training.steps:
            report(LossReport(step + 1, training.steps, float(np.mean(losses)), time.monotonic() - started))
            losses.clear()
    model.eval()
    return time.monotonic() - started


def _learn(
    model: CLIPModel,
    processor: CLIPProcessor,
    cache: SceneCache,
    optimizers: Sequence[torch.optim.Optimizer],
    training: ClipTraining,
    step: int,
) -> float:
    """Change the weights by the scenes of ``step`` and return their loss."""
    indices = step_scenes(len(cache), training.scenes_per_step, training.seed, step)
    generator = torch.Generator().manual_seed(training.seed * 1_000_003 + step)
    pixels = augment(to_pixels(cache.pixels(indices)), generator)
    captions = [cache.captions[index] for index in indices]
    texts = encode_texts(processor, captions, DualEncoder(model, processor).text_tokens)
    with bfloat16_norms(model):
        loss = contrastive_loss(model, pixels, texts, captions)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
    take_step(optimizers, learning_rate_share(step, training.steps))
    model.logit_scale.data.clamp_(0, MAX_LOGIT_SCALE)
    return loss.item()


def contrastive_loss(
    model: CLIPModel, pixels: torch.Tensor, texts: dict[str, torch.Tensor], captions: Sequence[str]
) -> torch.Tensor:
    """Return the mean of both directions' cross-entropies; scenes with the same caption share the target."""
    with torch.autocast("cpu", torch.bfloat16):
        images = model.get_image_features(pixel_values=pixels).pooler_output
        words = model.get_text_features(**texts).pooler_output
    normalize = torch.nn.functional.normalize
    logits = normalize(images.float(), dim=-1) @ normalize(words.float(), dim=-1).T * model.logit_scale.exp()
    same = torch.tensor([[float(one == other) for other in captions] for one in captions])
    target = same / same.sum(dim=1, keepdim=True)
    cross_entropy = torch.nn.functional.cross_entropy
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2


def recall_at(images: Embeddings, texts: Embeddings, captions: Sequence[str], ranks: Sequence[int]) -> dict[int, float]:
    """Return for each rank k the share of captions with a scene of that very caption among the k nearest images."""
    named = np.array(captions)
    order = np.argsort(-(texts @ images.T), axis=1)
    hits = named[order] == named[:, None]
    return {k: float(hits[:, :k].any(axis=1).mean()) for k in ranks}
