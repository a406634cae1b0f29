"""How long a run will take and how much memory it will need on this machine, from a step that was really taken."""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import torch
from peft import PeftModel

from workbench.errors import PreflightError
from workbench.recipe import Recipe, Training
from workbench.tuning.collator import Batch, to_device
from workbench.tuning.forward import mixed_precision, row_losses
from workbench.tuning.gradients import gradients_proved
from workbench.tuning.memory_limit import left_by_limit

Remedy = Callable[[int], str]
"""From how many frames there is room for to what to change."""

_MIB = 2**20
_STATE_BYTES = {"adamw_torch": 8, "adamw_bnb_8bit": 2, "paged_adamw_8bit": 2}
_WEIGHT_BYTES = 4  # what is trained is float32, and so are its gradient and the copy of the best weights
_STEPS_TIMED, _TIMED_S = 4, 1.0
_FORWARD_SHARE = 1 / 3
"""Of a training step, what a pass without gradients takes: the backward pass costs about twice the forward pass."""


@dataclass(frozen=True)
class Estimate:
    """Measured on one batch: ``step_s`` is a whole optimiser step, ``memory_mib`` what the run needs at its peak.

    ``available_mib`` is what it may have: a GPU's memory, or what this machine, or the limit of a
    container, leaves beside other programs.
    """

    step_s: float
    total_s: float
    memory_mib: float
    available_mib: float
    device: str


def estimate(
    model: PeftModel,
    recipe: Recipe,
    items: Sequence[Any],
    collate: Callable[[Sequence[Any]], Batch],
    *,
    steps: int,
    validation_frames: int,
) -> Estimate:
    """Take one step on ``items``, as many as make a batch, without changing a weight.

    First one frame alone is tried: PreflightError, with what to change, when a whole batch would not fit, and when
    something that is to be trained gets no gradient.
    """
    training, remedy = recipe.training, partial(to_fit, recipe)
    check = partial(check_fit, training.per_device_train_batch_size, remedy=remedy)
    state = torch.get_rng_state()
    held_mib, free_mib = used_mib(model.device), available_mib(model.device)
    divide = partial(divided, training, trainable(model), held_mib, validates=validation_frames > 0)
    check(*divide(peak_mib(model.device, lambda: _try_step(model, recipe, collate(items[:1])))), free_mib)
    batch = collate(items)
    batch_s, batch_mib = tried(model.device, lambda: _try_step(model, recipe, batch))
    fixed_mib, activations_mib = divide(batch_mib)
    check(fixed_mib, activations_mib / len(items), free_mib)
    torch.set_rng_state(state)
    step_s = batch_s * training.gradient_accumulation_steps
    looks = math.ceil(steps / training.eval_steps) if validation_frames else 0
    look_s = 2 * _FORWARD_SHARE * batch_s * validation_frames / len(items)
    return Estimate(
        step_s=step_s,
        total_s=steps * step_s + looks * look_s,
        memory_mib=fixed_mib + activations_mib,
        available_mib=free_mib,
        device=str(model.device),
    )


def divided(
    training: Training, weights: int, held_mib: float, most_mib: float, *, validates: bool
) -> tuple[float, float]:
    """Return what a run needs however large its batches are, and what the frames of a tried step took on top, in MiB.

    ``held_mib`` was in use before the step and ``most_mib`` at its peak, the gradients of all trained ``weights`` among
    them. The optimiser's states and the copy of the best weights were not there yet.
    """
    gradients_mib = _WEIGHT_BYTES * weights / _MIB
    later_bytes = _STATE_BYTES[training.optim] + (_WEIGHT_BYTES if validates else 0)
    fixed_mib = held_mib + gradients_mib + later_bytes * weights / _MIB
    return fixed_mib, max(0.0, most_mib - held_mib - gradients_mib)


def check_fit(frames: int, fixed_mib: float, frame_mib: float, free_mib: float, *, remedy: Remedy) -> None:
    """Compare what a batch of frames will need with what there is; PreflightError with what to change."""
    needed = fixed_mib + frames * frame_mib
    if needed <= free_mib:
        return
    fitting = int((free_mib - fixed_mib) // frame_mib) if frame_mib else 0
    raise PreflightError(
        expected=f"at least {needed / 1024:.1f} GiB of memory for steps of {frames} frames",
        found=f"{free_mib / 1024:.1f} GiB",
        remedy=remedy(fitting),
    )


@contextmanager
def memory_enough(remedy: str, device: torch.device) -> Iterator[None]:
    """Raise PreflightError, with ``remedy``, when a GPU's memory runs out in the block."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as exc:
        raise PreflightError(expected=f"memory for a step on {device}", found="that it ran out", remedy=remedy) from exc


def tried(device: torch.device, step: Callable[[], None]) -> tuple[float, float]:
    """Take ``step`` and return the seconds that it usually takes and the MiB in use at its peak.

    The first of its shape makes its kernels; where it was quick, that is much of its time, and more are taken.
    """
    seconds: list[float] = []

    def timed() -> None:
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)

    most_mib = peak_mib(device, timed)
    while len(seconds) < _STEPS_TIMED and sum(seconds) < _TIMED_S:
        timed()
    return statistics.median(seconds[1:] or seconds), most_mib


def _try_step(model: PeftModel, recipe: Recipe, batch: Batch) -> None:
    base = model.get_base_model()
    model.train()
    try:
        with memory_enough(to_fit(recipe, frames=1), model.device), gradients_proved(model, recipe.parts):
            with mixed_precision(base, recipe.training):
                losses = row_losses(base, to_device(batch, model.device))
            torch.autograd.backward(losses.mean())
    finally:
        model.zero_grad(set_to_none=True)
    if model.device.type == "cuda":
        torch.cuda.synchronize()


def to_fit(recipe: Recipe, frames: int) -> str:
    """Return what to change in a recipe where ``frames`` fit into a step."""
    training = recipe.training
    if 0 < frames < training.per_device_train_batch_size:
        passes = math.ceil(training.per_device_train_batch_size * training.gradient_accumulation_steps / frames)
        return (
            f"set training.per_device_train_batch_size to {frames} and training.gradient_accumulation_steps to {passes}"
        )
    if not training.activation_checkpointing:
        return "set training.activation_checkpointing to true, or base.longest_edge lower"
    if recipe.base.quantization == "none":
        return "set base.quantization to nf4, or base.longest_edge lower"
    return "set base.longest_edge lower, or take a smaller model"


def used_mib(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device) / _MIB
    return psutil.Process().memory_info().rss / _MIB


def peak_mib(device: torch.device, work: Callable[[], None]) -> float:
    """Do ``work`` and return the most memory that was in use meanwhile."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        work()
        return torch.cuda.max_memory_allocated(device) / _MIB
    _forget_peak()
    work()
    return _peak_bytes() / _MIB


def available_mib(device: torch.device) -> float:
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return (free + torch.cuda.memory_reserved(device)) / _MIB
    left = min(psutil.virtual_memory().available, left_by_limit())
    return (left + psutil.Process().memory_info().rss) / _MIB


def _forget_peak() -> None:
    """Let the kernel measure this process's peak anew; where it does not (outside Linux) the estimate is too high."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _peak_bytes() -> int:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return int(psutil.Process().memory_info().rss)
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def trainable(model: PeftModel) -> int:
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
