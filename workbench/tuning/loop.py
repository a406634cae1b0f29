"""The training loop: exact weighted losses, no waiting for the device, and checkpoints that it goes on from bit by bit.

A loop of our own was taken over transformers' ``Trainer``. The Trainer's resume goes on silently with other weights
when a state file is missing, averages the means of unequal batches when it accumulates, and waits for the loss at every
step that it logs; what is left of it (schedule, clipping, mixed precision) are single calls of torch and transformers.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch.utils.data import DataLoader

from workbench.errors import PreflightError, StorageError
from workbench.progress import Progress, silent
from workbench.recipe import Recipe
from workbench.tuning.batches import Batches, as_it_is, received
from workbench.tuning.best_weights import BestWeights
from workbench.tuning.checkpoint import Checkpoint, load_newest, save_checkpoint
from workbench.tuning.collator import Batch, to_device
from workbench.tuning.estimate import memory_enough, to_fit
from workbench.tuning.examples import TASKS
from workbench.tuning.forward import mixed_precision
from workbench.tuning.frames import DrawnFrames
from workbench.tuning.optimizer import new_optimizer
from workbench.tuning.optimizer_state import from_tensors, to_tensors
from workbench.tuning.packages import other_packages, package_versions
from workbench.tuning.schedule import new_scheduler
from workbench.tuning.workers import ALONE, SharedLosses, Workers, divided_as, whole

MetricsSink = Callable[[int, Mapping[str, float]], None]
STEPS_PER_REPORT = 10
_CLASS_CHOICE = TASKS.index("class_choice")


@dataclass(frozen=True)
class Watch:
    """Who is told what: metrics by step, how far it is, and what went wrong without ending the run."""

    sink: MetricsSink
    progress: Progress = silent
    warn: Callable[[str], None] = lambda text: None


@dataclass(frozen=True)
class Checkpoints:
    """Where a run's checkpoints lie, and whether it goes on from the newest valid one.

    ``identity`` is all that must be equal for a run to go on: other data or another base would be another run.
    """

    directory: Path
    resume: bool
    identity: Mapping[str, str]


@dataclass
class Loop:
    """Trains what of ``model`` requires gradients; ``validate`` measures, and is None without a validation split."""

    model: PeftModel
    recipe: Recipe
    train: DrawnFrames
    collate: Callable[[Sequence[Any]], Batch]
    steps: int
    validate: Callable[[], Mapping[str, float]] | None
    best: BestWeights
    watch: Watch
    checkpoints: Checkpoints | None = None
    workers: Workers = ALONE
    step: int = 0
    last_loss: float = math.nan
    _unread: list[tuple[int, torch.Tensor, torch.Tensor, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.losses = SharedLosses(self.model.get_base_model(), self.workers)
        self.weights = {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}
        self.optimizer = new_optimizer(self.model, self.recipe)
        self.scheduler = new_scheduler(self.optimizer, self.recipe.training, self.steps)
        self.device = self.model.device

    def run(self) -> None:
        """Train to the last step, or until the validation split has spoken.

        PreflightError when the loss is no number any more, or a GPU's memory ran out.
        """
        if not self.workers.leads:
            torch.manual_seed(self.recipe.training.seed + self.workers.rank)  # each drops out something else
        stopped = self._carry_on() if self.checkpoints and self.checkpoints.resume else False
        upcoming = iter(self._batches())
        self.model.train()
        with memory_enough(self.without_memory(), self.device):
            while self.step < self.steps and not stopped:
                self._learn(upcoming)
                self.step += 1
                self.watch.progress(self.step, self.steps, "training steps")
                if self._is_due(STEPS_PER_REPORT):
                    self._report()
                if self.validate and self._is_due(self.recipe.training.eval_steps):
                    stopped = self._look(self.validate)
                if self.checkpoints and self._is_due(self.recipe.training.save_steps):
                    self._save(self.checkpoints, stopped)
        self._report()

    def without_memory(self) -> str:
        """Return what to change in the recipe when memory runs out."""
        return to_fit(self.recipe, frames=1)

    def _learn(self, upcoming: Iterator[Batch]) -> None:
        """Take one optimiser step; its loss is the weighted mean over all its rows, however they are divided."""
        training, passes = self.recipe.training, self.recipe.training.gradient_accumulation_steps
        first = self.step * self.recipe.frames_per_step
        weight = sum(self.train.weight_of(place) for place in range(first, first + self.recipe.frames_per_step))
        total = torch.zeros((), device=self.device)
        for number in range(passes):
            batch = to_device(received(next(upcoming)), self.device)
            with self.losses.gradients(shared=number == passes - 1):
                with mixed_precision(self.model, training):
                    losses = self.losses(batch)
                loss = (focused(losses, batch, training.focal_gamma) * batch["row_weight"]).sum() / weight
                (loss * self.workers.size).backward()  # of which the mean over the workers is taken
            total += loss.detach()
        norm = torch.nn.utils.clip_grad_norm_(self.weights.values(), training.max_grad_norm)
        self._unread.append((self.step + 1, total, norm, self.scheduler.get_last_lr()[0]))
        self.optimizer.step()
        self.scheduler.step()
        self.optimizer.zero_grad(set_to_none=True)

    def _report(self) -> None:
        """Read the losses of the steps since the last report, all at once, and hand them on."""
        unread, self._unread = self._unread, []
        if not unread:
            return
        losses = self.workers.summed(torch.stack([loss for _, loss, _, _ in unread])).tolist()
        norms = torch.stack([whole(norm) for _, _, norm, _ in unread]).tolist()
        for (step, _, _, rate), loss, norm in zip(unread, losses, norms, strict=True):
            if not math.isfinite(loss + norm):
                raise PreflightError(
                    expected="a finite loss with a finite gradient",
                    found=f"{loss} with {norm} at step {step}",
                    remedy="lower training.learning_rate or training.max_grad_norm in the recipe",
                )
            self.last_loss = loss
            self.watch.sink(step, {"train/loss": loss, "train/gradient_norm": norm, "train/learning_rate": rate})

    def _look(self, validate: Callable[[], Mapping[str, float]]) -> bool:
        self._report()
        self.losses.unite()
        metrics = validate()
        self.losses.divide()
        self.model.train()
        self.watch.sink(self.step, {f"validation/{name}": value for name, value in metrics.items()})
        return self.best.look(self.step, metrics, self.weights)

    def _save(self, checkpoints: Checkpoints, stopped: bool) -> None:
        self._report()
        optimizer_tensors, optimizer_values = to_tensors(self.optimizer.state_dict())
        tensors = {"weights": self.weights, "best": self.best.weights, "optimizer": optimizer_tensors}
        checkpoint = Checkpoint(
            self.step,
            {
                **{group: {name: whole(held) for name, held in named.items()} for group, named in tensors.items()},
                "random": self._random_states(),
            },
            {
                "optimizer": optimizer_values,
                "scheduler": self.scheduler.state_dict(),
                "progress": {"best": self.best.state(), "stopped": stopped, "last_loss": self.last_loss},
                "identity": dict(checkpoints.identity),
                "packages": package_versions(),
            },
        )
        if not self.workers.leads:
            return
        try:
            save_checkpoint(checkpoints.directory, checkpoint, keep=self.recipe.training.save_total_limit)
        except StorageError as error:
            self.watch.warn(f"The run goes on without this checkpoint. {error}")

    def _carry_on(self) -> bool:
        """Become what the newest valid checkpoint says, if there is one; tells whether training had stopped early."""
        assert self.checkpoints
        checkpoint, passed_over = load_newest(self.checkpoints.directory, self._require_fit)
        for reason in passed_over:
            self.watch.warn(reason)
        if checkpoint is None:
            self.watch.warn("There is no checkpoint to go on from: the run starts at its beginning.")
            return False
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(divided_as(weight, checkpoint.tensors["weights"][name]))
        optimized = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        remembered = {
            path: divided_as(optimized[int(path.partition(".")[0])], tensor)
            for path, tensor in checkpoint.tensors["optimizer"].items()
        }
        self.optimizer.load_state_dict(from_tensors(remembered, checkpoint.values["optimizer"]))
        self.scheduler.load_state_dict(dict(checkpoint.values["scheduler"]))
        progress = checkpoint.values["progress"]
        kept = {
            name: divided_as(self.weights[name], tensor.to(self.device))
            for name, tensor in checkpoint.tensors["best"].items()
        }
        self.best.carry_on(progress["best"], kept)
        self.step, self.last_loss = checkpoint.step, progress["last_loss"]
        self._set_random_states(checkpoint.tensors["random"])
        self.watch.warn(f"The run goes on after step {self.step}.")
        if others := other_packages(checkpoint.values.get("packages", {})):
            self.watch.warn(f"It will end with other weights than an unbroken run, as here is {', '.join(others)}.")
        return bool(progress["stopped"])

    def _require_fit(self, checkpoint: Checkpoint) -> None:
        """Raise what ``load_newest`` passes over where something is not there; PreflightError for another run's."""
        assert self.checkpoints
        tensors, values = checkpoint.tensors, checkpoint.values
        _check_identity(self.checkpoints.identity, values["identity"])
        random = [f"cpu.{rank}" for rank in range(self.workers.size)]
        for needed, found in (
            (("weights", "best", "optimizer", "random"), tensors),
            (("optimizer", "scheduler", "progress"), values),
            (("best", "stopped", "last_loss"), values["progress"]),
            (self.best.state(), values["progress"]["best"]),
            (self.scheduler.state_dict(), values["scheduler"]),
            (("state", "param_groups"), values["optimizer"]),
            (random, tensors["random"]),
            (self.weights, tensors["weights"]),
            (self.weights if tensors["best"] else (), tensors["best"]),
        ):
            if lacking := [name for name in needed if name not in found]:
                raise KeyError(lacking[0])
        if checkpoint.step > self.steps:
            raise ValueError(f"it is of step {checkpoint.step} of a run of {self.steps}")

    def _batches(self) -> DataLoader[Any]:
        training = self.recipe.training
        passes = training.gradient_accumulation_steps
        first = self.step * passes * self.workers.size + self.workers.rank
        return DataLoader(
            Batches(self.train, self.collate, training.per_device_train_batch_size),
            batch_size=None,
            sampler=range(first, self.steps * passes * self.workers.size, self.workers.size),
            collate_fn=as_it_is,
            num_workers=training.dataloader_num_workers,
            generator=torch.Generator(),
        )

    def _random_states(self) -> dict[str, torch.Tensor]:
        """Return the states of every worker's generators, which dropout draws from."""
        states = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.device)
        every = enumerate(self.workers.gathered(states))
        return {f"{kind}.{rank}": state for rank, held in every for kind, state in held.items()}

    def _set_random_states(self, states: Mapping[str, torch.Tensor]) -> None:
        torch.set_rng_state(states[f"cpu.{self.workers.rank}"])
        if self.device.type == "cuda" and (state := states.get(f"cuda.{self.workers.rank}")) is not None:
            torch.cuda.set_rng_state(state, self.device)

    def _is_due(self, every: int) -> bool:
        return every > 0 and (self.step % every == 0 or self.step == self.steps)


def focused(losses: torch.Tensor, batch: Batch, gamma: float) -> torch.Tensor:
    """Weigh class answers by ``(1 - p) ** gamma``, where p is the probability of the whole answer."""
    if gamma == 0:
        return losses
    missed = -torch.expm1(-losses * batch["row_tokens"])
    missed = missed.clamp(min=torch.finfo(missed.dtype).tiny)  # at 0 a power below 1 has no finite slope
    return torch.where(batch["row_task"] == _CLASS_CHOICE, missed**gamma * losses, losses)


def _check_identity(expected: Mapping[str, str], found: Mapping[str, str]) -> None:
    for name, value in expected.items():
        if found.get(name) != value:
            raise PreflightError(
                expected=f"a checkpoint of a run with the {name} {_shortened(value)}",
                found=_shortened(found.get(name, "none")),
                remedy="start a new run, as this one was tuned on something else",
            )


def _shortened(value: str) -> str:
    """Return the beginning of a digest, and a name (of a base and its version) whole."""
    return value[:16] if len(value) == 64 else value
