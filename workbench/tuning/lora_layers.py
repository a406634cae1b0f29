"""LoRA layers that train faster and compute the same: one step of autograd each, and nothing that is not needed.

peft's layer casts its input to the adapter's float32 and back, scales and adds in passes of their own, and leaves
autograd seven nodes. Weights, names and files stay peft's, and so does every answer that needs no gradient.
"""

from typing import Any

import torch
from peft.tuners.lora import Linear
from torch import nn

from workbench.models.linear import product

__all__ = ["FusedLora", "fuse_lora"]


def fuse_lora(model: nn.Module) -> None:
    """Make the LoRA layers of ``model``, which has one adapter, faster; those with dropout, DoRA or 4 bits stay."""
    for module in model.modules():
        if type(module) is Linear and _is_plain(module):
            module.__class__ = FusedLora


class FusedLora(Linear):  # type: ignore[misc]
    """peft's layer ``x W^T + b + s (x A^T) B^T`` with a backward pass of its own."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not torch.is_grad_enabled() or self.disable_adapters or self.merged:
            plain: torch.Tensor = super().forward(x)
            return plain
        base, (adapter,) = self.get_base_layer(), self.active_adapters
        down, up = self.lora_A[adapter].weight, self.lora_B[adapter].weight
        device = x.device.type
        calculated_in = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else base.weight.dtype
        given = (x, base.weight, base.bias, down, up, self.scaling[adapter], calculated_in)
        fused: torch.Tensor = _LoraProduct.apply(*given)  # type: ignore[no-untyped-call]
        return fused


class _LoraProduct(torch.autograd.Function):
    """Sums and products of ``[places, width]`` in one number type; A and B get their gradients in their own."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        down: torch.Tensor,
        up: torch.Tensor,
        scaling: float,
        calculated_in: torch.dtype,
    ) -> torch.Tensor:
        places, weight, a, b = (one.to(calculated_in) for one in (x.flatten(0, -2), weight, down, up))
        inner = product(places, a)
        ctx.save_for_backward(places, weight, a, b, inner)
        ctx.scaling, ctx.types = scaling, (x.dtype, down.dtype)
        added = product(places, weight, None if bias is None else bias.to(calculated_in))
        return added.addmm_(inner, b.T, alpha=scaling).view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        places, weight, a, b, inner = ctx.saved_tensors
        x_type, trained_type = ctx.types
        outer = gradients[0].flatten(0, -2).to(weight.dtype)
        through_b = product(outer, b.T).mul_(ctx.scaling)
        of_b = product(outer.T, inner.T).mul_(ctx.scaling).to(trained_type)
        of_a = product(through_b.T, places.T).to(trained_type)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = product(outer, weight.T).addmm_(through_b, a).to(x_type).view(*gradients[0].shape[:-1], -1)
        return of_x, None, None, of_a, of_b, None, None


def _is_plain(layer: Linear) -> bool:
    drops_nothing = all(isinstance(dropout, nn.Identity) for dropout in layer.lora_dropout.values())
    return drops_nothing and not layer.lora_variant
