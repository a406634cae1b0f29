"""Fetch what people said in Label Studio: what changed since the last time, or everything where that is in doubt.

What changed is told by the time at which a task changed, on Label Studio's clock; a window before the last time is read
again, for clocks that are set and for changes that were under way. Deletions and whatever changed without a new time
show in the number of answers: where it does not add up, everything is read, as it is once a day, when people were
renamed, and when frames came into the catalogue that were answered before. The result is always that of reading
everything.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from workbench.domain import Annotation, utc_now
from workbench.labeling.studio import Studio, StudioTask
from workbench.progress import Progress, silent
from workbench.store import AnsweredTask, PullCursor
from workbench.workflows.task_board import open_studio
from workbench.workflows.task_frames import current_frames
from workbench.workflows.workspace import Workspace

__all__ = ["PullReport", "pull"]

_WINDOW = timedelta(minutes=3)
_ALL_AFTER = timedelta(days=1)
_TRIES = 3


@dataclass(frozen=True)
class PullReport:
    """``annotations`` were found in Label Studio; ``incomplete`` answers lack class or caption and were left there.

    ``tasks_read`` were looked at, which are all that have an answer where ``all_because`` gives a reason. ``untracked``
    says why what people made of suggestions was not kept in MLflow, where that failed.
    """

    annotations: int
    added: int
    changed: int
    removed: int
    incomplete: int
    tasks_read: int
    all_because: str
    untracked: str = ""


@dataclass(frozen=True)
class _Changes:
    added: int = 0
    changed: int = 0
    removed: int = 0

    def __add__(self, other: "_Changes") -> "_Changes":
        return _Changes(self.added + other.added, self.changed + other.changed, self.removed + other.removed)


def pull(
    workspace: Workspace, site: str, *, actor: str, everything: bool = False, progress: Progress = silent
) -> PullReport:
    """Make what people said in Label Studio about the frames of ``site`` the store's annotations.

    With ``everything`` nothing is taken over from the last time.
    """
    known_site = workspace.store.sites.get(site)
    studio = open_studio(workspace)
    project_id = studio.require_project(known_site, workspace.store.labels.project(site))
    with workspace.turn("pull", site):
        report = _Pull(workspace, site, studio, project_id, progress).run(actor, everything=everything)
        if not report.added and not report.changed:
            return report
        from workbench.workflows.prelabel_quality import follow_quality  # loads SciPy

        return replace(report, untracked=follow_quality(workspace, site, studio, project_id, progress))


class _Pull:
    def __init__(self, workspace: Workspace, site: str, studio: Studio, project_id: int, progress: Progress) -> None:
        self._workspace, self._store, self._progress = workspace, workspace.store, progress
        self._site, self._studio, self._project_id = site, studio, project_id
        self._changes, self._tasks_read = _Changes(), 0

    def run(self, actor: str, *, everything: bool) -> PullReport:
        people, now = self._studio.users(), self._studio.now(self._project_id)
        cursor = self._store.pulls.cursor(self._site)
        because = "it was asked for" if everything else self._doubt(cursor, people, now)
        moved = self._moved(cursor, people, now)
        if not because and not self._catch_up(cursor, moved):
            because = "the number of answers did not add up"
        if because:
            self._read_all(moved)
        if self._changes != _Changes():
            detail = asdict(self._changes)
            self._store.audit.append(actor=actor, action="label.pull", subject=self._site, detail=detail)
        _, incomplete = self._store.pulls.totals(self._site)
        return PullReport(
            annotations=self._store.labels.count_annotations(self._site),
            **asdict(self._changes),
            incomplete=incomplete,
            tasks_read=self._tasks_read,
            all_because=because,
        )

    def _doubt(self, cursor: PullCursor | None, people: Mapping[int, str], now: datetime | None) -> str:
        """Return why what changed since ``cursor`` would not be enough; empty where it is."""
        if cursor is None or cursor.read_until is None:
            return "it is the first time"
        if cursor.project_id != self._project_id:
            return "it is another project"
        if any(people.get(user_id, "") != email for user_id, email in cursor.people.items()):
            return "people were renamed, came or went"
        if not timedelta(0) <= utc_now() - cursor.all_read_at < _ALL_AFTER:
            return "a day has gone by"
        if now is not None and now < cursor.read_until - _WINDOW:
            return "Label Studio's clock was set back"
        if self._store.pulls.has_new_frames(self._site):
            return "frames came that were answered before"
        return ""

    def _moved(self, cursor: PullCursor | None, people: Mapping[int, str], now: datetime | None) -> PullCursor:
        """Return the cursor at ``now``, by the server's clock."""
        return PullCursor(
            project_id=self._project_id,
            read_until=now,
            all_read_at=cursor.all_read_at if cursor else utc_now(),
            people={**dict.fromkeys(cursor.people if cursor else (), ""), **people},
            unlisted=cursor.unlisted if cursor else 0,
        )

    def _catch_up(self, cursor: PullCursor | None, moved: PullCursor) -> bool:
        """Bring in what changed since ``cursor``, again where people answer meanwhile; tell whether it adds up."""
        if cursor is None or cursor.read_until is None:
            return False
        since = cursor.read_until - _WINDOW
        for _ in range(_TRIES):
            answered = self._studio.answered(self._project_id, since, self._progress)
            emptied = self._studio.unanswered(self._project_id, since)
            tasks = [task for task in answered if task.task_id not in emptied]
            with self._store.transaction():
                numbers = self._store.pulls.annotation_ids(self._site, {*emptied, *(task.task_id for task in tasks)})
                found = {annotation.annotation_id for task in tasks for annotation in task.annotations}
                self._apply(tasks, emptied, self._store.labels.annotations(self._site, numbers | found))
                self._store.pulls.set_cursor(self._site, moved)
            if self._unlisted() == moved.unlisted:
                return True
        return False

    def _read_all(self, moved: PullCursor) -> None:
        """Bring in everything, and what people answer meanwhile."""
        moved = replace(moved, all_read_at=utc_now(), unlisted=0)
        tasks = self._studio.answered(self._project_id, progress=self._progress)
        with self._store.transaction():
            gone = self._store.pulls.task_ids(self._site) - {task.task_id for task in tasks}
            self._apply(tasks, gone, self._store.labels.annotations(self._site))
            self._store.pulls.set_cursor(self._site, moved)
        if self._unlisted() and not self._catch_up(moved, moved):
            self._store.pulls.set_cursor(self._site, replace(moved, unlisted=self._unlisted()))

    def _unlisted(self) -> int:
        """Return how many answers the server counts that were in no task that was read."""
        answers, _ = self._store.pulls.totals(self._site)
        return self._studio.count_answers(self._project_id) - answers

    def _apply(self, tasks: Sequence[StudioTask], emptied: Collection[int], before: Sequence[Annotation]) -> None:
        """Make what ``tasks`` say, and what ``emptied`` tasks do not say any more, of the annotations ``before``."""
        named = {task.task_id: task.frame_id for task in tasks}
        frames = current_frames(self._store, self._site, self._project_id, named)
        ours = [task.about(frames[task.task_id]) for task in tasks if task.task_id in frames]
        found = {annotation.annotation_id: annotation for task in ours for annotation in task.annotations}
        known = {annotation.annotation_id: annotation for annotation in before}
        put = [annotation for number, annotation in found.items() if known.get(number) != annotation]
        gone = known.keys() - found.keys()
        self._store.labels.change_annotations(self._site, put, gone)
        self._store.pulls.forget(self._site, [*emptied, *(task.task_id for task in tasks if not task.answers)])
        self._store.pulls.put(self._site, [_as_read(task, frames) for task in tasks if task.answers])
        added = len(found.keys() - known.keys())
        self._changes += _Changes(added=added, changed=len(put) - added, removed=len(gone))
        self._tasks_read += len(tasks) + len(emptied)


def _as_read(task: StudioTask, frames: Mapping[int, str]) -> AnsweredTask:
    is_ours = task.task_id in frames
    return AnsweredTask(
        task_id=task.task_id,
        frame_id=task.frame_id,
        annotation_ids=tuple(annotation.annotation_id for annotation in task.annotations) if is_ours else (),
        answers=task.answers,
        incomplete=task.incomplete,
        is_ours=is_ours,
    )
