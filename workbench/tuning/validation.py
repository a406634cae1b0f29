"""What a model has learnt so far, measured on the whole validation split."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from workbench.domain import LabelledFrame
from workbench.models.vlm import Vlm
from workbench.recipe import Training
from workbench.tuning.collator import Batch, to_device
from workbench.tuning.encoding import decode
from workbench.tuning.examples import TASKS
from workbench.tuning.forward import mixed_precision, row_losses
from workbench.tuning.frames import FixedFrames

MOST_ACCURACY_FRAMES = 128


def mean_losses(
    vlm: Vlm, frames: FixedFrames, collate: Callable[[Sequence[Any]], Batch], training: Training
) -> Mapping[str, float]:
    """Return ``loss``, the weighted mean over all rows, and ``<task>_loss`` of each task; no logits are kept."""
    vlm.model.eval()
    losses, weights, tasks = [], [], []
    size = training.per_device_train_batch_size
    for start in range(0, len(frames), size):
        batch = collate([frames[place] for place in range(start, min(start + size, len(frames)))])
        with torch.no_grad(), mixed_precision(vlm.model, training):
            losses.append(row_losses(vlm.model.get_base_model(), to_device(batch, vlm.model.device)).cpu())
        weights.append(batch["row_weight"])
        tasks.append(batch["row_task"])
    return _means(torch.cat(losses), torch.cat(weights), torch.cat(tasks))


def judged_by(frames: Sequence[LabelledFrame]) -> Sequence[LabelledFrame]:
    """Return the frames that class accuracy is measured on: evenly picked where they are many."""
    return frames[:: max(1, math.ceil(len(frames) / MOST_ACCURACY_FRAMES))]


def class_accuracy(vlm: Vlm, frames: Sequence[LabelledFrame], class_names: Sequence[str], training: Training) -> float:
    """Return the share of ``frames`` whose class the model chooses."""
    images = [decode(frame.frame_id, frame.image_jpeg) for frame in frames]
    with mixed_precision(vlm.model, training):
        chosen = vlm.class_probabilities(images, class_names).argmax(axis=1)
    right = [class_names[index] == frame.class_name for index, frame in zip(chosen.tolist(), frames, strict=True)]
    return right.count(True) / len(right)


def _means(losses: torch.Tensor, weights: torch.Tensor, tasks: torch.Tensor) -> dict[str, float]:
    by_task = {f"{TASKS[task]}_loss": float(losses[tasks == task].mean()) for task in sorted(set(tasks.tolist()))}
    return {"loss": float((losses * weights).sum() / weights.sum()), **by_task}
