"""Fetch answers as they come: soon after Label Studio told of them, and every now and then without being told.

This runs in a process of its own, beside the UI or alone. What waits stands in the database, so nothing is forgotten
when it is stopped, and fetching once too often changes nothing.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from workbench.domain import utc_now
from workbench.errors import WorkbenchError
from workbench.settings import quiet_environment
from workbench.store import WaitingHooks
from workbench.workflows.workspace import Workspace

__all__ = ["follow", "following"]

_LOOK_S = 1.0
_QUIET_S = 2.0
_LONGEST_WAIT_S = 10.0
_LONGEST_PAUSE_S = 600.0
_RESTART_S = 30.0
_POLL_S = 0.5
_REST = 4.0
"""How many times as long as fetching took a site is left alone at least."""
_ACTOR = "label-follow"


@dataclass(frozen=True)
class _Turn:
    """When a site is looked at next, at the latest and at the earliest, and for how long it is left alone."""

    latest_s: float
    earliest_s: float
    pause_s: float

    def after(self, is_fetched: bool, took_s: float, every_s: float) -> "_Turn":
        """Return the next turn: labellers use the server that this one kept busy for ``took_s``."""
        pause_s = every_s if is_fetched else min(2 * self.pause_s, _LONGEST_PAUSE_S)
        rest_s = max(_REST * took_s, 0.0 if is_fetched else pause_s)
        now_s = time.monotonic()
        return _Turn(now_s + max(pause_s, rest_s), now_s + rest_s, pause_s)


def follow(
    workspace: Workspace,
    *,
    actor: str,
    every_s: float,
    tell: Callable[[str], None],
    is_wanted: Callable[[], bool] = lambda: True,
) -> None:
    """Fetch the answers of every site that has a project, until it is not wanted any more.

    A site is fetched when its hooks have paused for two seconds, or the first has waited for ten, and at the latest
    after ``every_s`` seconds. One that cannot be fetched is left alone twice as long each time, up to ten minutes.
    """
    turns: dict[str, _Turn] = {}
    while is_wanted():
        waiting = {hooks.site: hooks for hooks in workspace.store.hooks.waiting()}
        for site in workspace.store.labels.projects():
            hooks, now_s = waiting.get(site), time.monotonic()
            turn = turns.get(site, _Turn(now_s, now_s, every_s))
            is_told = hooks is not None and _is_due(hooks) and now_s >= turn.earliest_s
            if is_told or now_s >= turn.latest_s:
                is_fetched = _fetch(workspace, site, hooks, actor, tell)
                turns[site] = turn.after(is_fetched, time.monotonic() - now_s, every_s)
        time.sleep(_LOOK_S)


@contextmanager
def following(workspace: Workspace) -> Iterator[None]:
    """Keep ``workbench label follow`` running, in a process of its own, for the length of the block.

    It ends with this process, however that ends, and is started anew should it end before. Nothing runs where
    ``settings.fetch_every_s`` is 0.
    """
    if workspace.settings.fetch_every_s <= 0:
        yield
        return
    ended = threading.Event()
    keeper = threading.Thread(target=_keep_running, args=(workspace, ended), name="label-follow", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


def _is_due(hooks: WaitingHooks) -> bool:
    now = utc_now()
    is_quiet = (now - hooks.last_at).total_seconds() >= _QUIET_S
    return is_quiet or (now - hooks.first_at).total_seconds() >= _LONGEST_WAIT_S


def _fetch(
    workspace: Workspace, site: str, hooks: WaitingHooks | None, actor: str, tell: Callable[[str], None]
) -> bool:
    from workbench.workflows.pull_labels import pull  # Label Studio's SDK takes a second to load

    try:
        report = pull(workspace, site, actor=actor)
    except WorkbenchError as error:
        tell(f"{site}: {error}")
        return False
    if hooks is not None:
        workspace.store.hooks.settle(hooks)
    if report.added or report.changed or report.removed:
        tell(f"{site}: {report.added} annotations added, {report.changed} changed, {report.removed} removed")
    return True


def _keep_running(workspace: Workspace, ended: threading.Event) -> None:
    settings = workspace.settings
    command = [*(sys.executable, "-m", "workbench", "label", "follow"), *("--every", str(settings.fetch_every_s))]
    environment = {**quiet_environment(), "LOGNAME": _ACTOR, "WORKBENCH_HOME": str(settings.home)}
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    while not ended.is_set():
        with (settings.logs_dir / "label-follow.log").open("ab") as log:
            child = subprocess.Popen([*command, "--with-parent"], env=environment, stdout=log, stderr=log)
        while child.poll() is None and not ended.wait(_POLL_S):
            pass
        if child.poll() is None:
            child.terminate()
            child.wait()
        else:
            ended.wait(_RESTART_S)
