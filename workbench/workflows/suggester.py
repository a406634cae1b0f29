"""Make the suggestions that labellers wait for, in a process of its own that keeps its model at hand for a while."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.domain import Prediction, Site
from workbench.errors import LabelStudioError, StorageError
from workbench.jobs import born_at
from workbench.progress import Progress, silent
from workbench.store import Suggester
from workbench.workflows.connect import connect
from workbench.workflows.prelabel import PreLabeller
from workbench.workflows.suggesting import current_version, known_suggestions
from workbench.workflows.workspace import Workspace

__all__ = ["SuggestReport", "suggest_asked"]

_FRAMES_AT_ONCE = 4
_LOOK_S = 0.1


@dataclass(frozen=True)
class SuggestReport:
    """``suggested`` frames got the current model's suggestion; ``unreadable`` ones have no picture any more."""

    model_version: str
    suggested: int
    unreadable: int


def suggest_asked(
    workspace: Workspace, site: str, *, actor: str, linger_s: float, progress: Progress = silent
) -> SuggestReport:
    """Work off the frames that Label Studio asked for, the last ones first, until none has come for ``linger_s``.

    A second call for the same site waits for the first. A change of the site's model or classes is followed.
    """
    known_site = workspace.store.sites.get(site)
    with workspace.turn("suggest", site):
        return _Suggester(workspace, known_site, actor).run(linger_s, progress)


class _Suggester:
    def __init__(self, workspace: Workspace, site: Site, actor: str) -> None:
        self._workspace, self._site, self._actor = workspace, site, actor
        self._suggested = self._unreadable = 0

    def run(self, linger_s: float, progress: Progress) -> SuggestReport:
        suggestions = self._workspace.store.suggestions
        guesser = self._load()
        idle_since_s = time.monotonic()
        while True:
            if not guesser.is_current:
                guesser = self._load()
            if asked := suggestions.asked(self._site.name, _FRAMES_AT_ONCE):
                self._suggest(guesser, asked)
                progress(self._suggested, None, "suggestions made")
                idle_since_s = time.monotonic()
            elif time.monotonic() - idle_since_s >= linger_s and suggestions.retire(self._site.name):
                return SuggestReport(guesser.load(), self._suggested, self._unreadable)
            else:
                time.sleep(_LOOK_S)

    def _load(self) -> PreLabeller:
        """Load the site's model as it is now, say that it is at hand, and have its suggestions shown."""
        store, site = self._workspace.store, self._site.name
        before, self._site = current_version(store, site), store.sites.get(site)
        guesser = PreLabeller(self._workspace, self._site)
        version = guesser.load()
        store.suggestions.set_suggester(site, Suggester(os.getpid(), born_at(os.getpid()), is_ready=True))
        if before and before != version and self._shown() == before:
            self._show()
        return guesser

    def _shown(self) -> str:
        """Return whose suggestions labellers start from, which need not be a model's."""
        store, site = self._workspace.store, self._site.name
        project_id = store.labels.project(site)
        shown = store.reactions.shown(site, project_id) if project_id is not None else []
        return shown[-1].model_version if shown else ""

    def _show(self) -> None:
        """Tell Label Studio of a version that is new; where it cannot be told, the next push does."""
        try:
            connect(self._workspace, self._site.name, actor=self._actor)
        except LabelStudioError as error:
            print(error, flush=True)

    def _suggest(self, guesser: PreLabeller, frame_ids: Sequence[str]) -> None:
        store, site = self._workspace.store, self._site
        known = known_suggestions(store, site, frame_ids)
        missing = [frame_id for frame_id in frame_ids if frame_id not in known]
        guesses = self._guess(guesser, missing)
        with store.transaction():
            store.labels.add_predictions(site.name, guesses)
            store.suggestions.settle(site.name, frame_ids)
        self._suggested += len(guesses)
        self._unreadable += len(missing) - len(guesses)

    def _guess(self, guesser: PreLabeller, frame_ids: Sequence[str]) -> list[Prediction]:
        """Return what the model says about frames, but those whose pictures cannot be read."""
        try:
            return list(guesser.guess(frame_ids)) if frame_ids else []
        except StorageError:
            if len(frame_ids) == 1:
                return []
            return [guess for frame_id in frame_ids for guess in self._guess(guesser, [frame_id])]
