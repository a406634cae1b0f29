"""Answer Label Studio's questions for suggestions, and have those made that nobody has made yet.

What the store holds is answered at once. The rest goes on a list that a process of its own works off, started when
there is something to do: a model never runs in the web server's process, and no labeller waits for one to load. While
that process has its model at hand, an answer waits a moment for it.
"""

import sys
import time
from collections.abc import Collection, Sequence

from workbench import jobs as processes
from workbench.domain import Prediction, Site, utc_now
from workbench.labeling.ml_protocol import AskedTask
from workbench.store import Store, Suggester
from workbench.workflows.jobs import start_job
from workbench.workflows.prelabel import source_of
from workbench.workflows.task_frames import current_frames
from workbench.workflows.workspace import Workspace

__all__ = ["current_version", "ensure_suggester", "known_suggestions", "suggestions_for"]

_KIND = "label-suggest"
_ACTOR = "label-studio"
_PATIENCE_S = 1.5
_FEW_TASKS = 4
_POLL_S = 0.05
_RESTART_S = 60.0


def suggestions_for(
    workspace: Workspace, site: str, tasks: Sequence[AskedTask], *, patience_s: float = _PATIENCE_S
) -> list[Prediction | None]:
    """Return what the current model says about each task's frame; None where that is not known in time.

    Frames of the site without a suggestion are put on the list; for a few of them a suggester at hand is waited for.
    """
    store, known_site = workspace.store, workspace.store.sites.get(site)
    frames = current_frames(store, site, store.labels.project(site), {task.task_id: task.frame_id for task in tasks})
    made = known_suggestions(store, known_site, frames.values())
    missing = set(frames.values()) - made.keys()
    if missing:
        store.suggestions.ask(site, missing)
        if len(missing) <= _FEW_TASKS:
            made |= _awaited(workspace, known_site, missing, patience_s)
    return [made.get(frames.get(task.task_id, "")) for task in tasks]


def known_suggestions(store: Store, site: Site, frame_ids: Collection[str]) -> dict[str, Prediction]:
    """Return what the site's model, as it was loaded last, said about these frames in classes of today."""
    model = store.suggestions.model(site.name)
    if model is None:
        return {}
    made = store.suggestions.made(site.name, model.model_version, frame_ids)
    return {frame_id: said for frame_id, said in made.items() if said.class_name in site.class_names}


def current_version(store: Store, site: str) -> str:
    """Return the version that the site's model had when it was loaded last; empty before the first time."""
    model = store.suggestions.model(site)
    return model.model_version if model else ""


def ensure_suggester(workspace: Workspace, site: str) -> bool:
    """Start the process that makes suggestions where there is something to do, and tell whether that was so.

    There is one for each site at a time; one that died is replaced a minute after its start at the earliest.
    """
    if not _is_wanted(workspace, site):
        return False
    with workspace.store.transaction():
        if not _is_wanted(workspace, site):
            return False
        argv = [sys.executable, "-m", "workbench", *_KIND.split("-"), "--site", site]
        job = start_job(workspace, _KIND, argv, site=site, actor=_ACTOR)
        assert job.pid is not None
        workspace.store.suggestions.set_suggester(site, Suggester(job.pid, job.started_at, is_ready=False))
    return True


def _is_wanted(workspace: Workspace, site: str) -> bool:
    suggestions = workspace.store.suggestions
    model = suggestions.model(site)
    is_known = model is not None and model.source == source_of(workspace, site)
    has_work = not is_known or bool(suggestions.asked(site, limit=1))
    return has_work and not _is_at_work(suggestions.suggester(site))


def _is_at_work(suggester: Suggester | None) -> bool:
    if suggester is None:
        return False
    is_new = (utc_now() - suggester.born_at).total_seconds() < _RESTART_S
    return is_new or processes.is_running(suggester.pid, suggester.born_at)


def _awaited(workspace: Workspace, site: Site, frame_ids: Collection[str], patience_s: float) -> dict[str, Prediction]:
    """Return suggestions once all are there, or those that are when patience ends; only who is ready is awaited."""
    give_up_at = time.monotonic() + patience_s
    suggester = workspace.store.suggestions.suggester(site.name)
    if suggester is None or not suggester.is_ready or not processes.is_running(suggester.pid, suggester.born_at):
        return {}
    while True:
        made = known_suggestions(workspace.store, site, frame_ids)
        if len(made) == len(frame_ids) or time.monotonic() >= give_up_at:
            return made
        time.sleep(_POLL_S)
