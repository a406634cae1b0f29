"""A site's tasks in Label Studio, as found there, and the additions that the labelling workflows make to them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from workbench.domain import Answer, LabelTask, Site
from workbench.labeling.studio import NewTask, Studio, StudioTask
from workbench.progress import Progress
from workbench.store import turn
from workbench.workflows.images import ImageLinks
from workbench.workflows.prelabel import PreLabeller
from workbench.workflows.workspace import Workspace

__all__ = ["TaskBoard", "by_current_frame", "open_studio"]

_CHUNK_FRAMES = 128


def open_studio(workspace: Workspace) -> Studio:
    """Return the workspace's Label Studio; LabelStudioError when there is no token for it."""
    return Studio(workspace.settings.labelstudio_url, workspace.settings.labelstudio_token.get_secret_value())


def by_current_frame(workspace: Workspace, site: str, found: Mapping[str, StudioTask]) -> dict[str, StudioTask]:
    """Return those of the tasks ``found`` that ask about the site's frames, by the frame's present id.

    A still that was covered by a mask has another id since; its task names the old one until it is told.
    """
    ours = workspace.store.footage.known(site, found)
    by_task = {task.task_id: frame_id for frame_id, task in workspace.store.labels.tasks(site).items()}
    current = {frame_id if frame_id in ours else by_task.get(task.task_id): task for frame_id, task in found.items()}
    return {frame_id: task.about(frame_id) for frame_id, task in current.items() if frame_id}


class TaskBoard:
    """A site's project as it was found in Label Studio, and the additions to it.

    Additions are made in chunks; after each one the store knows what the server has.
    """

    def __init__(self, workspace: Workspace, site: Site, studio: Studio, project_id: int) -> None:
        self.site, self.studio, self.project_id = site, studio, project_id
        self.tasks: dict[str, StudioTask] = {}
        self._workspace = workspace
        self._links = ImageLinks(workspace.settings)

    @classmethod
    @contextmanager
    def held(cls, workspace: Workspace, site: str, progress: Progress) -> Iterator["TaskBoard"]:
        """Read the board and keep others of this workspace from adding to it: two would make every task twice."""
        with turn(workspace.settings.run_dir / f"label-{site}.lock"):
            yield cls.read(workspace, site, progress)

    @classmethod
    def read(cls, workspace: Workspace, site: str, progress: Progress) -> "TaskBoard":
        """Find or make the project and read its tasks; the store learns which came and went."""
        known_site = workspace.store.sites.get(site)
        studio = open_studio(workspace)
        project_id = studio.ensure_project(known_site, workspace.store.labels.project(site))
        board = cls(workspace, known_site, studio, project_id)
        board.tasks = by_current_frame(workspace, site, studio.tasks(project_id, progress=progress))
        known = workspace.store.labels.tasks(site)
        with workspace.store.transaction():
            workspace.store.labels.set_project(site, project_id)
            workspace.store.labels.remove_tasks(site, known.keys() - board.tasks.keys())
            workspace.store.labels.add_tasks(
                site,
                [
                    LabelTask(frame_id, task.task_id, project_id, "found in Label Studio")
                    for frame_id, task in board.tasks.items()
                    if frame_id not in known or known[frame_id].task_id != task.task_id
                ],
            )
        return board

    def create(
        self,
        answers: Mapping[str, Sequence[Answer]],
        reason: str,
        guesser: PreLabeller | None,
        progress: Progress,
    ) -> None:
        """Make a task of each frame in ``answers`` with what people said about it already."""
        frame_ids = list(answers)
        for start in range(0, len(frame_ids), _CHUNK_FRAMES):
            chunk = frame_ids[start : start + _CHUNK_FRAMES]
            guesses = guesser.guess(chunk) if guesser else {}
            new = [
                NewTask(frame_id, self._links.sign(frame_id), reason, guesses.get(frame_id), tuple(answers[frame_id]))
                for frame_id in chunk
            ]
            task_ids = self.studio.add_tasks(self.project_id, new)
            with self._workspace.store.transaction():
                self._workspace.store.labels.add_predictions(self.site.name, list(guesses.values()))
                self._workspace.store.labels.add_tasks(
                    self.site.name,
                    [
                        LabelTask(frame_id, task_id, self.project_id, reason)
                        for frame_id, task_id in zip(chunk, task_ids, strict=True)
                    ],
                )
            progress(start + len(chunk), len(frame_ids), "tasks created")

    def answer(self, answers: Mapping[str, Sequence[Answer]], progress: Progress) -> None:
        """Submit what people said about frames, by frame id, that have a task already."""
        for place in range(max((len(said) for said in answers.values()), default=0)):
            nth = {self.tasks[frame_id].task_id: said[place] for frame_id, said in answers.items() if place < len(said)}
            self.studio.create_annotations(nth, progress)

    def guess_unanswered(self, guesser: PreLabeller, progress: Progress) -> int:
        """Give the current model's guess to the tasks found without it and without an answer; return how many."""
        open_tasks = {frame_id: task.task_id for frame_id, task in self.tasks.items() if not task.annotations}
        if not open_tasks:
            return 0
        version = guesser.model_version
        unguessed = [frame_id for frame_id in open_tasks if version not in self.tasks[frame_id].model_versions]
        for start in range(0, len(unguessed), _CHUNK_FRAMES):
            chunk = unguessed[start : start + _CHUNK_FRAMES]
            guesses = guesser.guess(chunk)
            self.studio.add_predictions(
                self.project_id, {open_tasks[frame_id]: guess for frame_id, guess in guesses.items()}
            )
            self._workspace.store.labels.add_predictions(self.site.name, list(guesses.values()))
            progress(start + len(chunk), len(unguessed), "frames pre-labelled again")
        return len(unguessed)

    def renew_image_urls(self, progress: Progress) -> int:
        """Sign anew the URLs found that expire soon or lead elsewhere; return how many."""
        stale = [task for task in self.tasks.values() if self._links.is_stale(task.image_url, task.frame_id)]
        self.studio.renew_image_urls(
            {task.task_id: (task.frame_id, self._links.sign(task.frame_id)) for task in stale}, progress
        )
        return len(stale)

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
