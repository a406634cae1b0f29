"""How long a run is, and how many frames each of its steps sees."""

import math

from workbench.recipe import Training

__all__ = ["frames_per_step", "total_steps", "warmup_steps"]


def total_steps(training: Training, frames: int) -> int:
    """Return the optimiser steps of a run on ``frames`` training frames."""
    if training.max_steps > 0:
        return training.max_steps
    return max(1, math.ceil(frames * training.num_train_epochs / frames_per_step(training)))


def frames_per_step(training: Training) -> int:
    return training.per_device_train_batch_size * training.gradient_accumulation_steps


def warmup_steps(training: Training, steps: int) -> int:
    """Return the steps of rising learning rate, of which a recipe may give the number or, below 1, the share."""
    given = training.warmup_steps
    return math.ceil(given * steps) if given < 1 else int(given)
