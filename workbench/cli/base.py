"""``workbench base``: build the base models that ship with the workbench."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from workbench.cli.console import JsonOption, emit, progress_bar

app = typer.Typer(help="The embedded base models: a small VLM and a dual encoder.", no_args_is_help=True)


@app.command()
def build(
    out: Annotated[Path, typer.Option(help="Folder that gets base-vlm/ and base-clip/.")] = Path("data"),
    work: Annotated[Path, typer.Option(help="Folder for rendered scenes and checkpoints.")] = Path("data/base-work"),
    steps: Annotated[int, typer.Option(min=1, help="Training steps of the VLM.")] = 5000,
    clip_steps: Annotated[int, typer.Option(min=1, help="Training steps of the dual encoder.")] = 150,
    scenes: Annotated[int, typer.Option(min=32, help="Scenes to render and train on.")] = 30_000,
    held_out: Annotated[int, typer.Option(min=1, help="Further scenes to measure on.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of scenes, weights and order.")] = 0,
    start_from: Annotated[
        Path | None, typer.Option(help="Folder with a base-vlm/ to train on, instead of random weights.")
    ] = None,
    learning_rate: Annotated[float, typer.Option(min=0, help="The VLM's highest learning rate.")] = 3e-3,
    keep: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the weights of --start-from that stays in the result.")
    ] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Render scenes, train both models, measure them and write their model cards.

    Takes about two and a half hours on two cores. Started again with the same folders, an interrupted build goes on.
    """
    from workbench.workflows.base import BasePlan, build_base

    plan = BasePlan(steps, clip_steps, scenes, held_out, seed, start_from, learning_rate, keep)
    with progress_bar() as progress:
        built = build_base(out, plan, work_dir=work, progress=progress)
    table = Table("held out", "right", "questions")
    for task in built.tasks:
        table.add_row(task.name, str(task.share), str(task.questions))
    emit(built, as_json, table)
