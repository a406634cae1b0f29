"""Where Label Studio tells that somebody answered: the word is checked, written down and answered at once."""

import threading
from collections import Counter
from queue import Full, Queue

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from workbench.errors import StorageError
from workbench.workflows.hooks import HOOK_HEADER, HOOK_PATH, note_hooks, project_of
from workbench.workflows.workspace import Workspace

__all__ = ["hook_routes"]

_LARGEST_BODY = 1_048_576
_WAITING_HOOKS = 10_000
_CLOSE = {"Connection": "close"}


def hook_routes(workspace: Workspace) -> APIRouter:
    """Return the route of hooks; what their body says is not read."""
    router, clerk = APIRouter(), _Clerk(workspace)

    @router.post(HOOK_PATH, status_code=202)
    async def hook(request: Request) -> Response:
        project_id = project_of(workspace.settings, request.headers.get(HOOK_HEADER, ""))
        if project_id is None:
            raise HTTPException(401, "This is no hook that the workbench asked for.", headers=_CLOSE)
        length = request.headers.get("content-length", "")
        if not (length.isascii() and length.isdecimal()) or int(length) > _LARGEST_BODY:
            raise HTTPException(413, f"A hook has at most {_LARGEST_BODY} bytes.", headers=_CLOSE)
        clerk.hand(project_id)
        return Response(status_code=202)

    return router


class _Clerk:
    """Writes hooks down, one batch after the other, so that a busy database keeps nobody waiting who posts one.

    Hooks beyond what can wait are lost, as are those at hand when the process is killed; looking finds what they meant.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._hooks: Queue[int] = Queue(_WAITING_HOOKS)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def hand(self, project_id: int) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="hooks", daemon=True)
                self._thread.start()
        try:
            self._hooks.put_nowait(project_id)
        except Full:
            return

    def _work(self) -> None:
        while True:
            batch = Counter([self._hooks.get()])
            while not self._hooks.empty():
                batch[self._hooks.get()] += 1
            for project_id, count in batch.items():
                try:
                    note_hooks(self._workspace, project_id, count)
                except StorageError as error:
                    print(f"A hook was lost: {error}", flush=True)
