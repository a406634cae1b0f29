"""A tuning run while it goes on and when it has ended: loss, sample predictions and what its preflight found."""

import json

from markupsafe import Markup

from workbench.domain import Job
from workbench.errors import TrackingError
from workbench.ui.charts import loss_chart
from workbench.ui.fragments import note
from workbench.ui.preflight_view import preflight_view
from workbench.ui.run_samples import run_samples
from workbench.workflows.tune_jobs import run_of_job
from workbench.workflows.workspace import Workspace

__all__ = ["run_progress"]

_PREFLIGHT = "preflight.json"


def run_progress(workspace: Workspace, job: Job) -> Markup:
    """Return what the run that ``job`` works or worked on has logged; the page also works while MLflow is away."""
    try:
        run = run_of_job(workspace, job)
        if run is None:
            return Markup("")
        chart = loss_chart(workspace.tracker, run.id) or note("No loss was logged yet.")
        return chart + run_samples(workspace, run.id) + _preflight(workspace, run.id)
    except TrackingError as error:
        return note(f"Loss and samples show when MLflow answers again: {error}", tone="warn")


def _preflight(workspace: Workspace, run_id: str) -> Markup:
    file = workspace.tracker.file(run_id, _PREFLIGHT)
    if file is None:
        return Markup("")
    shown = preflight_view(json.loads(file.read_text(encoding="utf-8")))
    return Markup("<details><summary>What is trained, and what of each token is learnt</summary>{}</details>").format(
        shown
    )
