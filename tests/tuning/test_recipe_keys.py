"""Every recipe key changes what happens: one observation a key, and no key without one."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tuning.conftest import PrepareTuning
from workbench.recipe import Base, Recipe, Training
from workbench.recipe_file import load_recipe
from workbench.tuning.loop import Loop, Watch
from workbench.tuning.schedule import total_steps
from workbench.tuning.tuner import Prepared, collate_for, loading_arguments, new_loop, training_sets

Observation = Callable[[Prepared], Any]


def first_batch(prepared: Prepared) -> dict[str, Any]:
    train, _ = training_sets(prepared, prepared.pixels)
    return collate_for(prepared.vlm)([train[0], train[1]])


def pixels(prepared: Prepared) -> float:
    return float(first_batch(prepared)["pixel_values"].sum())


def weights(prepared: Prepared) -> list[float]:
    return first_batch(prepared)["row_weight"].tolist()


def order(prepared: Prepared) -> Any:
    train, _ = training_sets(prepared, prepared.pixels)
    return [draw.index for draw in train.plan]


def looks(prepared: Prepared) -> Any:
    train, _ = training_sets(prepared, prepared.pixels)
    return [train.look(place) for place in range(len(train))]


def loop(prepared: Prepared, told: dict[str, list[tuple[int, float]]] | None = None) -> Loop:
    def sink(step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            if told is not None:
                told.setdefault(name, []).append((step, value))

    return new_loop(prepared, *training_sets(prepared, prepared.pixels), Watch(sink))


def curves(name: str) -> Observation:
    def observe(prepared: Prepared) -> Any:
        told: dict[str, list[tuple[int, float]]] = {}
        loop(prepared, told).run()
        return told[name]

    return observe


def trained(prepared: Prepared) -> list[float]:
    ran = loop(prepared)
    ran.run()
    return [float(weight.detach().sum()) for weight in ran.weights.values()]


def groups(name: str) -> Observation:
    return lambda prepared: [group[name] for group in loop(prepared).optimizer.param_groups]


def adapter(prepared: Prepared) -> Mapping[str, Any]:
    return prepared.model.peft_config["default"].to_dict()


def steps(prepared: Prepared) -> tuple[int, int]:
    return total_steps(prepared.recipe, 50), prepared.recipe.frames_per_step


def trainable(prepared: Prepared) -> Any:
    return [(audit.part, audit.trainable) for audit in prepared.preflight.parts]


def initial_weights(prepared: Prepared) -> float:
    return float(sum(weight.detach().sum() for name, weight in prepared.model.named_parameters() if "lora_A" in name))


def scaling(prepared: Prepared) -> float:
    layer = next(module for module in prepared.model.modules() if hasattr(module, "scaling") and hasattr(module, "r"))
    return float(layer.scaling["default"])


def dropouts(prepared: Prepared) -> int:
    return sum(isinstance(module, torch.nn.Dropout) for module in prepared.model.modules())


OBSERVATIONS: dict[str, tuple[str, Observation]] = {
    "base.dtype": ("bfloat16", lambda prepared: prepared.model.base_model.model.lm_head.weight.dtype),
    "base.system_prompt": ("Be exact.", lambda prepared: prepared.preflight.masks[0].tokens),
    "base.longest_edge": ("24", pixels),
    "parts.vision_model.path": ("model.vision_model.encoder.layers.0", trainable),
    "parts.vision_model.train": ("frozen", trainable),
    "parts.vision_model.target_modules": (".*fc1", trainable),
    "parts.vision_model.learning_rate": ("0.1", groups("lr")),
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
    "data.augmentation.views": ("2", looks),
    "data.class_balance": ("1", order),
    "data.class_weighting": ("1", weights),
    "lora.loraplus_lr_ratio": ("16", groups("lr")),
    "training.optim": ("adamw_bnb_8bit", lambda prepared: type(loop(prepared).optimizer)),
    "training.train_sampling_strategy": ("group_by_length", order),
    "training.dataloader_num_workers": ("1", lambda prepared: loop(prepared)._batches().num_workers),
    "training.learning_rate": ("0.1", curves("train/learning_rate")),
    "training.num_train_epochs": ("2", steps),
    "training.max_steps": ("2", steps),
    "training.per_device_train_batch_size": ("3", steps),
    "training.gradient_accumulation_steps": ("2", steps),
    "training.warmup_steps": ("2", curves("train/learning_rate")),
    "training.lr_scheduler_type": ("constant", curves("train/learning_rate")),
    "training.weight_decay": ("0.1", trained),
    "training.max_grad_norm": ("1e-9", trained),
    "training.bf16": ("true", trained),
    "training.activation_checkpointing": ("true", lambda prepared: prepared.model.is_activation_checkpointing),
    "training.eval_steps": ("1", curves("validation/loss")),
    "training.seed": ("5", initial_weights),
}
ELSEWHERE = {
    "base.model": "test_workflow.py",
    "base.revision": "test_a_revision_is_loaded",
    "base.quantization": "test_quantization.py",
    "training.metric_for_best_model": "test_the_named_metric_decides_which_weights_are_kept",
    "training.focal_gamma": "test_forward.py",
    "training.save_steps": "test_checkpoints.py",
    "training.save_total_limit": "test_checkpoints.py",
    "data.cache_image_features": "test_feature_cache.py",
    "data.replay.share": "test_replay.py",
    "data.replay.frames": "test_replay.py",
    "export.tolerance": "test_parity.py",
    "launcher": "cluster/test_training.py",
    "scaling.num_workers": "test_workers.py",
    "scaling.strategy": "test_workers.py",
    "scaling.max_failures": "cluster/test_training.py",
    "training.early_stopping_patience": "test_early_stopping_ends_a_run_that_no_longer_improves",
}


BEFORE = """
parts:
  vision_model: {path: model.vision_model}
  connector: {path: model.connector, train: full}
  text_model: {path: model.text_model}
lora: {r: 2}
data: {augmentation: {crop: 0.1}}
training: {num_train_epochs: 1, per_device_train_batch_size: 2, eval_steps: 3, learning_rate: 1e-2, warmup_steps: 1}
"""


@pytest.mark.parametrize("key", OBSERVATIONS)
def test_the_key_changes_what_happens(key: str, prepare_tuning: PrepareTuning, tmp_path: Path) -> None:
    value, observe = OBSERVATIONS[key]
    path = tmp_path / "recipe.yaml"
    path.write_text(BEFORE)
    before = observe(prepare_tuning(load_recipe(path), train=5))
    after = observe(prepare_tuning(load_recipe(path, [f"{key}={value}"]), train=5))
    assert before != after


def test_a_revision_is_loaded() -> None:
    for revision in (None, "main"):
        base = Base(model="some/model", revision=revision)
        assert loading_arguments(base, base.model)["revision"] == revision


def test_a_constant_rate_rises_first(prepare_tuning: PrepareTuning) -> None:
    training = {"lr_scheduler_type": "constant", "max_steps": 4, "learning_rate": 1e-2}
    rates = curves("train/learning_rate")
    risen = rates(prepare_tuning(Recipe(training=Training(**training, warmup_steps=2))))
    assert [rate for _, rate in risen] == [0.0, 5e-3, 1e-2, 1e-2]
    assert rates(prepare_tuning(Recipe(training=Training(**training, warmup_steps=0))))[0] == (1, 1e-2)
    (only,) = rates(prepare_tuning(Recipe(training=Training(**{**training, "max_steps": 1}))))
    assert only == (1, 1e-2)


def test_no_key_is_without_an_observation() -> None:
    keys = {key for key in Recipe().flat() if not key.startswith(("parts.connector.", "parts.text_model."))}
    assert keys == OBSERVATIONS.keys() | ELSEWHERE.keys()
