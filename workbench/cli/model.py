"""``workbench model``: hand a tuned model to others."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar

if TYPE_CHECKING:
    from workbench.workflows.export_model import ModelExport

app = typer.Typer(help="Models: hand a tuned model to others.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep ``export`` a command of its own: a group of one command would swallow its name."""


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write: a new or an empty one.")],
    site: SiteOption,
    model: Annotated[str, typer.Option("--model", help="champion or the id of a tuning run.")] = "champion",
    merged: Annotated[
        bool, typer.Option("--merged/--adapter", help="Weights that vLLM and transformers load, or the adapter alone.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Write a tuned model, if it answers probe frames as its adapter on the base does."""
    workspace = open_workspace(site)
    from workbench.workflows import export_model as workflow

    with progress_bar() as progress:
        report = workflow.export_model(
            workspace, site, folder, model=model, merged=merged, actor=actor_name(), progress=progress
        )
    emit(report, as_json, _told(report))


def _told(report: "ModelExport") -> str:
    lines = [
        f"{one.form}: probabilities within {one.largest:.2g} of the adapter's on {one.frames} frames, "
        f"{one.other_classes} other classes, {one.other_captions} other captions"
        for one in report.parity
    ]
    return "\n".join([*lines, f"The {report.form} model of run {report.run_id} is in {report.folder}."])
