"""The way into Label Studio for somebody of the workbench who has no account there yet."""

from urllib.parse import urljoin

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse

from workbench.domain import Role
from workbench.errors import WorkbenchError
from workbench.ui.cookies import COOKIE_NAME, Sessions
from workbench.workflows.workspace import Workspace

__all__ = ["INVITATION_PATH", "invitation_routes"]

INVITATION_PATH = "/label-studio/invitation"
_INVITED = frozenset({Role.ENGINEER, Role.LABELLER})


def invitation_routes(workspace: Workspace, sessions: Sessions) -> APIRouter:
    """Return a route that leads engineers and labellers to where Label Studio lets its invited sign up."""
    router = APIRouter()

    @router.get(INVITATION_PATH)
    def invitation(request: Request) -> RedirectResponse:
        from workbench.labeling.studio import Studio  # its SDK takes a second to load

        settings = workspace.settings
        try:
            user = workspace.store.users.get(sessions.user_name(request.cookies.get(COOKIE_NAME)) or "")
            if not user.roles & _INVITED:
                raise HTTPException(403, f"Expected {' or '.join(sorted(_INVITED))}, but found {user.name}.")
            path = Studio(settings.labelstudio_url, settings.labelstudio_token.get_secret_value()).invitation_path()
        except WorkbenchError as exc:
            raise HTTPException(502, str(exc)) from exc
        return RedirectResponse(urljoin(settings.labelstudio_url, path), status_code=303)

    return router
