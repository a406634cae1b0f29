"""That what is to be trained can be: every adapter that takes part in a step gets a gradient from it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from bitsandbytes.nn import Linear4bit
from peft.tuners.lora import LoraLayer
from peft.utils import ModulesToSaveWrapper
from torch import nn

from workbench.errors import PreflightError

__all__ = ["gradients_proved", "keep_trainable"]


def keep_trainable(model: nn.Module) -> None:
    """Let 4-bit layers stay as they are while ``model`` is asked something between two steps.

    On a CPU with AVX-512 BF16, bitsandbytes 0.50 repacks a 4-bit layer at its first answer for a kernel that knows no
    backward pass; everything below it would get no gradient any more, without an error.
    """
    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False


@contextmanager
def gradients_proved(model: nn.Module) -> Iterator[None]:
    """Watch a forward and backward pass inside the block.

    PreflightError when an adapter that was run, or a module that is trained whole, got no gradient: something between
    it and the loss cuts it off. Adapters that a model never runs (LLaVA skips its last vision layer) are none of it.
    """
    learning = {path: module for path, module in model.named_modules() if _learns(module)}
    ran: set[str] = set()
    hooks = [
        module.register_forward_hook(lambda _module, _inputs, _output, path=path: ran.add(path))
        for path, module in learning.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    if cut_off := sorted(path for path in ran if not _moves(learning[path])):
        raise PreflightError(
            expected=f"a gradient for each of the {len(ran)} modules that are trained",
            found=f"none for {len(cut_off)}, such as {cut_off[0].removeprefix('base_model.model.')}",
            remedy="train other parts, or report the base model and the recipe, as something cuts the gradient off",
        )


def _learns(module: nn.Module) -> bool:
    return isinstance(module, LoraLayer | ModulesToSaveWrapper)


def _moves(module: nn.Module) -> bool:
    """Tell whether a step would change the module; the A matrices of LoRA start to move after the B matrices."""
    return any(
        weight.grad is not None and bool(torch.any(weight.grad != 0))
        for weight in module.parameters()
        if weight.requires_grad
    )
