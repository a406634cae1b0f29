"""How long a run is, and how its learning rate rises; what it cannot do of its recipe is told before it begins."""

import math
from typing import Any

import torch
from transformers.optimization import get_scheduler

from workbench.errors import PreflightError
from workbench.recipe import Recipe, Training
from workbench.recipe_needs import leftovers
from workbench.search_recipe import SearchRecipe

__all__ = ["MOST_DRAWS", "new_scheduler", "run_notes", "total_steps", "warmup_steps"]

MOST_DRAWS = 5_000_000
"""Frames that a run may be planned to see, each time counted: its plan is held in memory."""


def total_steps(recipe: Recipe, frames: int) -> int:
    """Return the optimiser steps of a run on ``frames`` training frames.

    PreflightError when they are too many to be planned, or too few for the recipe's warm-up or replay.
    """
    training = recipe.training
    by_epochs = frames * training.num_train_epochs / recipe.frames_per_step
    steps = training.max_steps if training.max_steps > 0 else max(1.0, by_epochs)
    if (looks := steps * recipe.frames_per_step) > MOST_DRAWS:
        raise PreflightError(
            expected=f"a run that looks at frames {MOST_DRAWS:,} times at most",
            found=f"one that does so {looks:.2g} times",
            remedy="lower training.max_steps, num_train_epochs or per_device_train_batch_size in the recipe",
        )
    steps = math.ceil(steps)
    if training.warmup_steps >= steps:
        raise PreflightError(
            expected=f"a warm-up of fewer steps than the {steps} of the run",
            found=f"training.warmup_steps {training.warmup_steps:g}",
            remedy="lower it, or give a share below 1",
        )
    share, draws = recipe.data.replay.share, steps * recipe.frames_per_step
    if share and draws * share < 1:
        raise PreflightError(
            expected=f"a data.replay.share that gives a general frame among the {draws} of the run",
            found=f"{share:g}",
            remedy=f"raise it to {math.ceil(100 / draws) / 100:g} or more, or set it to 0",
        )
    return steps


def warmup_steps(training: Training, steps: int) -> int:
    """Return the steps of rising learning rate, of which a recipe may give the number or, below 1, the share."""
    given = training.warmup_steps
    return min(math.ceil(given * steps), steps - 1) if given < 1 else int(given)


def new_scheduler(optimizer: torch.optim.Optimizer, training: Training, steps: int) -> Any:
    """Return the recipe's schedule; transformers' ``constant`` alone would leave out the warm-up."""
    name = training.lr_scheduler_type
    return get_scheduler(
        "constant_with_warmup" if name == "constant" else name,
        optimizer,
        num_warmup_steps=warmup_steps(training, steps),
        num_training_steps=steps,
    )


def run_notes(
    recipe: Recipe | SearchRecipe, training: Training, steps: int, validation_frames: int, device: torch.device
) -> tuple[str, ...]:
    """Return a sentence for each thing that the recipe asks for and its run will not do; ``training`` is as shared."""
    notes, looks = list(leftovers(recipe).values()), math.ceil(steps / training.eval_steps)
    if not validation_frames:
        notes.append(
            "There is no validation split: training.metric_for_best_model and early_stopping_patience have no effect, "
            "and the last weights are kept."
        )
    elif training.early_stopping_patience >= max(1, looks - 1):
        notes.append(
            f"training.early_stopping_patience has no effect, as a run of {steps} steps is measured {looks} times: "
            "lower it or training.eval_steps."
        )
    if training.optim == "paged_adamw_8bit" and device.type == "cpu":
        notes.append("training.optim is adamw_bnb_8bit here: on a CPU there is nothing to page to.")
    return tuple(notes)
