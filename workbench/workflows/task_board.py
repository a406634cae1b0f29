"""A site's tasks in Label Studio, as found there, and the additions that the labelling workflows make to them."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import TypeVar

from workbench.domain import Answer, LabelTask, Prediction, Site
from workbench.labeling.connection import until_certain
from workbench.labeling.studio import NewTask, Studio, StudioTask
from workbench.labeling.task_list import by_frame
from workbench.progress import Progress
from workbench.workflows.images import ImageLinks
from workbench.workflows.prelabel import PreLabeller
from workbench.workflows.task_frames import current_frames
from workbench.workflows.workspace import Workspace

__all__ = ["TaskBoard", "open_studio"]

_CHUNK_FRAMES = 250
_GUESSED_AT_ONCE = 50
_LONGEST_CHUNK_S = 10.0

_Said = TypeVar("_Said")


def open_studio(workspace: Workspace) -> Studio:
    """Return the workspace's Label Studio; LabelStudioError when there is no token for it."""
    return Studio(workspace.settings.labelstudio_url, workspace.settings.labelstudio_token.get_secret_value())


class TaskBoard:
    """A site's project as it was found in Label Studio, and the additions to it.

    Additions are made in chunks; after each one the store knows what the server has. An addition that nobody answered
    for is looked for there before it is made again.
    """

    def __init__(self, workspace: Workspace, site: Site, studio: Studio, project_id: int) -> None:
        self.site, self.studio, self.project_id = site, studio, project_id
        self.tasks: dict[str, StudioTask] = {}
        self.twins_removed = 0
        self.interface_restored = False
        self._every: list[StudioTask] = []
        self._n_found = 0
        self._workspace = workspace
        self._links = ImageLinks(workspace.settings)

    @classmethod
    @contextmanager
    def held(cls, workspace: Workspace, site: str, progress: Progress) -> Iterator["TaskBoard"]:
        """Read the board and keep others of this workspace from adding to it: two would make every task twice.

        What another workspace made twice in the same project, at the same time, is mended here.
        """
        with workspace.turn("label", site):
            board = cls.read(workspace, site, progress)
            board.remove_twins(progress)
            yield board

    @classmethod
    def read(cls, workspace: Workspace, site: str, progress: Progress) -> "TaskBoard":
        """Find or make the project and read its tasks; the store learns which came and went."""
        known_site = workspace.store.sites.get(site)
        studio = open_studio(workspace)
        known_project = workspace.store.labels.project(site)
        found = studio.find_project(known_site, known_project)
        project_id = studio.ensure_project(known_site, workspace.store.sites.taxonomy(site), known_project)
        board = cls(workspace, known_site, studio, project_id)
        board.interface_restored = found is not None and not found.is_as_written
        board.read_again(progress)
        return board

    def read_again(self, progress: Progress) -> None:
        """Read the tasks that there are now."""
        self._every = self.studio.every_task(self.project_id, progress)
        self._n_found = len(self._every)
        named = {task.task_id: task.frame_id for task in self._every}
        frames = current_frames(self._workspace.store, self.site.name, self.project_id, named)
        self._every = [task.about(frames[task.task_id]) for task in self._every if task.task_id in frames]
        self.tasks = by_frame(self._every)
        self._remember()

    def remove_twins(self, progress: Progress) -> None:
        """Remove tasks about frames that another task asks about as well, unless somebody has touched them.

        Of each frame's tasks the oldest stays that has an answer, or the oldest of all; and those that say something
        that it does not.
        """
        by_frame_id: defaultdict[str, list[StudioTask]] = defaultdict(list)
        for task in self._every:
            by_frame_id[task.frame_id].append(task)
        answered_first = [sorted(tasks, key=lambda one: one.answers == 0) for tasks in by_frame_id.values()]
        twins = [task.task_id for kept, *others in answered_first for task in others if kept.says_all_of(task)]
        if twins:
            self.studio.remove_untouched(self.project_id, twins)
            self.read_again(progress)
            self.twins_removed += len(set(twins) - {task.task_id for task in self._every})

    def create(
        self,
        answers: Mapping[str, Sequence[Answer]],
        reasons: Mapping[str, str],
        guesser: PreLabeller | None,
        progress: Progress,
    ) -> None:
        """Make a task of each frame in ``answers``, in that order, with what people said about it already.

        Where there are other tasks afterwards than were found and made, as when a request of a run that was killed was
        still being carried out, those made twice are removed.
        """
        done = 0
        for chunk, guesses in _chunks(list(answers), guesser):
            new = {
                frame_id: NewTask(
                    frame_id,
                    self._links.sign(frame_id),
                    reasons[frame_id],
                    guesses.get(frame_id),
                    tuple(answers[frame_id]),
                )
                for frame_id in chunk
            }
            task_ids = self._make(new)
            with self._workspace.store.transaction():
                self._workspace.store.labels.add_predictions(self.site.name, list(guesses.values()))
                self._workspace.store.labels.add_tasks(
                    self.site.name,
                    [LabelTask(frame_id, task_ids[frame_id], self.project_id, reasons[frame_id]) for frame_id in chunk],
                )
            done += len(chunk)
            progress(done, len(answers), "tasks created")
        if done and self.studio.count_tasks(self.project_id) != self._n_found + done:
            self.read_again(progress)
            self.remove_twins(progress)

    def guess_unanswered(self, guesser: PreLabeller, progress: Progress) -> int:
        """Give the current model's guess to the tasks found without it and without an answer; return how many.

        A guess that Label Studio has and the store has not, as a run was killed between them, is made for the store.
        """
        open_tasks = {frame_id: task.task_id for frame_id, task in self.tasks.items() if not task.annotations}
        if not open_tasks:
            return 0
        version = guesser.model_version
        told = {frame_id for frame_id in open_tasks if version in self.tasks[frame_id].model_versions}
        kept = self._workspace.store.suggestions.made(self.site.name, version, told).keys()
        unguessed = [frame_id for frame_id in open_tasks if frame_id not in kept]
        done = 0
        for chunk, guesses in _chunks(unguessed, guesser):
            untold = {open_tasks[frame_id]: guess for frame_id, guess in guesses.items() if frame_id not in told}
            self._guess(untold, version)
            self._workspace.store.labels.add_predictions(self.site.name, list(guesses.values()))
            done += len(chunk)
            progress(done, len(unguessed), "frames pre-labelled again")
        return len(unguessed)

    def renew_image_urls(self, progress: Progress) -> int:
        """Sign anew the URLs found that expire soon or lead elsewhere; return how many."""
        stale = [task for task in self.tasks.values() if self._links.is_stale(task.image_url, task.frame_id)]
        self.studio.renew_image_urls(
            {task.task_id: (task.frame_id, self._links.sign(task.frame_id)) for task in stale}, progress
        )
        return len(stale)

    def add_once(self, said: Mapping[int, _Said], source: str, add: Callable[[Mapping[int, _Said]], None]) -> None:
        """Do ``add`` with what ``source`` said, by task number, so that each task gets it once."""
        missing = dict(said)

        def look() -> None:
            for task in self.studio.every_task(self.project_id):
                if source in task.model_versions:
                    missing.pop(task.task_id, None)

        until_certain(lambda: add(missing) if missing else None, look)

    def without_given(self, answers: Mapping[str, Sequence[Answer]]) -> dict[str, list[Answer]]:
        """Return the ``answers`` by frame id that no task found has, or had from a file before somebody changed it."""
        asked = {frame_id: said for frame_id, said in answers.items() if frame_id in self.tasks}
        new = {frame_id: list(said) for frame_id, said in answers.items() if frame_id not in asked}
        unknown = self._workspace.store.labels.without_imported(self.site.name, self.project_id, asked)
        for frame_id, said in unknown.items():
            given = [annotation.answer for annotation in self.tasks[frame_id].annotations]
            if missing := [answer for answer in said if answer not in given]:
                new[frame_id] = missing
        return new

    def _make(self, new: Mapping[str, NewTask]) -> dict[str, int]:
        """Make ``new`` tasks, by frame id, each once, and return their numbers."""
        made: dict[str, int] = {}

        def make() -> None:
            missing = [task for frame_id, task in new.items() if frame_id not in made]
            if missing:
                task_ids = self.studio.add_tasks(self.project_id, missing)
                made.update(zip((task.frame_id for task in missing), task_ids, strict=True))

        def look() -> None:
            found = self.studio.tasks(self.project_id)
            made.update({frame_id: found[frame_id].task_id for frame_id in new if frame_id in found})

        until_certain(make, look)
        return made

    def _guess(self, guesses: Mapping[int, Prediction], version: str) -> None:
        """Add what one model version said, by task number."""
        self.add_once(guesses, version, lambda missing: self.studio.add_predictions(self.project_id, missing))

    def _remember(self) -> None:
        """Tell the store which tasks came and went."""
        store, site = self._workspace.store, self.site.name
        known = store.labels.tasks(site)
        found = [
            LabelTask(frame_id, task.task_id, self.project_id, "found in Label Studio")
            for frame_id, task in self.tasks.items()
            if frame_id not in known or known[frame_id].task_id != task.task_id
        ]
        with store.transaction():
            store.labels.set_project(site, self.project_id)
            store.labels.remove_tasks(site, known.keys() - self.tasks.keys())
            store.labels.add_tasks(site, found)


def _chunks(frame_ids: Sequence[str], guesser: PreLabeller | None) -> Iterator[tuple[list[str], dict[str, Prediction]]]:
    """Yield the frames, some at a time, with what is guessed about them.

    A chunk ends early where guessing takes long: labellers need not wait for it, and a kill loses little.
    """
    chunk, guesses, began_s = list[str](), dict[str, Prediction](), time.monotonic()
    guessed = guesser.guesses(frame_ids, at_once=_GUESSED_AT_ONCE) if guesser else repeat(None)
    for place, (frame_id, guess) in enumerate(zip(frame_ids, guessed, strict=False), start=1):
        chunk.append(frame_id)
        guesses |= {frame_id: guess} if guess else {}
        is_late = place % _GUESSED_AT_ONCE == 0 and time.monotonic() - began_s > _LONGEST_CHUNK_S
        if is_late or len(chunk) == _CHUNK_FRAMES:
            yield chunk, guesses
            chunk, guesses, began_s = [], {}, time.monotonic()
    if chunk:
        yield chunk, guesses
