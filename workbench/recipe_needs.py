"""Keys of a recipe that change nothing, because another key leaves them without a use.

Two are refused: a metric that nothing moves would choose the weights, and a revision would pass for one that is used.
The others are told, so that another key can be tried by itself.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import RecipeError
from workbench.recipe import EMBEDDED, Base, Part, Recipe
from workbench.search_recipe import SearchBase, SearchRecipe

__all__ = ["check_revision", "leftovers", "unmet_needs"]

_Any = Recipe | SearchRecipe

_TASK_OF = {
    "caption_loss": "caption",
    "class_choice_loss": "class_choice",
    "class_accuracy": "class_choice",
    "text_to_image_mrr": "caption",
    "image_to_text_mrr": "caption",
}
_NEEDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "lora.": ("a part with train: lora", lambda recipe: any(part.train == "lora" for part in recipe.parts.values())),
    "data.augmentation.views": (
        "brightness, contrast, saturation or crop above 0 in data.augmentation",
        lambda recipe: recipe.data.augmentation.varies,
    ),
    "data.replay.frames": ("data.replay.share above 0", lambda recipe: recipe.data.replay.share > 0),
    "training.focal_gamma": ("data.tasks.class_choice above 0", lambda recipe: recipe.data.tasks.class_choice > 0),
    "training.save_total_limit": ("training.save_steps above 0", lambda recipe: recipe.training.save_steps > 0),
    "scaling.": ("launcher: ray", lambda recipe: recipe.launcher == "ray"),
}
"""By the beginning of a key: what a value other than the usual one needs to have an effect, and whether it is so."""


def unmet_needs(recipe: _Any) -> list[str]:
    """Return one phrase for each key that must not be without effect and is."""
    problems = []
    if recipe.base.revision is not None and recipe.base.model == EMBEDDED:
        problems.append("base.revision needs a model of the hub as base.model")
    task = _TASK_OF.get(recipe.training.metric_for_best_model)
    if task is not None and not getattr(recipe.data.tasks, task):
        problems.append(f"training.metric_for_best_model needs data.tasks.{task}, which it measures, above 0")
    return problems


def leftovers(recipe: _Any) -> dict[str, str]:
    """Return a sentence by key for what was chosen, has no effect, and is let be."""
    usual = type(recipe)().flat()
    found = {
        key: f"{key} has no effect: it needs {need}"
        for start, (need, is_met) in _NEEDS.items()
        for key, value in recipe.flat().items()
        if key.startswith(start) and value != usual.get(key) and not is_met(recipe)
    }
    found |= {
        f"parts.{name}.{key}": f"parts.{name}.{key} has no effect, as the part is {part.train}"
        for name, part in recipe.parts.items()
        for key in _unused(part)
    }
    epochs = "training.num_train_epochs"
    if recipe.training.max_steps > 0 and recipe.flat()[epochs] != usual[epochs]:
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


_USUAL_PART = Part(path="any")
