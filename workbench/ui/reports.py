"""The HTML report and the sample predictions that a run carries, as its page in the app shows them."""

import json
from typing import Annotated

from fastapi import APIRouter, HTTPException
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse
from markupsafe import Markup

from workbench.errors import WorkbenchError
from workbench.workflows.workspace import Workspace

__all__ = ["report_frame", "report_routes", "sample_rows"]

_REPORT, _SAMPLES = "report/report.html", "samples.json"
_REPORT_POLICY = "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"


def report_routes(workspace: Workspace) -> APIRouter:
    """Return ``/reports/<run id>``: a run's HTML report, which may run no script and fetch nothing."""
    router = APIRouter()

    @router.get("/reports/{run_id}")
    def report(run_id: Annotated[str, PathParameter(pattern="^[0-9a-f]{32}$")]) -> FileResponse:
        try:
            page = workspace.tracker.file(run_id, _REPORT)
        except WorkbenchError as exc:
            raise HTTPException(404, str(exc)) from exc
        if page is None:
            raise HTTPException(404, f"Run {run_id} has no report; evaluate it first.")
        return FileResponse(page, media_type="text/html", headers={"Content-Security-Policy": _REPORT_POLICY})

    return router


def report_frame(workspace: Workspace, run_id: str) -> Markup:
    """Return the report of ``run_id`` to be folded out in the page; nothing when it was never evaluated."""
    if workspace.tracker.file(run_id, _REPORT) is None:
        return Markup("")
    return Markup(
        "<details><summary>Report with the worst frames</summary>"
        '<p class="wb-line"><a href="/reports/{0}" target="_blank" rel="noopener">Open on a page of its own ↗</a></p>'
        '<iframe class="wb-report" src="/reports/{0}" title="Report" loading="lazy" sandbox="allow-popups"></iframe>'
        "</details>"
    ).format(run_id)


def sample_rows(workspace: Workspace, run_id: str) -> list[dict[str, object]]:
    """Return the predictions that the run logged as a table, column by name; empty when it logged none."""
    file = workspace.tracker.file(run_id, _SAMPLES)
    if file is None:
        return []
    table = json.loads(file.read_text(encoding="utf-8"))
    return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
