"""The sign-in page, and signing out."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader

from workbench.errors import AccessError
from workbench.ui.cookies import COOKIE_NAME, Sessions
from workbench.ui.throttle import Throttle
from workbench.workflows.accounts import authenticate
from workbench.workflows.workspace import Workspace

__all__ = ["sign_in_routes"]

_pages = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)


def sign_in_routes(workspace: Workspace, sessions: Sessions, throttle: Throttle) -> APIRouter:
    """Return the routes ``/sign-in`` and ``/sign-out``."""
    router = APIRouter()

    @router.get("/sign-in")
    def show(next: str = "/") -> HTMLResponse:  # noqa: A002
        return _page(workspace, next_path=next)

    @router.post("/sign-in")
    def sign_in(
        request: Request,
        name: Annotated[str, Form(max_length=63)],
        password: Annotated[str, Form(max_length=1024)],
        next: Annotated[str, Form()] = "/",  # noqa: A002
    ) -> Response:
        address = request.client.host if request.client else "unknown"
        keys = (f"user {name.lower()}", f"address {address}")
        wait_s = max(throttle.wait_s(key) for key in keys)
        if wait_s > 0:
            return _page(workspace, next_path=next, name=name, wait_s=wait_s)
        try:
            user = authenticate(workspace, name, password)
        except AccessError:
            for key in keys:
                throttle.failed(key)
            return _page(workspace, next_path=next, name=name, wrong=True)
        for key in keys:
            throttle.succeeded(key)
        response = RedirectResponse(_inside(next), status_code=303)
        sessions.begin(response, user.name)
        return response

    @router.post("/sign-out")
    def sign_out(request: Request) -> Response:
        response = RedirectResponse("/sign-in", status_code=303)
        sessions.end(response, request.cookies.get(COOKIE_NAME))
        return response

    return router


def _page(
    workspace: Workspace, *, next_path: str, name: str = "", wrong: bool = False, wait_s: float = 0.0
) -> HTMLResponse:
    """Render the form; the same words for an unknown name and a wrong password, so that names cannot be tried out."""
    problem = "That name and password do not belong together." if wrong else ""
    if wait_s > 0:
        problem = f"Too many wrong tries. Wait {wait_s:.0f} s and try again."
    html = _pages.get_template("sign_in.html").render(
        next_path=_inside(next_path), name=name, problem=problem, has_users=bool(workspace.store.users.all())
    )
    status_code = 429 if wait_s > 0 else 401 if wrong else 200
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": f"{wait_s + 1:.0f}"} if wait_s > 0 else {})
    return HTMLResponse(html, status_code=status_code, headers=headers)


def _inside(path: str) -> str:
    """Return ``path`` when it stays on this server, else the front page."""
    stays = path.startswith("/") and not path.startswith(("//", "/sign-")) and "\\" not in path
    return path if stays and path.isprintable() else "/"
