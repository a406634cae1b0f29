"""``workbench recipe``: check and explain recipes without running them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from workbench.cli.console import JsonOption, emit

app = typer.Typer(help="Recipes: every choice of a tuning run, made before it starts.", no_args_is_help=True)

RecipeArgument = Annotated[Path, typer.Argument(help="Recipe file, such as recipes/demo.yaml.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Choose a value instead of the file's: training.learning_rate=1e-4 (repeatable)."),
]


@app.command()
def check(file: RecipeArgument, overrides: SetOption = None, as_json: JsonOption = False) -> None:
    """Check a recipe; all of its problems are told together."""
    from workbench.recipe_file import load_any_recipe
    from workbench.recipe_needs import leftovers

    recipe = load_any_recipe(file, overrides or [])
    notes = list(leftovers(recipe).values())
    found = {"file": str(file), "digest": recipe.digest, "recipe": recipe.resolved(), "notes": notes}
    emit(found, as_json, "\n".join([f"{file} is a valid recipe (digest {recipe.digest[:12]}).", *notes]))


@app.command()
def explain(file: RecipeArgument, overrides: SetOption = None, as_json: JsonOption = False) -> None:
    """Tell every value of a recipe, defaults included, and who chose it."""
    from workbench.recipe_file import explain_recipe

    values = explain_recipe(file, overrides or [])
    table = Table("key", "value", "chosen by")
    for value in values:
        table.add_row(value.key, str(value.value), value.origin)
    emit(values, as_json, table)


@app.command()
def schema(
    search: Annotated[bool, typer.Option("--search", help="Of recipes of `task: search`, for dual encoders.")] = False,
) -> None:
    """Print the JSON schema of recipes: every key with its type, bounds, default and purpose."""
    from workbench.recipe import recipe_schema
    from workbench.search_recipe import SearchRecipe

    emit(SearchRecipe.model_json_schema() if search else recipe_schema(), True, "")
