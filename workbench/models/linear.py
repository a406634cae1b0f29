"""Linear layers on the CPU in float32, multiplied by oneDNN: MKL, which PyTorch takes, runs at half its speed on AMD.

``torch.compile`` takes the same kernel. Its sums are in float32 too, only in another order.
"""

from functools import cache

import torch
from torch import nn
from torch.nn import functional

__all__ = ["product", "quicken"]


def product(rows: torch.Tensor, matrix: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """Return ``rows @ matrix.T + bias`` without a gradient, of tensors of one type."""
    if rows.dtype == matrix.dtype == torch.float32 and rows.device.type == "cpu" and _has_onednn():
        found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(rows, matrix, bias, "none", [], "")
        return found
    return functional.linear(rows, matrix, bias)


def quicken(model: nn.Module) -> None:
    """Let the linear layers of ``model`` answer by ``product`` wherever no gradient is asked for."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = _QuickLinear


class _QuickLinear(nn.Linear):
    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        learns = torch.is_grad_enabled() and (rows.requires_grad or self.weight.requires_grad)
        if learns or torch.is_autocast_enabled(rows.device.type):
            return super().forward(rows)
        return product(rows, self.weight, self.bias)


@cache
def _has_onednn() -> bool:
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # type: ignore[no-untyped-call]
