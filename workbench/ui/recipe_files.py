"""The recipes that the page offers, by file name."""

from pathlib import Path

from markupsafe import Markup

from workbench.errors import RecipeError, StorageError
from workbench.settings import Settings, embedded_path

__all__ = ["recipe_path", "recipe_paths", "recipe_source", "recipes_mark"]


def recipe_paths(settings: Settings) -> dict[str, Path]:
    """Return the recipes of the workspace's own ``recipes`` folder, or else those that ship, by file name."""
    for folder in (settings.home / "recipes", embedded_path("recipes")):
        if found := {path.name: path for path in sorted(folder.glob("*.yaml"))}:
            return found
    return {}


def recipe_path(settings: Settings, name: str | None) -> Path:
    """Return the file of a recipe that is offered; RecipeError for any other name."""
    paths = recipe_paths(settings)
    if name not in paths:
        raise RecipeError(
            expected="a recipe of the recipes folder", found=repr(name), remedy=f"pick one of {', '.join(paths)}"
        )
    return paths[name]


def recipes_mark(settings: Settings) -> str:
    """Return what changes whenever one of the files does."""
    return repr([(str(path), path.stat().st_mtime_ns) for path in recipe_paths(settings).values() if path.exists()])


def recipe_source(path: Path) -> Markup:
    """Show the recipe as its author wrote it: its comments say what it is for and what each choice costs."""
    try:
        return Markup('<h4>{}</h4><pre class="wb-source">{}</pre>').format(path.name, path.read_text("utf-8"))
    except OSError as exc:
        raise StorageError(
            expected=f"to read {path.name}", found=exc.strerror or str(exc), remedy="put the file back"
        ) from exc
