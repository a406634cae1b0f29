"""How long tuning a dual encoder will take and how much memory it will need, from steps that were really taken."""

from functools import partial

import torch
from peft import PeftModel

from workbench.search_recipe import SearchRecipe
from workbench.tuning.collator import Batch, to_device
from workbench.tuning.estimate import (
    Estimate,
    available_mib,
    check_fit,
    divided,
    memory_enough,
    peak_mib,
    trainable,
    tried,
    used_mib,
)
from workbench.tuning.forward import mixed_precision
from workbench.tuning.frames import DrawnFrames
from workbench.tuning.pair_objective import PairObjective
from workbench.tuning.pairs import collate_pairs
from workbench.tuning.search_proofs import require_reached

__all__ = ["estimate_pairs", "pairs_to_fit"]

_FEWEST = 2


def estimate_pairs(objective: PairObjective, draws: DrawnFrames, *, steps: int, validates: bool) -> Estimate:
    """Take steps on the first frames of the plan, without changing a weight.

    Each has twice as many as the one before, and is not taken where it would not fit: PreflightError with the largest
    batch that did. PreflightError also when an adapter got no gradient.
    """
    recipe, model = objective.recipe, objective.encoder.model
    assert isinstance(model, PeftModel)
    frames, device = recipe.training.per_device_train_batch_size, model.device
    state, held_mib, free_mib = torch.get_rng_state(), used_mib(device), available_mib(device)
    divide = partial(divided, recipe.shared.training, trainable(model), held_mib, validates=validates)

    def check(fixed_mib: float, frame_mib: float, fitting: int) -> None:
        check_fit(frames, fixed_mib, frame_mib, free_mib, remedy=lambda _: pairs_to_fit(recipe, fitting))

    def step(count: int) -> None:
        _take(objective, collate_pairs([draws[place] for place in range(count)]))

    model.train()
    try:
        with memory_enough(pairs_to_fit(recipe, max(_FEWEST, frames // 2)), device):
            count = _FEWEST
            while count < frames:
                fixed_mib, few_mib = divide(peak_mib(device, partial(step, count)))
                if fixed_mib + few_mib * min(2.0, frames / count) > free_mib:
                    check(fixed_mib, few_mib / count, count if fixed_mib + few_mib <= free_mib else 0)
                count *= 2
            step_s, batch_mib = tried(device, lambda: step(frames))
        require_reached(model)
    finally:
        model.zero_grad(set_to_none=True)
        model.eval()
        torch.set_rng_state(state)
    fixed_mib, activations_mib = divide(batch_mib)
    check(fixed_mib, activations_mib / frames, count // 2)
    return Estimate(
        step_s=step_s,
        total_s=steps * step_s,
        memory_mib=fixed_mib + activations_mib,
        available_mib=free_mib,
        device=str(device),
    )


def pairs_to_fit(recipe: SearchRecipe, frames: int) -> str:
    """Return what to change in a recipe where ``frames`` fit into a step."""
    if 2 <= frames < recipe.training.per_device_train_batch_size:
        return f"set training.per_device_train_batch_size to {frames}"
    return "leave a tower out of parts, or take a smaller model"


def _take(objective: PairObjective, batch: Batch) -> None:
    core = objective.encoder.core
    with mixed_precision(core, objective.recipe.shared.training):
        loss = objective.loss(to_device(batch, core.device))
    torch.autograd.backward(loss)
    if core.device.type == "cuda":
        torch.cuda.synchronize()
