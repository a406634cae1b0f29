"""Recipe files: YAML with overrides, parsed once into a Recipe, and where each of its values came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from workbench.errors import RecipeError
from workbench.recipe import Recipe, leaves
from workbench.yaml_problems import where_yaml_breaks, wrong_values

__all__ = ["ResolvedValue", "explain_recipe", "load_recipe"]


@dataclass(frozen=True)
class ResolvedValue:
    """One value of a recipe and who chose it: ``override``, ``file`` or ``default``."""

    key: str
    value: object
    origin: Literal["override", "file", "default"]


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read the recipe at ``path`` with overrides such as ``training.learning_rate=1e-4``.

    Raises RecipeError, which tells all problems of the file and of the overrides at once.
    """
    content = _read_mapping(path)
    for key, value in map(_parse_override, overrides):
        if key.startswith("parts."):
            content.setdefault("parts", {name: part.model_dump() for name, part in Recipe().parts.items()})
        _set(content, key, value)
    try:
        return Recipe.model_validate(content)
    except ValidationError as exc:
        problems = wrong_values(exc, list(Recipe().flat()), whole="the recipe")
        raise RecipeError(
            expected=f"a recipe without mistakes in {path}",
            found=f"{len(problems)} problem{'s' if len(problems) > 1 else ''}: {'; '.join(problems)}",
            remedy="correct the file or the overrides (`workbench recipe schema` tells every key)",
        ) from exc


def explain_recipe(path: Path, overrides: Sequence[str] = ()) -> list[ResolvedValue]:
    """Return every resolved value of a recipe in order, with where it came from."""
    recipe = load_recipe(path, overrides)
    in_file = {key for key, _ in leaves(_read_mapping(path))}
    overridden = {key for key, _ in map(_parse_override, overrides)}

    def origin(key: str) -> Literal["override", "file", "default"]:
        if any(key == name or key.startswith(f"{name}.") for name in overridden):
            return "override"
        return "file" if key in in_file else "default"

    return [ResolvedValue(key, value, origin(key)) for key, value in recipe.flat().items()]


def _read_mapping(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
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
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        value = text
    if not equals or not all(part.strip() for part in key.split(".")):
        raise RecipeError(
            expected="an override such as training.learning_rate=1e-4",
            found=repr(override),
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
