"""What a dataset version's checks found, on a page of its own."""

from typing import Annotated

from fastapi import APIRouter, HTTPException
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse

from workbench.errors import WorkbenchError
from workbench.workflows.check_page import check_page
from workbench.workflows.dataset_checks import known_checks
from workbench.workflows.workspace import Workspace

__all__ = ["dataset_routes"]

_POLICY = "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def dataset_routes(workspace: Workspace) -> APIRouter:
    """Return ``/datasets/<version id>/checks``, which may run no script and fetch nothing."""
    router = APIRouter()

    @router.get("/datasets/{dataset_id}/checks")
    def checks(dataset_id: Annotated[str, PathParameter(pattern="^[0-9a-f]{64}$")]) -> HTMLResponse:
        try:
            version = workspace.store.datasets.get(dataset_id)
            report = known_checks(version)
            if report is None:
                raise HTTPException(404, f"Version {dataset_id[:12]} was not checked yet.")
            page = check_page(workspace, version, report)
        except WorkbenchError as exc:
            raise HTTPException(404, str(exc)) from exc
        return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})

    return router
