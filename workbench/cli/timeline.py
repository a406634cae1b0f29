"""``workbench timeline``: stretches of clips that people mark, as suggestions for their stills."""

import typer

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar

app = typer.Typer(help="Stretches of clips, marked on videos of their stills.", no_args_is_help=True)


@app.command()
def push(site: SiteOption, as_json: JsonOption = False) -> None:
    """Ask people in Label Studio about the site's clips, shown as videos of the stored stills; renew expiring links."""
    from workbench.workflows.timelines import push_timelines

    with progress_bar() as progress:
        report = push_timelines(open_workspace(), site, actor=actor_name(), progress=progress)
    emit(report, as_json, f"{report.created} videos added, {report.renewed} links renewed: {report.project_url}")


@app.command()
def pull(site: SiteOption, as_json: JsonOption = False) -> None:
    """Make marked stretches suggestions for the stills that wait for an answer."""
    from workbench.workflows.timelines import pull_timelines

    with progress_bar() as progress:
        report = pull_timelines(open_workspace(), site, actor=actor_name(), progress=progress)
    left_out = [
        f"{report.contradictory} stills lie in stretches of several classes" if report.contradictory else "",
        f"{report.without_task} stills have no task yet (`workbench label push`)" if report.without_task else "",
    ]
    told = f"{report.stretches} stretches with {report.stills} stills: {report.suggested} suggestions made"
    withdrawn = f", {report.withdrawn} withdrawn" if report.withdrawn else ""
    emit(report, as_json, "; ".join(filter(None, [f"{told}{withdrawn}", *left_out])) + ".")
