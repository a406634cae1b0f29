"""What a check found as a page with example frames, which are in it: nothing of them is kept."""

import base64

from workbench.datasets import load_manifest
from workbench.datasets.check_page import render_checks
from workbench.datasets.checks import CheckReport
from workbench.domain import DatasetVersion
from workbench.errors import StorageError
from workbench.workflows.workspace import Workspace

__all__ = ["check_page"]


def check_page(workspace: Workspace, version: DatasetVersion, report: CheckReport) -> str:
    """Return the HTML page; a frame whose picture is gone has none in it."""
    manifest = load_manifest(version)
    examples = {frame_id for finding in report.findings for frame_id in finding.frame_ids}
    known = workspace.store.footage.known(version.site, examples)

    def picture(frame_id: str) -> str | None:
        return _embedded(workspace, frame_id) if frame_id in known else None

    return render_checks(manifest, report, picture)


def _embedded(workspace: Workspace, frame_id: str) -> str | None:
    try:
        thumbnail = workspace.frame_files.thumbnail(frame_id)
    except StorageError:
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(thumbnail).decode()}"
