"""What a model has learnt so far, measured on the whole validation split."""

import itertools
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
from workbench.tuning.workers import ALONE, Workers

MOST_ACCURACY_FRAMES = 128


def mean_losses(
    vlm: Vlm,
    frames: FixedFrames,
    collate: Callable[[Sequence[Any]], Batch],
    training: Training,
    workers: Workers = ALONE,
) -> Mapping[str, float]:
    """Return ``loss``, the weighted mean over all rows, and ``<task>_loss`` of each task; no logits are kept."""
    vlm.model.eval()
    seen = []
    size = training.per_device_train_batch_size
    for start in range(workers.rank * size, len(frames), workers.size * size):
        batch = collate([frames[place] for place in range(start, min(start + size, len(frames)))])
        with torch.no_grad(), mixed_precision(vlm.model, training):
            losses = row_losses(vlm.model.get_base_model(), to_device(batch, vlm.model.device)).cpu()
        seen.append((losses, batch["row_weight"], batch["row_task"]))
    columns = zip(*itertools.chain.from_iterable(workers.gathered(seen)), strict=True)
    return _means(*map(torch.cat, columns))


def judged_by(frames: Sequence[LabelledFrame]) -> Sequence[LabelledFrame]:
    """Return the frames that class accuracy is measured on: evenly picked where they are many."""
    return frames[:: max(1, math.ceil(len(frames) / MOST_ACCURACY_FRAMES))]


def class_accuracy(
    vlm: Vlm,
    frames: Sequence[LabelledFrame],
    class_names: Sequence[str],
    training: Training,
    workers: Workers = ALONE,
) -> float:
    """Return the share of ``frames`` whose class the model chooses."""
    own = frames[workers.rank :: workers.size]
    images = [decode(frame.frame_id, frame.image_jpeg) for frame in own]
    with mixed_precision(vlm.model, training):
        chosen = vlm.class_probabilities(images, class_names).argmax(axis=1) if images else []
    right = [class_names[index] == frame.class_name for index, frame in zip(chosen, own, strict=True)]
    return sum(map(sum, workers.gathered(right))) / len(frames)


def _means(losses: torch.Tensor, weights: torch.Tensor, tasks: torch.Tensor) -> dict[str, float]:
    by_task = {f"{TASKS[task]}_loss": float(losses[tasks == task].mean()) for task in sorted(set(tasks.tolist()))}
    return {"loss": float((losses * weights).sum() / weights.sum()), **by_task}
