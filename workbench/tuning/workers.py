"""The processes that train one model together: how they share gradients, and what they tell each other.

All of them compute the same from the same sums, so that none has to tell another what to do next.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel
from transformers import PreTrainedModel

from workbench.tuning.forward import row_losses

__all__ = ["ALONE", "SharedLosses", "Workers", "divided_as", "whole"]


@dataclass(frozen=True)
class Workers:
    """``size`` processes, of which this one has the number ``rank``; the first one leads: it writes and tells."""

    rank: int = 0
    size: int = 1
    strategy: str = "ddp"

    @classmethod
    def joined(cls, strategy: str) -> "Workers":
        """Return the processes of torch's group, which whoever started them has made."""
        return cls(dist.get_rank(), dist.get_world_size(), strategy)

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def gathered(self, value: Any) -> list[Any]:
        """Return every worker's ``value`` in the order of their ranks, once all of them have asked."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def summed(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the sum of every worker's ``tensor``, once all of them have asked."""
        if self.size == 1:
            return tensor
        total = tensor.clone()
        dist.all_reduce(total)
        return total


ALONE = Workers()


class SharedLosses:
    """The row losses of a model whose gradients are the mean of all workers'.

    ``fsdp`` divides the model in place: its weights are to be looked up, and optimisers made, afterwards.
    """

    def __init__(self, model: PreTrainedModel, workers: Workers = ALONE) -> None:
        losses = _RowLosses(model)
        self._module: nn.Module = losses
        if workers.size > 1 and workers.strategy == "fsdp":
            _divide(losses)
        elif workers.size > 1:
            # All loaded the same files, and what a model never runs (LLaVA's last vision layer) gets no gradient.
            self._module = DistributedDataParallel(losses, init_sync=False, find_unused_parameters=True)

    def __call__(self, batch: Mapping[str, Any]) -> torch.Tensor:
        losses: torch.Tensor = self._module(batch)
        return losses

    @contextmanager
    def gradients(self, *, shared: bool) -> Iterator[None]:
        """Hold the block of a forward and backward pass, after whose last one gradients are ``shared``."""
        if isinstance(self._module, DistributedDataParallel) and not shared:
            with self._module.no_sync():
                yield
            return
        if isinstance(self._module, FSDPModule):
            self._module.set_requires_gradient_sync(shared)
        yield

    def unite(self) -> None:
        """Give every worker the whole model, of which each may then ask something else."""
        for module in self._parts():
            module.set_reshard_after_forward(False, recurse=False)
            module.unshard()

    def divide(self) -> None:
        """Go back to what there was before ``unite``."""
        for module in self._parts():
            module.set_reshard_after_forward(True, recurse=False)
            module.reshard()

    def _parts(self) -> list[FSDPModule]:
        return [module for module in self._module.modules() if isinstance(module, FSDPModule)]


class _RowLosses(nn.Module):
    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Mapping[str, Any]) -> torch.Tensor:
        return row_losses(self.model, batch)


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """Return a divided tensor's whole, once all workers have asked; others as they are."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def divided_as(weight: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    """Return this worker's share of ``tensor``, where ``weight`` is divided."""
    if not isinstance(weight, DTensor) or tensor.shape != weight.shape:
        return tensor
    return distribute_tensor(tensor.to(weight.device), weight.device_mesh, weight.placements, src_data_rank=None)


def _divide(losses: _RowLosses) -> None:
    """Divide the layers of every tower, and what is around them, among the workers."""
    towers = [module for module in losses.modules() if isinstance(module, nn.ModuleList)]
    for layer in (layer for tower in towers for layer in tower):
        fully_shard(layer)
    fully_shard(losses)
