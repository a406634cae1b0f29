"""Recipe files: YAML with overrides, parsed once into a value, and where each of its values came from.

``task: search`` in a file tells a SearchRecipe from a Recipe.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import ValidationError

from workbench.errors import RecipeError
from workbench.recipe import Choices, Recipe, leaves
from workbench.recipe_needs import unmet_needs
from workbench.search_recipe import SEARCH, SearchRecipe
from workbench.settings import embedded_path
from workbench.wording import counted, in_short
from workbench.yaml_problems import where_yaml_breaks, wrong_values
from workbench.yaml_text import load_yaml

__all__ = [
    "ResolvedValue",
    "explain_recipe",
    "is_search_recipe",
    "load_any_recipe",
    "load_recipe",
    "load_search_recipe",
]

_Kind = TypeVar("_Kind", Recipe, SearchRecipe)


@dataclass(frozen=True)
class ResolvedValue:
    """One value of a recipe and who chose it: ``override``, ``file`` or ``default``."""

    key: str
    value: object
    origin: Literal["override", "file", "default"]


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read the recipe at ``path`` with overrides such as ``training.learning_rate=1e-4``.

    ``recipes/NAME.yaml`` is the shipped recipe of that name where the current folder has no such file.
    Raises RecipeError, which tells all problems of the file and of the overrides at once. What ``load_any_recipe`` asks
    of new runs alone is let pass, as in what was tuned before.
    """
    if is_search_recipe(path):
        raise RecipeError(
            expected=f"a recipe of the answering model in {path}",
            found="one of a dual encoder (task: search)",
            remedy="name another recipe, or use it with `workbench tune`, which takes both",
        )
    return _load(Recipe, path, overrides)


def load_search_recipe(path: Path, overrides: Sequence[str] = ()) -> SearchRecipe:
    """Read a recipe of ``task: search`` as :func:`load_recipe` reads others."""
    if not is_search_recipe(path):
        raise RecipeError(
            expected=f"a recipe of a dual encoder in {path}",
            found="one without `task: search`",
            remedy="start from recipes/search.yaml",
        )
    return _load(SearchRecipe, path, overrides)


def load_any_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe | SearchRecipe:
    """Read the recipe of a new run at ``path``, whatever it tunes; RecipeError also where ``unmet_needs`` has any."""
    recipe = load_search_recipe(path, overrides) if is_search_recipe(path) else load_recipe(path, overrides)
    if problems := unmet_needs(recipe):
        raise _mistaken(path, problems)
    return recipe


def is_search_recipe(path: Path) -> bool:
    """Tell whether the recipe at ``path`` tunes a dual encoder; RecipeError when it cannot be read."""
    return _read_mapping(path).get("task") == SEARCH


def explain_recipe(path: Path, overrides: Sequence[str] = ()) -> list[ResolvedValue]:
    """Return every resolved value of a recipe in order, with where it came from."""
    recipe: Choices = load_any_recipe(path, overrides)
    in_file = {key for key, _ in leaves(_read_mapping(path))}
    overridden = {key for key, _ in map(_parse_override, overrides)}

    def origin(key: str) -> Literal["override", "file", "default"]:
        if any(key == name or key.startswith(f"{name}.") for name in overridden):
            return "override"
        return "file" if key in in_file else "default"

    return [ResolvedValue(key, value, origin(key)) for key, value in recipe.flat().items()]


def _load(kind: type[_Kind], path: Path, overrides: Sequence[str]) -> _Kind:
    content, usual = _read_mapping(path), kind()
    for key, value in map(_parse_override, overrides):
        if key.startswith("parts."):
            content.setdefault("parts", {name: part.model_dump() for name, part in usual.parts.items()})
        _set(content, key, value)
    try:
        return kind.model_validate(content)
    except ValidationError as exc:
        raise _mistaken(path, wrong_values(exc, list(usual.flat()), whole="the recipe")) from exc


def _mistaken(path: Path, problems: Sequence[str]) -> RecipeError:
    return RecipeError(
        expected=f"a recipe without mistakes in {path}",
        found=f"{counted(len(problems), 'problem')}: {'; '.join(problems)}",
        remedy="correct the file or the overrides (`workbench recipe schema` tells every key)",
    )


def _at(path: Path) -> Path:
    """Return ``path``, or the shipped recipe where ``recipes/NAME.yaml`` is not in the current folder."""
    shipped = embedded_path("recipes") / path.name
    is_shipped = path.parent == Path("recipes") and not path.exists() and shipped.exists()
    return shipped if is_shipped else path


def _read_mapping(path: Path) -> dict[str, Any]:
    try:
        content = load_yaml(_at(path).read_text(encoding="utf-8"))
    except OSError as exc:
        raise RecipeError(
            expected=f"a recipe at {path}",
            found=exc.strerror or "nothing",
            remedy="name a file such as recipes/demo.yaml",
        ) from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise RecipeError(expected=f"YAML in {path}", found=where_yaml_breaks(exc), remedy="correct that line") from exc
    if not isinstance(content, dict):
        raise RecipeError(
            expected=f"sections such as 'training:' in {path}",
            found="an empty file" if content is None else f"a {type(content).__name__}",
            remedy="start from a file in recipes/",
        )
    return content


def _parse_override(override: str) -> tuple[str, object]:
    key, equals, text = override.partition("=")
    try:
        value = load_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        value = text
    if not equals or not all(part.strip() for part in key.split(".")):
        raise RecipeError(
            expected="an override such as training.learning_rate=1e-4",
            found=in_short(override),
            remedy="write the key's full path, '=' and the value",
        )
    return key.strip(), value


def _set(content: dict[str, Any], key: str, value: object) -> None:
    *sections, name = key.split(".")
    for section in sections:
        inner = content.setdefault(section, {})
        if not isinstance(inner, dict):
            inner = content[section] = {}
        content = inner
    content[name] = value
