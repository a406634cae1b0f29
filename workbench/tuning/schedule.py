"""How long a run is, and how its learning rate rises."""

import math

from workbench.recipe import Recipe, Training

__all__ = ["total_steps", "warmup_steps"]


def total_steps(recipe: Recipe, frames: int) -> int:
    """Return the optimiser steps of a run on ``frames`` training frames."""
    training = recipe.training
    if training.max_steps > 0:
        return training.max_steps
    return max(1, math.ceil(frames * training.num_train_epochs / recipe.frames_per_step))


def warmup_steps(training: Training, steps: int) -> int:
    """Return the steps of rising learning rate, of which a recipe may give the number or, below 1, the share."""
    given = training.warmup_steps
    return math.ceil(given * steps) if given < 1 else int(given)
