"""Saving and resuming a base model's training: weights, optimiser states, steps done and seconds spent."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class Done:
    """How far a training has come."""

    steps: int = 0
    elapsed_s: float = 0.0


def save_checkpoint(
    path: Path, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer], done: Done
) -> None:
    """Write the checkpoint whole or not at all, replacing the one before it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".writing")
    states = [optimizer.state_dict() for optimizer in optimizers]
    content = {"model": model.state_dict(), "optimizers": states, "steps": done.steps, "elapsed_s": done.elapsed_s}
    torch.save(content, unfinished)
    unfinished.replace(path)


def load_checkpoint(path: Path, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> Done:
    """Restore ``model`` and ``optimizers`` and tell how far they had come; nothing is restored where no file is."""
    if not path.exists():
        return Done()
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return Done(int(state["steps"]), float(state["elapsed_s"]))
