"""Every key of a recipe of search changes what happens."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.dual_encoders import save_clip
from tests.tuning.conftest import CAPTIONS, CLASS_NAMES
from workbench.domain import LabelledFrame
from workbench.models.instructions import class_text
from workbench.recipe_file import load_search_recipe
from workbench.search_recipe import SearchRecipe
from workbench.tuning.loop import Checkpoints, Watch
from workbench.tuning.pairs import collate_pairs
from workbench.tuning.search_tuner import PreparedSearch, new_pair_loop, prepare_search

RECIPE = """
task: search
parts:
  image_tower: {path: vision_model, train: frozen}
  text_tower: {path: text_model}
  image_projection: {path: visual_projection, train: full}
lora: {r: 2}
loss: {same_view_distance: 0}
training:
  max_steps: 4
  per_device_train_batch_size: 4
  eval_steps: 1
  save_steps: 1
  learning_rate: 1e-2
  warmup_steps: 0
  metric_for_best_model: loss
"""
ELSEWHERE = {
    "task": "test_recipes_of_either_kind_are_told_apart",
    "base.model": "test_what_is_tuned_is_saved_and_loads_to_the_same",
    "base.revision": "names a commit of a hub, as of an answering model",
    "loss.kind": "test_captions_are_learnt",
    "training.dataloader_num_workers": "test_workers_change_nothing",
}


def plan(prepared: PreparedSearch, folder: Path) -> object:
    return prepared.draws.plan


def loss(prepared: PreparedSearch, folder: Path) -> object:
    with torch.no_grad():
        return prepared.objective.loss(collate_pairs([prepared.draws[place] for place in range(4)])).item()


def trained(prepared: PreparedSearch, folder: Path) -> object:
    loop = new_pair_loop(prepared, Watch(lambda step, metrics: None))
    loop.run()
    return loop.last_loss, {name: weight.detach().clone() for name, weight in loop.weights.items()}


def kept(prepared: PreparedSearch, folder: Path) -> object:
    """Return when the split was looked at, how far training went and which score stood for the best."""
    looks: list[int] = []

    def note(step: int, metrics: Any) -> None:
        looks.extend([step] if "validation/loss" in metrics else [])

    loop = new_pair_loop(prepared, Watch(note))
    loop.run()
    return looks, loop.step, round(loop.best.score, 6)


def checkpoints(prepared: PreparedSearch, folder: Path) -> object:
    new_pair_loop(prepared, Watch(lambda step, metrics: None), Checkpoints(folder, False, {})).run()
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def weights(prepared: PreparedSearch, folder: Path) -> object:
    return prepared.preflight.trainable_parameters


def scaling(prepared: PreparedSearch, folder: Path) -> object:
    return [vars(module)["scaling"] for module in prepared.model.modules() if "scaling" in vars(module)][-1]


KEYS: dict[str, tuple[object, Callable[[PreparedSearch, Path], object]]] = {
    "base.dtype": ("bfloat16", lambda prepared, folder: prepared.encoder.core.vision_model.dtype),
    "parts.text_tower.train": ("full", weights),
    "parts.text_tower.target_modules": ("'.*fc1'", weights),
    "parts.text_tower.learning_rate": (1e-4, trained),
    "lora.r": (4, weights),
    "lora.lora_alpha": (64, scaling),
    "lora.lora_dropout": (0.5, trained),
    "lora.use_rslora": (True, scaling),
    "lora.use_dora": (True, weights),
    "lora.loraplus_lr_ratio": (16, trained),
    "loss.learn_temperature": (False, weights),
    "loss.same_class_negatives": (0, loss),
    "loss.same_view_distance": (2, loss),
    "data.tasks.caption": (0, loss),
    "data.tasks.class_choice": (0, loss),
    "data.class_prompts": ("['{}', 'a view of {}']", loss),
    "data.augmentation.brightness": (0.5, loss),
    "data.augmentation.contrast": (0.5, loss),
    "data.augmentation.saturation": (0.9, loss),
    "data.augmentation.crop": (0.4, loss),
    "data.augmentation.views": (
        2,
        lambda prepared, folder: {prepared.draws.look(place) for place in range(len(prepared.draws))},
    ),
    "data.class_balance": (1, plan),
    "training.learning_rate": (1e-3, trained),
    "training.num_train_epochs": (1, plan),
    "training.max_steps": (5, plan),
    "training.per_device_train_batch_size": (2, plan),
    "training.warmup_steps": (2, trained),
    "training.lr_scheduler_type": ("constant", trained),
    "training.weight_decay": (0.5, trained),
    "training.max_grad_norm": (1e-3, trained),
    "training.bf16": (True, trained),
    "training.optim": ("adamw_bnb_8bit", trained),
    "training.eval_steps": (2, kept),
    "training.metric_for_best_model": ("class_accuracy", kept),
    "training.early_stopping_patience": (1, kept),
    "training.save_steps": (0, checkpoints),
    "training.save_total_limit": (1, checkpoints),
    "training.seed": (1, plan),
}
NEEDS = {
    "data.augmentation.views": ["data.augmentation.brightness=0.5"],
    "training.num_train_epochs": ["training.max_steps=-1"],
    "training.early_stopping_patience": ["training.learning_rate=10"],
}


@pytest.fixture(scope="module")
def clip_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip(tmp_path_factory.mktemp("clip"), *CAPTIONS, *map(class_text, CLASS_NAMES))


@pytest.fixture
def prepare(clip_dir: Path, frames: list[LabelledFrame], tmp_path: Path) -> Callable[..., PreparedSearch]:
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    numbered = [
        LabelledFrame(**{**vars(frame), "caption": f"{frame.caption} {place}"}) for place, frame in enumerate(frames)
    ]

    def prepared(*overrides: str) -> PreparedSearch:
        recipe = load_search_recipe(path, overrides)
        return prepare_search(recipe, str(clip_dir), CLASS_NAMES, numbered[:5], numbered[5:])

    return prepared


def test_every_key_has_a_test() -> None:
    parts = {key for key in KEYS if key.startswith("parts.")}
    known = {key for key in SearchRecipe().flat() if not key.startswith("parts.")}
    assert (KEYS.keys() - parts) | ELSEWHERE.keys() == known


@pytest.mark.parametrize("key", KEYS)
def test_a_key_changes_what_happens(prepare: Callable[..., PreparedSearch], key: str, tmp_path: Path) -> None:
    value, observe = KEYS[key]
    needed = NEEDS.get(key, [])
    before = observe(prepare(*needed), tmp_path / "before")
    after = observe(prepare(*needed, f"{key}={value}"), tmp_path / "after")
    assert not _equal(before, after)


def test_workers_change_nothing(prepare: Callable[..., PreparedSearch], tmp_path: Path) -> None:
    alone = trained(prepare("parts.image_tower.train=lora"), tmp_path)
    helped = trained(prepare("parts.image_tower.train=lora", "training.dataloader_num_workers=1"), tmp_path)
    assert _equal(alone, helped)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(one[1], dict):
        return math.isclose(one[0], other[0], rel_tol=0) and all(
            torch.equal(weight, other[1][name]) for name, weight in one[1].items()
        )
    return bool(one == other)
