"""Keeping the weights that the validation split speaks for, and stopping when it has heard enough."""

import math
from collections.abc import Mapping
from typing import Any

import torch


class BestWeights:
    """Keeps a copy of the weights that a ``metric`` of ``frames`` validation frames speaks for; stops on patience.

    A share of few frames right is a coin with few sides, so it is read by the one-standard-error rule (Breiman et al.
    1984, section 3.4.3): the latest weights within one standard error of the best. Losses are taken at their word.
    """

    def __init__(self, metric: str, *, patience: int, frames: int) -> None:
        self._metric, self._patience, self._frames = metric, patience, frames
        self._unimproved = 0
        self.weights: dict[str, torch.Tensor] = {}
        self.step: int | None = None
        self.score = -math.inf

    def look(self, step: int, metrics: Mapping[str, float], weights: Mapping[str, torch.Tensor]) -> bool:
        """Take note of what ``weights`` reached at ``step``; tells whether training should stop."""
        score = -metrics[self._metric] if self._metric.endswith("loss") else metrics[self._metric]
        self._unimproved = 0 if score > self.score else self._unimproved + 1
        self.score = max(self.score, score)
        if score >= self.score - self._standard_error():
            self.step = step
            self.weights = {name: weight.detach().clone() for name, weight in weights.items()}
        return bool(self._patience and self._unimproved >= self._patience)

    def restore(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Put the best values into ``weights``; without a validation split the last ones stay."""
        with torch.no_grad():
            for name, weight in self.weights.items():
                weights[name].copy_(weight)

    def state(self) -> dict[str, Any]:
        """Return what ``carry_on`` needs beside the kept weights."""
        return {"step": self.step, "score": self.score if self.weights else None, "unimproved": self._unimproved}

    def carry_on(self, state: Mapping[str, Any], weights: Mapping[str, torch.Tensor]) -> None:
        self.step, self._unimproved = state["step"], state["unimproved"]
        self.score = -math.inf if state["score"] is None else state["score"]
        self.weights = dict(weights)

    def _standard_error(self) -> float:
        """Return that of the best share so far, estimated by Laplace's rule and so never zero; a loss has none here."""
        if self._metric.endswith("loss"):
            return 0.0
        share = (self.score * self._frames + 1) / (self._frames + 2)
        return math.sqrt(share * (1 - share) / self._frames)
