"""The web server: sign-in, images, reports and the Gradio app, all behind one guard."""

import os
import socket
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse

from workbench.errors import ServiceError
from workbench.settings import Settings
from workbench.ui.app import build_blocks
from workbench.ui.cookies import COOKIE_NAME, Sessions
from workbench.ui.dataset_pages import dataset_routes
from workbench.ui.guard import Guard
from workbench.ui.hooks import hook_routes
from workbench.ui.invitation import invitation_routes
from workbench.ui.media import media_routes
from workbench.ui.ml_backend import ml_backend_routes
from workbench.ui.reports import report_routes
from workbench.ui.sign_in import sign_in_routes
from workbench.ui.theme import STYLE_SHEET, site_theme
from workbench.ui.throttle import Throttle
from workbench.workflows.follow_labels import following
from workbench.workflows.jobs import refresh_jobs
from workbench.workflows.workspace import Workspace

__all__ = ["build_app", "serve"]

_LARGEST_UPLOAD = "4gb"
_FAREWELL_S = 3
"""Open pages hold a connection each; this long they may finish when the server is told to stop."""


def build_app(workspace: Workspace) -> FastAPI:
    """Return the whole web application of ``workspace``."""
    sessions = Sessions(workspace.settings)
    app = FastAPI(title="Site Workbench", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(sign_in_routes(workspace, sessions, Throttle()))
    app.include_router(media_routes(workspace))
    app.include_router(report_routes(workspace))
    app.include_router(dataset_routes(workspace))
    app.include_router(invitation_routes(workspace, sessions))
    app.include_router(hook_routes(workspace))
    app.include_router(ml_backend_routes(workspace))

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/favicon.svg")
    def favicon() -> FileResponse:
        return FileResponse(Path(__file__).with_name("favicon.svg"), headers={"Cache-Control": "max-age=86400"})

    app.add_middleware(Guard, sessions=sessions)
    return _mount_gradio(app, workspace, sessions)


def serve(workspace: Workspace) -> None:
    """Serve the app at ``settings.ui_host`` and ``ui_port`` until the process is told to stop.

    Raises ServiceError when another program listens there.
    """
    settings = workspace.settings
    refresh_jobs(workspace)  # what waited while nobody looked starts now, above all after the machine was restarted
    app = build_app(workspace)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_FAREWELL_S)
    with _listener(settings) as listener, following(workspace):
        print(f"Site Workbench at {settings.ui_url}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])


def _listener(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.ui_host else socket.AF_INET
    try:
        return socket.create_server((settings.ui_host, settings.ui_port), family=family)
    except OSError as exc:
        raise ServiceError(
            expected=f"to listen at {settings.ui_host}, port {settings.ui_port}",
            found=exc.strerror or str(exc),
            remedy="stop what listens there, or set WORKBENCH_UI_HOST and WORKBENCH_UI_PORT",
        ) from exc


def _mount_gradio(app: FastAPI, workspace: Workspace, sessions: Sessions) -> FastAPI:
    def signed_in_user(request: Request) -> str | None:
        return sessions.user_name(request.cookies.get(COOKIE_NAME))

    os.environ["GRADIO_TEMP_DIR"] = str(_uploads_dir(workspace.settings))
    gr.mount_gradio_app(
        app,
        build_blocks(workspace),
        path="/",
        auth_dependency=signed_in_user,
        allowed_paths=[],
        blocked_paths=[str(workspace.settings.local_env_file)],
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
        css_paths=STYLE_SHEET,
        enable_monitoring=False,
        footer_links=[],
        max_file_size=_LARGEST_UPLOAD,
        mcp_server=False,
        pwa=False,
        run_history=False,
        server_name=workspace.settings.ui_host,
        server_port=workspace.settings.ui_port,
        show_error=True,
        ssr_mode=False,
        theme=site_theme(),
    )
    return app


def _uploads_dir(settings: Settings) -> Path:
    folder = settings.data_dir / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
