"""The training loop of a dual encoder: everything of the answering model's, but what one step learns from."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from workbench.tuning.batches import received
from workbench.tuning.collator import Batch, to_device
from workbench.tuning.forward import mixed_precision
from workbench.tuning.loop import Loop
from workbench.tuning.pair_objective import PairObjective
from workbench.tuning.search_estimate import pairs_to_fit

__all__ = ["MOST_LOGIT_SCALE", "PairLoop"]

MOST_LOGIT_SCALE = math.log(100)
"""Radford et al. 2021, section 2.5: similarities are scaled by at most 100, beyond which training became unstable."""


@dataclass
class PairLoop(Loop):
    """Trains on whole batches, which are not divided: what each frame is told apart from are all the others."""

    objective: PairObjective = field(kw_only=True)

    def without_memory(self) -> str:
        return pairs_to_fit(self.objective.recipe, max(2, self.recipe.training.per_device_train_batch_size // 2))

    def _learn(self, upcoming: Iterator[Batch]) -> None:
        training = self.recipe.training
        batch = to_device(received(next(upcoming)), self.device)
        with mixed_precision(self.objective.encoder.core, training):
            loss = self.objective.loss(batch)
        torch.autograd.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(self.weights.values(), training.max_grad_norm)
        self._unread.append((self.step + 1, loss.detach(), norm, self.scheduler.get_last_lr()[0]))
        self.optimizer.step()
        self.scheduler.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.objective.recipe.loss.kind == "clip":
            with torch.no_grad():
                self.objective.encoder.core.logit_scale.clamp_(max=MOST_LOGIT_SCALE)
