"""Every recipe key changes what happens: one observation a key, and no key without one."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tuning.conftest import PrepareTuning
from workbench.recipe import Recipe, load_recipe
from workbench.tuning.collator import Collator
from workbench.tuning.trainer import frames_per_step, total_steps, training_arguments
from workbench.tuning.tuner import Prepared, loading_arguments, training_sets

Observation = Callable[[Prepared], Any]


def first_batch(prepared: Prepared) -> dict[str, Any]:
    train, _ = training_sets(prepared)
    return Collator(prepared.vlm.processor, prepared.vlm.contract)([train[0], train[1]])


def pixels(prepared: Prepared) -> float:
    return float(first_batch(prepared)["pixel_values"].sum())


def weights(prepared: Prepared) -> list[float]:
    return first_batch(prepared)["row_weight"].tolist()


def order(prepared: Prepared) -> Any:
    train, _ = training_sets(prepared)
    return [draw.index for draw in train.plan]


def adapter(prepared: Prepared) -> Mapping[str, Any]:
    return prepared.model.peft_config["default"].to_dict()


def arguments(name: str) -> Observation:
    return lambda prepared: getattr(training_arguments(prepared.recipe.training, Path("out"), validates=True), name)


def steps(prepared: Prepared) -> tuple[int, int]:
    return total_steps(prepared.recipe.training, 50), frames_per_step(prepared.recipe.training)


def trainable(prepared: Prepared) -> Any:
    return [(audit.part, audit.trainable) for audit in prepared.preflight.parts]


def initial_weights(prepared: Prepared) -> float:
    return float(sum(weight.detach().sum() for name, weight in prepared.model.named_parameters() if "lora_A" in name))


def loading(prepared: Prepared) -> Mapping[str, Any]:
    return loading_arguments(prepared.recipe.base, str(prepared.loading["source"]))


def scaling(prepared: Prepared) -> float:
    layer = next(module for module in prepared.model.modules() if hasattr(module, "scaling") and hasattr(module, "r"))
    return float(layer.scaling["default"])


def dropouts(prepared: Prepared) -> int:
    return sum(isinstance(module, torch.nn.Dropout) for module in prepared.model.modules())


OBSERVATIONS: dict[str, tuple[str, Observation]] = {
    "base.revision": ("main", loading),
    "base.dtype": ("bfloat16", lambda prepared: prepared.model.base_model.model.lm_head.weight.dtype),
    "base.system_prompt": ("Be exact.", lambda prepared: prepared.preflight.masks[0].tokens),
    "base.longest_edge": ("24", pixels),
    "parts.vision_model.path": ("model.vision_model.encoder.layers.0", trainable),
    "parts.vision_model.train": ("frozen", trainable),
    "parts.vision_model.target_modules": (".*fc1", trainable),
    "lora.r": ("4", trainable),
    "lora.lora_alpha": ("64", scaling),
    "lora.lora_dropout": ("0.5", dropouts),
    "lora.use_rslora": ("true", scaling),
    "lora.use_dora": ("true", trainable),
    "data.tasks.caption": ("0", weights),
    "data.tasks.class_choice": ("3", weights),
    "data.augmentation.brightness": ("0.5", pixels),
    "data.augmentation.contrast": ("0.5", pixels),
    "data.augmentation.saturation": ("0.5", pixels),
    "data.augmentation.crop": ("0.4", pixels),
    "data.class_balance": ("1", order),
    "training.learning_rate": ("0.1", arguments("learning_rate")),
    "training.num_train_epochs": ("3", steps),
    "training.max_steps": ("3", steps),
    "training.per_device_train_batch_size": ("2", steps),
    "training.gradient_accumulation_steps": ("2", steps),
    "training.warmup_steps": ("7", arguments("warmup_steps")),
    "training.lr_scheduler_type": ("linear", arguments("lr_scheduler_type")),
    "training.weight_decay": ("0.1", arguments("weight_decay")),
    "training.max_grad_norm": ("0.5", arguments("max_grad_norm")),
    "training.bf16": ("true", arguments("bf16")),
    "training.activation_checkpointing": ("true", arguments("activation_checkpointing")),
    "training.eval_steps": ("3", arguments("eval_steps")),
    "training.seed": ("5", initial_weights),
}
ELSEWHERE = {
    "base.model": "test_workflow.py",
    "base.quantization": "test_quantization.py",
    "training.metric_for_best_model": "test_the_named_metric_decides_which_weights_are_kept",
    "training.early_stopping_patience": "test_early_stopping_ends_a_run_that_no_longer_improves",
}


@pytest.mark.parametrize("key", OBSERVATIONS)
def test_the_key_changes_what_happens(key: str, prepare_tuning: PrepareTuning, tmp_path: Path) -> None:
    value, observe = OBSERVATIONS[key]
    path = tmp_path / "recipe.yaml"
    path.write_text("lora: {r: 2}\n")
    before = observe(prepare_tuning(load_recipe(path), train=5))
    after = observe(prepare_tuning(load_recipe(path, [f"{key}={value}"]), train=5))
    assert before != after


def test_no_key_is_without_an_observation() -> None:
    keys = {key for key in Recipe().flat() if not key.startswith(("parts.connector.", "parts.text_model."))}
    assert keys == OBSERVATIONS.keys() | ELSEWHERE.keys()
