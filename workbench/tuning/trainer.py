"""The training loop: transformers' ``Trainer`` with a plan of draws, a weighted loss and the best adapter kept.

``Trainer`` was taken over a loop of our own because accumulation, clipping, schedules, mixed precision, checkpointing
and devices are then the ones that everybody's runs prove right. What it leaves to chance is decided here: the order of
the frames comes from a plan made before the run, and the best weights are kept in memory rather than in checkpoints
with pickled optimiser states.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch.utils.data import Dataset
from transformers.trainer import Trainer
from transformers.trainer_callback import PrinterCallback, TrainerCallback, TrainerControl, TrainerState
from transformers.training_args import TrainingArguments

from workbench.errors import PreflightError
from workbench.recipe import Training
from workbench.tuning.collator import TASKS, Collator, TrainingItem
from workbench.tuning.forward import row_losses

_DECIDED_HERE = {"num_train_epochs", "max_steps", "eval_steps", "metric_for_best_model", "early_stopping_patience"}
_METRICS = {
    "loss": "train/loss",
    "learning_rate": "train/learning_rate",
    "eval_loss": "validation/loss",
    "eval_class_accuracy": "validation/class_accuracy",
    **{f"eval_{task}_loss": f"validation/{task}_loss" for task in TASKS},
}

MetricsSink = Callable[[int, Mapping[str, float]], None]


class FrameTrainer(Trainer):  # type: ignore[misc]
    """Minimises the weighted mean over rows of the mean loss of each answer's tokens, so that long captions do not
    drown short class names."""

    loss_is_scaled_for_ga = False
    measure_accuracy: Callable[[], float] | None = None

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        with self.accelerator.autocast():
            losses = row_losses(self.accelerator.unwrap_model(model), inputs)
        return (losses * inputs["row_weight"]).sum() / inputs["row_weight"].sum()

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Measure ``eval_loss``, the mean loss of each task and, if asked for, ``eval_class_accuracy``.

        Everything is measured over the validation frames; no logits are kept.
        """
        self.model.eval()
        losses, weights, tasks = [], [], []
        for batch in self.get_eval_dataloader():
            inputs = self._prepare_inputs(batch)
            with torch.no_grad(), self.accelerator.autocast():
                losses.append(row_losses(self.accelerator.unwrap_model(self.model), inputs).cpu())
            weights.append(inputs["row_weight"].cpu())
            tasks.append(inputs["row_task"].cpu())
        metrics = _mean_losses(torch.cat(losses), torch.cat(weights), torch.cat(tasks))
        if self.measure_accuracy is not None:
            metrics["eval_class_accuracy"] = self.measure_accuracy()
        self.log(metrics)
        self.control: TrainerControl = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


class BestWeights(TrainerCallback):  # type: ignore[misc]
    """Keeps a copy of the weights that a ``metric`` of ``frames`` validation frames speaks for; stops on patience.

    A share of few frames right is a coin with few sides, so it is read by the one-standard-error rule (Breiman et al.
    1984, section 3.4.3): the latest weights within one standard error of the best. Losses are taken at their word.
    """

    def __init__(self, model: PeftModel, metric: str, patience: int, frames: int) -> None:
        self._model, self._metric, self._patience, self._frames = model, f"eval_{metric}", patience, frames
        self._weights: dict[str, torch.Tensor] = {}
        self._unimproved = 0
        self.step: int | None = None
        self.score = -math.inf

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        value = float(kwargs["metrics"][self._metric])
        score = -value if self._metric.endswith("loss") else value
        self._unimproved = 0 if score > self.score else self._unimproved + 1
        self.score = max(self.score, score)
        if score >= self.score - self._standard_error():
            self.step = state.global_step
            self._weights = {name: weight.detach().clone() for name, weight in self._trained().items()}
        if self._patience and self._unimproved >= self._patience:
            control.should_training_stop = True

    def _standard_error(self) -> float:
        """Return that of the best share so far, estimated by Laplace's rule and so never zero; a loss has none here."""
        if self._metric.endswith("loss"):
            return 0.0
        share = (self.score * self._frames + 1) / (self._frames + 2)
        return math.sqrt(share * (1 - share) / self._frames)

    def restore(self) -> None:
        """Put the best weights back; without a validation split the last weights stay."""
        trained = self._trained()
        with torch.no_grad():
            for name, weight in self._weights.items():
                trained[name].copy_(weight)

    def _trained(self) -> dict[str, torch.nn.Parameter]:
        return {name: weight for name, weight in self._model.named_parameters() if weight.requires_grad}


class Reporter(TrainerCallback):  # type: ignore[misc]
    """Hands every measurement to a sink, and ends a run whose loss is no number any more."""

    def __init__(self, sink: MetricsSink) -> None:
        self._sink = sink

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        logs: dict[str, float] = kwargs["logs"]
        if not all(math.isfinite(logs.get(name, 0.0)) for name in ("loss", "eval_loss")):
            raise PreflightError(
                expected="a finite loss",
                found=f"{logs} at step {state.global_step}",
                remedy="lower training.learning_rate or training.max_grad_norm in the recipe",
            )
        self._sink(state.global_step, {_METRICS[name]: float(logs[name]) for name in _METRICS.keys() & logs.keys()})


def training_arguments(training: Training, output_dir: Path, *, validates: bool) -> TrainingArguments:
    """Return the arguments that the recipe and this loop fix; nothing is written into ``output_dir``."""
    chosen = training.model_dump(exclude=_DECIDED_HERE)
    return TrainingArguments(
        **chosen,
        output_dir=str(output_dir),
        max_steps=training.max_steps,
        per_device_eval_batch_size=training.per_device_train_batch_size,
        eval_strategy="steps" if validates else "no",
        eval_steps=training.eval_steps,
        activation_checkpointing_kwargs={"use_reentrant": False} if training.activation_checkpointing else None,
        train_sampling_strategy="sequential",
        save_strategy="no",
        logging_steps=1,
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to="none",
        use_cpu=not torch.cuda.is_available(),
    )


def total_steps(training: Training, frames: int) -> int:
    """Return the optimiser steps of a run on ``frames`` training frames."""
    if training.max_steps > 0:
        return training.max_steps
    return max(1, math.ceil(frames * training.num_train_epochs / frames_per_step(training)))


def frames_per_step(training: Training) -> int:
    return training.per_device_train_batch_size * training.gradient_accumulation_steps


def new_trainer(
    model: PeftModel,
    collator: Collator,
    training: Training,
    train: Dataset[TrainingItem],
    validation: Dataset[TrainingItem] | None,
    *,
    steps: int,
    output_dir: Path,
    sink: MetricsSink,
    measure_accuracy: Callable[[], float],
    accuracy_frames: int,
) -> tuple[FrameTrainer, BestWeights]:
    """Return the trainer of ``steps`` steps and the keeper of its best weights.

    ``measure_accuracy`` gives the share of right answers on ``accuracy_frames`` validation frames.
    """
    best = BestWeights(model, training.metric_for_best_model, training.early_stopping_patience, accuracy_frames)
    fixed = training.model_copy(update={"max_steps": steps})
    trainer = FrameTrainer(
        model=model,
        args=training_arguments(fixed, output_dir, validates=validation is not None),
        data_collator=collator,
        train_dataset=train,
        eval_dataset=validation,
        callbacks=[best, Reporter(sink)],
    )
    if training.metric_for_best_model == "class_accuracy":
        trainer.measure_accuracy = measure_accuracy
    trainer.remove_callback(PrinterCallback)
    return trainer, best


def _mean_losses(losses: torch.Tensor, weights: torch.Tensor, tasks: torch.Tensor) -> dict[str, float]:
    by_task = {f"eval_{TASKS[task]}_loss": float(losses[tasks == task].mean()) for task in sorted(set(tasks.tolist()))}
    return {"eval_loss": float((losses * weights).sum() / weights.sum()), **by_task}
