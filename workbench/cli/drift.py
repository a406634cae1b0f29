"""``workbench drift``."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.domain import Verdict

if TYPE_CHECKING:
    from workbench.domain import DriftReport

app = typer.Typer(help="Drift: what the cameras show now against what the model was trained on.", no_args_is_help=True)

_TIME_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
_WORDS = {
    Verdict.FAIL: Text("drifted", "bold red"),
    Verdict.PASS: Text("as before", "green"),
    Verdict.NO_EVIDENCE: Text("no evidence", "yellow"),
}


@app.command("check")
def check(
    site: SiteOption,
    since: Annotated[datetime | None, typer.Option(formats=_TIME_FORMATS, help="Begin of the window, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_TIME_FORMATS, help="End of the window, UTC.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare each camera's newer frames (or those of a window) with the training set of the current model."""
    workspace = open_workspace(site)
    from workbench.workflows.monitor import check_drift

    with progress_bar() as progress:
        reports = check_drift(
            workspace,
            site=site,
            since=since and since.replace(tzinfo=UTC),
            until=until and until.replace(tzinfo=UTC),
            actor=actor_name(),
            progress=progress,
        )
    cameras = [{**vars(report), "verdict": report.verdict} for report in reports]
    emit({"site": site, "cameras": cameras}, as_json, _as_table(site, reports))


def _as_table(site: str, reports: "list[DriftReport]") -> Table:
    table = Table(
        title=f"Drift at {site}",
        caption="p is corrected over all cameras and tests. Drift: p < 0.05 and a large enough effect. "
        "No evidence: too few independent stretches of footage to tell; ingest clips of other times and check again.",
        caption_justify="left",
    )
    for column in ("camera", "verdict", "reference", "current", "pictures", "p", "classes", "p"):
        table.add_column(column, justify="left" if column in ("camera", "verdict") else "right")
    for report in reports:
        figures = []
        for test in ("embeddings", "classes"):
            figures += [_number(report.statistics.get(test)), _number(report.p_values.get(test))]
        counts = (str(report.reference_rows), str(report.current_rows))
        table.add_row(report.camera, _WORDS[report.verdict], *counts, *figures)
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
