"""``workbench label connect``, ``suggest`` and ``quality``: the model's suggestions to labellers."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar

if TYPE_CHECKING:
    from workbench.domain import Interval
    from workbench.labeling.suggestion_quality import Quality, VersionQuality

__all__ = ["connect", "quality", "suggest"]

_CAPTION = (
    "In % of the answers that began with a suggestion: accepted as it was, edited in its caption, or rejected for "
    "another class; words: how much of the edited captions is other words. In brackets 95 % bounds, for which frames "
    "of one clip count as dependent."
)


def connect(site: SiteOption, as_json: JsonOption = False) -> None:
    """Have Label Studio ask for a suggestion when somebody opens a task that has none; `label push` does so too."""
    from workbench.workflows import connect as workflow

    report = workflow.connect(open_workspace(), site, actor=actor_name())
    asks = f"Label Studio asks {report.url} for suggestions of {report.model_version}."
    emit(report, as_json, asks if report.is_connected else f"Label Studio will not ask: {report.because}.")


def suggest(
    site: SiteOption,
    linger_s: Annotated[
        float, typer.Option("--linger", min=0, metavar="SECONDS", help="End when no frame has come for so long.")
    ] = 120.0,
    as_json: JsonOption = False,
) -> None:
    """Make the suggestions that Label Studio asked for in vain; the UI starts this by itself when it is asked."""
    from workbench.workflows.suggester import suggest_asked

    with progress_bar() as progress:
        report = suggest_asked(open_workspace(), site, actor=actor_name(), linger_s=linger_s, progress=progress)
    unreadable = f"; {report.unreadable} frames have no picture that can be read" if report.unreadable else ""
    emit(report, as_json, f"{report.suggested} suggestions of {report.model_version}{unreadable}.")


def quality(site: SiteOption, as_json: JsonOption = False) -> None:
    """Tell how often labellers accept, edit and reject what each model version suggests, and how far they edit it."""
    from workbench.workflows.prelabel_quality import measure_quality

    versions = measure_quality(open_workspace().store, site)
    emit({"site": site, "versions": versions}, as_json, _as_tables(site, versions))


def _as_tables(site: str, versions: "list[VersionQuality]") -> RenderableType:
    if not versions:
        return f"Nobody has answered a suggestion at {site} yet; fetch answers with `workbench label pull`."
    overall = _table(f"Suggestions at {site}", "model", [version.overall for version in versions], _CAPTION)
    newest = versions[0]
    return Group(
        overall,
        _table(f"{newest.model_version} by the class that it suggested", "class", newest.by_class),
        _table(f"{newest.model_version} by camera", "camera", newest.by_camera),
    )


def _table(title: str, what: str, rows: "list[Quality] | tuple[Quality, ...]", caption: str = "") -> Table:
    table = Table(title=title, caption=caption, caption_justify="left")
    table.add_column(what, overflow="fold")
    for column in ("answers", "accepted", "edited", "rejected", "words", "skipped"):
        table.add_column(column, justify="right")
    for row in rows:
        figures = map(_percentage, (row.accept_rate, row.edit_rate, row.reject_rate, row.words))
        table.add_row(row.name, str(row.answers), *figures, str(row.skipped))
    return table


def _percentage(interval: "Interval | None") -> str:
    if interval is None:
        return "–"
    return f"{100 * interval.value:.0f}\n({100 * interval.low:.0f}–{100 * interval.high:.0f})"
