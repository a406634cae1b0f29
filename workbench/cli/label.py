"""``workbench label``: ask people about frames and fetch what they said."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.domain import Split

app = typer.Typer(help="Labels: tasks for people in Label Studio, and their answers.", no_args_is_help=True)


@app.command("push")
def push(
    site: SiteOption,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Make at most this many new tasks.")] = None,
    prelabel: Annotated[bool, typer.Option(help="Let the current model make a guess about each frame.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Make a Label Studio task of every stored frame that has none, and renew image links that expire soon."""
    from workbench.workflows import label as workflow

    with progress_bar() as progress:
        report = workflow.push(
            open_workspace(), site, actor=actor_name(), limit=limit, prelabel=prelabel, progress=progress
        )
    emit(
        report,
        as_json,
        f"{report.created} tasks created, {report.prelabelled} pre-labelled, {report.renewed} image links renewed: "
        f"{report.project_url}",
    )


@app.command("import")
def import_labels(
    labels: Annotated[Path, typer.Argument(help="CSV file with the columns video,time_s,class,caption.")],
    site: SiteOption,
    split: Annotated[Split | None, typer.Option("--split", help="Pin the frames to this split of a dataset.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn existing labels into Label Studio annotations; running it twice adds nothing."""
    from workbench.workflows import label as workflow

    with progress_bar() as progress:
        report = workflow.import_labels(
            open_workspace(), labels, site=site, split=split, actor=actor_name(), progress=progress
        )
    emit(
        report,
        as_json,
        f"{report.rows} rows: {report.annotations_created} annotations created, {report.already_there} already there.",
    )


@app.command("pull")
def pull(site: SiteOption, as_json: JsonOption = False) -> None:
    """Fetch what people said in Label Studio."""
    from workbench.workflows import label as workflow

    with progress_bar() as progress:
        report = workflow.pull(open_workspace(), site, actor=actor_name(), progress=progress)
    incomplete = f"; {report.incomplete} without class or caption were left there" if report.incomplete else ""
    emit(
        report,
        as_json,
        f"{report.annotations} annotations: {report.added} added, {report.changed} changed, "
        f"{report.removed} removed{incomplete}.",
    )
