"""``workbench label``: ask people about frames and fetch what they said."""

import os
from contextlib import suppress
from typing import Annotated

import typer

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.cli.import_labels import import_labels

app = typer.Typer(help="Labels: tasks for people in Label Studio, and their answers.", no_args_is_help=True)
app.command("import")(import_labels)


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
    twins = f", {report.twins_removed} second tasks of a frame removed" if report.twins_removed else ""
    refused = report.suggestions.because if report.suggestions else ""
    emit(
        report,
        as_json,
        f"{report.created} tasks created, {report.prelabelled} pre-labelled, {report.renewed} image links renewed"
        f"{twins}: {report.project_url}"
        + (f"\nNo suggestions on opening a task: {refused}." if refused else "")
        + ("\nThe labelling interface was changed by hand and is restored." if report.interface_restored else ""),
    )


@app.command("pull")
def pull(
    site: SiteOption,
    everything: Annotated[
        bool, typer.Option("--full", help="Read everything anew, not only what changed since the last time.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch what people said in Label Studio."""
    from workbench.workflows import label as workflow

    with progress_bar() as progress:
        report = workflow.pull(open_workspace(), site, actor=actor_name(), everything=everything, progress=progress)
    incomplete = f"; {report.incomplete} without class or caption were left there" if report.incomplete else ""
    why = f", all of them because {report.all_because}" if report.all_because else ""
    emit(
        report,
        as_json,
        f"{report.annotations} annotations: {report.added} added, {report.changed} changed, "
        f"{report.removed} removed{incomplete} ({report.tasks_read} tasks read{why})."
        + (f"\nFigures about suggestions were not kept: {report.untracked}" if report.untracked else ""),
    )


@app.command("follow")
def follow(
    every_s: Annotated[
        float, typer.Option("--every", min=1.0, help="Look at each site at least this often, in seconds.")
    ] = 60.0,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="End when the process that started this one has ended.")
    ] = False,
) -> None:
    """Fetch the answers of all sites as they come, until interrupted; `workbench ui` does so by itself."""
    from workbench.workflows.follow_labels import follow as workflow

    parent = os.getppid()
    with suppress(KeyboardInterrupt):
        workflow(
            open_workspace(),
            actor=actor_name(),
            every_s=every_s,
            tell=lambda line: print(line, flush=True),
            is_wanted=lambda: not with_parent or os.getppid() == parent,
        )
