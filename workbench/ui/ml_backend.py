"""Label Studio's ML backend: asked for a suggestion when somebody opens a task, and quick to answer whatever happens.

The protocol has no session: whoever asks gives the site's user and password with every request.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from starlette.background import BackgroundTask

from workbench.domain import Prediction
from workbench.errors import UsageError, WorkbenchError
from workbench.labeling.ml_protocol import AskedTask, predictions_to_response, request_to_tasks
from workbench.workflows.ml_backend import ML_PATH, is_permitted
from workbench.workflows.suggesting import current_version, ensure_suggester, suggestions_for
from workbench.workflows.workspace import Workspace

__all__ = ["ml_backend_routes"]

_ANSWER_WITHIN_S = 2.5
"""Label Studio gives up on ``setup`` after three seconds."""
_LARGEST_BODY = 64 * 1_048_576
_CLOSE = {"Connection": "close"}
_credentials = HTTPBasic(auto_error=False)

_Answer = TypeVar("_Answer")


def ml_backend_routes(workspace: Workspace) -> APIRouter:
    """Return ``/ml/<site>/health``, ``…/setup`` and ``…/predict``."""

    def permitted(site: str, credentials: Annotated[HTTPBasicCredentials | None, Depends(_credentials)]) -> str:
        name, password = (credentials.username, credentials.password) if credentials else ("", "")
        if not is_permitted(workspace.settings, site, name, password):
            raise HTTPException(401, "This is not the password for the site's suggestions.", headers=_CLOSE)
        return site

    router = APIRouter(prefix=f"{ML_PATH}{{site}}")
    Site = Annotated[str, Depends(permitted)]  # noqa: N806

    @router.get("/health")
    async def health(site: Site) -> dict[str, str]:
        return {"status": "UP"}

    @router.post("/setup")
    async def setup(site: Site) -> JSONResponse:
        version = await _in_time(asyncio.to_thread(current_version, workspace.store, site), "")
        return JSONResponse({"model_version": version}, background=_start(workspace, site))

    @router.post("/predict")
    async def predict(site: Site, request: Request) -> JSONResponse:
        tasks = await _tasks(request)
        nothing: Sequence[Prediction | None] = [None] * len(tasks)
        answered = asyncio.to_thread(suggestions_for, workspace, site, tasks)
        content = predictions_to_response(await _in_time(answered, nothing))
        return JSONResponse(content, background=_start(workspace, site))

    return router


async def _in_time(answer: Awaitable[_Answer], otherwise: _Answer) -> _Answer:
    """Return ``answer``, or something else where it takes long or cannot be had: what is begun is done all the same."""
    try:
        return await asyncio.wait_for(answer, _ANSWER_WITHIN_S)
    except (TimeoutError, WorkbenchError) as error:
        print(f"A suggestion was not to be had: {str(error) or 'the database is busy'}", flush=True)
        return otherwise


async def _tasks(request: Request) -> list[AskedTask]:
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdecimal()) or int(length) > _LARGEST_BODY:
        raise HTTPException(413, f"A request has at most {_LARGEST_BODY} bytes.", headers=_CLOSE)
    try:
        return request_to_tasks(await request.json())
    except (ValueError, RecursionError, UsageError) as exc:
        raise HTTPException(422, f"This is no request of Label Studio's: {exc}") from exc


def _start(workspace: Workspace, site: str) -> BackgroundTask:
    """Return what is done once the answer is on its way."""

    def start() -> None:
        try:
            ensure_suggester(workspace, site)
        except WorkbenchError as error:
            print(f"Suggestions cannot be made: {error}", flush=True)

    return BackgroundTask(start)
