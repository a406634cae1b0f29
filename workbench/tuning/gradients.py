"""That what is to be trained can be: every adapter that takes part in a step gets a gradient from it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from bitsandbytes.nn import Linear4bit
from peft.tuners.lora import LoraLayer
from peft.utils import ModulesToSaveWrapper
from torch import nn

from workbench.errors import PreflightError
from workbench.recipe import Part
from workbench.tuning.preflight import is_inside

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
def gradients_proved(model: nn.Module, parts: Mapping[str, Part]) -> Iterator[None]:
    """Watch a forward and backward pass inside the block.

    PreflightError when something between a module that is trained and the loss cuts it off: when one of a part's
    modules got no gradient although one that runs after it did, or none of them got any. What a model runs last and
    does not use (LLaVA's last vision layer) gets none, and is none of it.
    """
    learning = {path: module for path, module in model.named_modules() if _learns(module)}
    ran: dict[str, nn.Module] = {}

    def note(path: str, module: nn.Module, _inputs: object, _output: object) -> None:
        ran.setdefault(path, module)

    hooks = [module.register_forward_hook(partial(note, path)) for path, module in learning.items()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    for name, part in parts.items():
        _check_order(name, {path: _moves(module) for path, module in ran.items() if is_inside(path, part.path)})


def _check_order(part: str, moves: Mapping[str, bool]) -> None:
    """Check a part's modules, which stand in the order in which they ran."""
    last = max((place for place, moved in enumerate(moves.values()) if moved), default=len(moves))
    cut_off = [path for path, moved in list(moves.items())[:last] if not moved]
    if cut_off:
        raise PreflightError(
            expected=f"a gradient for each of the {len(moves)} modules of parts.{part} that are trained",
            found=f"none for {len(cut_off)}, such as {cut_off[0].removeprefix('base_model.model.')}",
            remedy="train other parts, or report the base model and the recipe, as something cuts the gradient off",
        )


def _learns(module: nn.Module) -> bool:
    return isinstance(module, LoraLayer | ModulesToSaveWrapper)


def _moves(module: nn.Module) -> bool:
    """Tell whether a gradient reached the module, be it zero."""
    return any(weight.grad is not None for weight in module.parameters() if weight.requires_grad)
