"""A way back towards the weights that a training began with.

What was learnt lately shows in part, while what adapted well before still does (weight-space interpolation, WiSE-FT;
Wortsman et al. 2022, arXiv 2109.01903).
"""

import torch
from torch import nn

__all__ = ["interpolate"]


@torch.no_grad()
def interpolate(model: nn.Module, start: nn.Module, *, keep: float) -> None:
    """Make each weight of ``model`` ``keep`` times that of ``start`` (a model of the same form), the rest its own."""
    for own, earlier in zip(model.parameters(), start.parameters(), strict=True):
        own.lerp_(earlier.to(own), keep)
