"""``workbench demo``: the main job on an invented site, unattended."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table

from workbench.cli.console import JsonOption, emit, open_workspace, progress_bar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain import Interval
    from workbench.workflows.demo import DemoSummary

app = typer.Typer(
    help="The whole loop on an invented site with three cameras: clips, labels, adapter, evidence, approval, drift.",
    invoke_without_command=True,
)


@app.callback()
def run(context: typer.Context, as_json: JsonOption = False) -> None:
    """Run the main job from the demo site's clips to an approved champion, and print what came out."""
    if context.invoked_subcommand:
        return
    from workbench.workflows.demo import run_demo

    with progress_bar() as progress:
        summary = run_demo(open_workspace(), progress=progress)
    human = Group(_stages(summary), _metrics(summary.base, summary.adapted), _conclusion(summary))
    emit(summary, as_json, human)


@app.command()
def render(
    directory: Annotated[Path, typer.Argument(help="Folder for the clips and labels.csv.")] = Path("data/demo"),
    as_json: JsonOption = False,
) -> None:
    """Render the demo site's clips and their true labels anew; the same seed gives the same frames."""
    from workbench.workflows.demo import render_demo

    with progress_bar() as progress:
        progress(0, None, "rendering the demo site")
        report = render_demo(directory)
    emit(report, as_json, f"The demo site's clips and labels.csv are in {directory}.")


def _stages(summary: "DemoSummary") -> Table:
    table = Table("stage", "seconds", title=f"Demo site {summary.site}", title_justify="left")
    for stage in summary.stages:
        table.add_row(stage.name, f"{stage.seconds:.1f}")
    table.add_section()
    table.add_row("all", f"{summary.seconds:.1f}")
    return table


def _metrics(base: "Mapping[str, Interval]", adapted: "Mapping[str, Interval]") -> Table:
    table = Table("metric", "base", "adapted", title="Held-out clips, with 95 % intervals", title_justify="left")
    for name in (name for name in base if name in adapted):
        table.add_row(name, str(base[name]), str(adapted[name]))
    return table


def _conclusion(summary: "DemoSummary") -> str:
    drifted = [report.camera for report in summary.drift if report.drifted]
    accounts = ", ".join(f"{name} / {password}" for name, password in summary.passwords.items())
    return (
        f"Version {summary.version} of registered model {summary.registered_model} has the alias "
        f"{summary.alias}: requested by {summary.requested_by}, approved by {summary.approved_by} "
        f"(MLflow run {summary.mlflow_run_id}).\n"
        f"Drift against the training set: {', '.join(drifted) or 'on no camera'}. "
        f"Peak memory {summary.peak_memory_gib:.1f} GiB.\n"
        f"Look around: `workbench up`, then sign in at the workbench as {accounts}."
    )
