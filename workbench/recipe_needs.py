"""Keys of a recipe that change nothing, because another key leaves them without a use."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import RecipeError
from workbench.recipe import EMBEDDED, Base, Part, Recipe
from workbench.search_recipe import SearchBase, SearchRecipe

__all__ = ["check_revision", "leftovers", "unmet_needs"]

_Any = Recipe | SearchRecipe

_METRIC = "training.metric_for_best_model"
_TASK_OF = {
    "caption_loss": "caption",
    "class_choice_loss": "class_choice",
    "class_accuracy": "class_choice",
    "text_to_image_mrr": "caption",
    "image_to_text_mrr": "caption",
}
_NEEDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "base.revision": ("a model of the hub as base.model", lambda recipe: recipe.base.model != EMBEDDED),
    "lora.": ("a part with train: lora", lambda recipe: any(part.train == "lora" for part in recipe.parts.values())),
    "data.augmentation.views": (
        "brightness, contrast, saturation or crop above 0 in data.augmentation",
        lambda recipe: recipe.data.augmentation.varies,
    ),
    "data.replay.frames": ("data.replay.share above 0", lambda recipe: recipe.data.replay.share > 0),
    "training.focal_gamma": ("data.tasks.class_choice above 0", lambda recipe: recipe.data.tasks.class_choice > 0),
    "training.save_total_limit": ("training.save_steps above 0", lambda recipe: recipe.training.save_steps > 0),
    "scaling.": ("launcher: ray", lambda recipe: recipe.launcher == "ray"),
    _METRIC: ("the task that it measures above 0 in data.tasks", lambda recipe: _teaches_what_decides(recipe)),
}
"""By the beginning of a key: what a value other than the usual one needs to have an effect, and whether it is so."""


def unmet_needs(recipe: _Any) -> list[str]:
    """Return one phrase for each key that was chosen and has no effect in this recipe."""
    usual = type(recipe)().flat()
    chosen = [key for key, value in recipe.flat().items() if key == _METRIC or value != usual.get(key)]
    return [
        f"{key} needs {need}"
        for start, (need, is_met) in _NEEDS.items()
        for key in chosen
        if key.startswith(start) and not is_met(recipe)
    ]


def leftovers(recipe: _Any) -> dict[str, str]:
    """Return a sentence by key for what has no effect but is let be, so that another key can be tried by itself."""
    found = {
        f"parts.{name}.{key}": f"parts.{name}.{key} has no effect, as the part is {part.train}"
        for name, part in recipe.parts.items()
        for key in _unused(part)
    }
    epochs = "training.num_train_epochs"
    if recipe.training.max_steps > 0 and recipe.flat()[epochs] != type(recipe)().flat()[epochs]:
        found[epochs] = f"{epochs} has no effect, as training.max_steps decides"
    return {key: f"{sentence}." for key, sentence in found.items()}


def check_revision(base: Base | SearchBase, source: str) -> None:
    """Refuse (RecipeError) a revision of a folder, which has none."""
    if base.revision is not None and Path(source).is_dir():
        raise RecipeError(
            expected="a model of the hub as base.model, as base.revision names a version of one",
            found=f"the folder {source}",
            remedy="leave base.revision out (--set base.revision=null)",
        )


def _unused(part: Part) -> list[str]:
    keys = {"target_modules": part.train == "lora", "learning_rate": part.train != "frozen"}
    return [key for key, is_used in keys.items() if not is_used and getattr(part, key) != getattr(_USUAL_PART, key)]


def _teaches_what_decides(recipe: _Any) -> bool:
    task = _TASK_OF.get(recipe.training.metric_for_best_model)
    return task is None or getattr(recipe.data.tasks, task) > 0


_USUAL_PART = Part(path="any")
