"""The optimiser and learning-rate schedule that both base models are trained with."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

WARM_UP_STEPS = 200
DECAY_SHARE = 0.35


def new_optimizers(model: torch.nn.Module, *, learning_rate: float) -> tuple[torch.optim.Optimizer, ...]:
    """Return Muon for the matrices between layers and AdamW, at half the rate, for embeddings, biases and norms.

    Muon (Jordan et al. 2024, as in torch) learns these models in far fewer steps than AdamW alone.
    """
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, torch.nn.Embedding)}
    matrices = [weight for weight in model.parameters() if weight.ndim == 2 and id(weight) not in embeddings]
    chosen = set(map(id, matrices))
    others = [weight for weight in model.parameters() if id(weight) not in chosen]
    muon = torch.optim.Muon(matrices, lr=learning_rate, weight_decay=0.02, adjust_lr_fn="match_rms_adamw")
    adamw = torch.optim.AdamW(others, lr=learning_rate / 2, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    for optimizer in (muon, adamw):
        for group in optimizer.param_groups:
            group["peak_rate"] = group["lr"]
    return muon, adamw


def learning_rate_share(step: int, steps: int) -> float:
    """Return the share of the peak rate at ``step``: warm-up, plateau, then a linear fall to zero.

    Until the fall begins the rate does not depend on ``steps``, so a run that is resumed on the plateau with another
    number of steps equals a run that had that number from its start.
    """
    warm_up_steps = min(WARM_UP_STEPS, max(1, steps // 10))
    decay_steps = max(1, round(DECAY_SHARE * steps))
    return min(1.0, (step + 1) / warm_up_steps, max(0, steps - step) / decay_steps)


def take_step(optimizers: Sequence[torch.optim.Optimizer], rate_share: float) -> None:
    """Change the weights by their gradients at ``rate_share`` of the peak rates, and forget the gradients."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate_share * group["peak_rate"]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


@contextmanager
def bfloat16_norms(model: torch.nn.Module) -> Iterator[None]:
    """Let every normalisation hand on bfloat16 while the block runs, once instead of in each of its readers.

    Under autocast each linear layer would convert the same float32 tensor for itself, forwards and backwards.
    """
    norms = [module for module in model.modules() if type(module).__name__.endswith("Norm")]
    hooks = [norm.register_forward_hook(lambda module, args, output: output.to(torch.bfloat16)) for norm in norms]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
