"""The optimiser of a recipe: a learning rate per part, faster B matrices (LoRA+), and 8-bit states where asked for."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from bitsandbytes.optim import AdamW8bit, PagedAdamW8bit
from torch import nn

from workbench.recipe import Recipe
from workbench.tuning.preflight import is_inside

_CLASSES: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
    "adamw_torch": partial(torch.optim.AdamW, fused=True),
    "adamw_bnb_8bit": AdamW8bit,
    "paged_adamw_8bit": PagedAdamW8bit,
}


def new_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the optimiser of every trained weight of ``model``; biases, norms and magnitudes do not decay."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for path, weight in model.named_parameters():
        if weight.requires_grad:
            decay = recipe.training.weight_decay if weight.ndim > 1 else 0.0
            groups[_learning_rate(path, recipe), decay].append(weight)
    chosen: list[dict[str, Any]] = [
        {"params": weights, "lr": rate, "weight_decay": decay} for (rate, decay), weights in groups.items()
    ]
    name = recipe.training.optim
    if name == "paged_adamw_8bit" and next(model.parameters()).device.type == "cpu":
        name = "adamw_bnb_8bit"  # there is nothing to page to
    return _CLASSES[name](chosen)


def _learning_rate(path: str, recipe: Recipe) -> float:
    own = [part.learning_rate for part in recipe.parts.values() if is_inside(path, part.path)]
    rate = next((rate for rate in own if rate is not None), recipe.training.learning_rate)
    return rate * (recipe.lora.loraplus_lr_ratio if ".lora_B." in path else 1.0)
