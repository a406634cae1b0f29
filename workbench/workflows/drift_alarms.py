"""What the last checks for drift raised an alarm about."""

import json
from collections.abc import Mapping
from datetime import datetime

from workbench.domain import Verdict
from workbench.tracking import RunSummary
from workbench.workflows.run_kinds import DRIFT
from workbench.workflows.workspace import Workspace

__all__ = ["drift_alarms"]


def drift_alarms(workspace: Workspace, site: str) -> dict[str, datetime]:
    """Return the cameras that had drifted when they were checked last, with when the window began in which they had."""
    newest: dict[str, RunSummary] = {}
    for run in workspace.tracker.runs(site, DRIFT):
        if run.state == "FINISHED" and "camera" in run.tags:
            newest.setdefault(run.tags["camera"], run)
    return {
        camera: _since(workspace, run)
        for camera, run in newest.items()
        if run.tags.get("verdict") == Verdict.FAIL.value
    }


def _since(workspace: Workspace, run: RunSummary) -> datetime:
    """Return when the checked window began; when it was checked, where the report is gone."""
    path = workspace.tracker.file(run.id, "drift.json")
    report: Mapping[str, list[str] | None] = json.loads(path.read_text(encoding="utf-8")) if path else {}
    window = report.get("window")
    return datetime.fromisoformat(window[0]) if window else run.started_at
