"""A part of the web application that Label Studio calls, served in this process behind the guard."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvicorn
from fastapi import APIRouter, FastAPI
from pydantic import SecretStr

from workbench.ui.cookies import Sessions
from workbench.ui.guard import Guard
from workbench.workflows.workspace import Workspace

__all__ = ["guarded", "listening", "waits", "with_key"]

PATIENCE_S = 240.0


def with_key(workspace: Workspace, **settings: object) -> Workspace:
    update = {"session_key": SecretStr("k" * 64), **settings}
    return replace(workspace, settings=workspace.settings.model_copy(update=update))


def guarded(workspace: Workspace, routes: APIRouter) -> FastAPI:
    app = FastAPI()
    app.include_router(routes)
    app.add_middleware(Guard, sessions=Sessions(workspace.settings))
    return app


@contextmanager
def listening(app: FastAPI, host: str, port: int) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert waits(lambda: server.started)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def waits(is_so: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + PATIENCE_S
    while not is_so() and time.monotonic() < give_up_at:
        time.sleep(0.02)
    return is_so()
