"""How far fetching answers has come: a cursor for each site, and the tasks that had answers when it stood there."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, exists, func, select

from workbench.store.database import Database
from workbench.store.tables import answered_tasks, frames, label_tasks, pull_cursors

__all__ = ["AnsweredTask", "PullCursor", "Pulls"]


@dataclass(frozen=True)
class PullCursor:
    """All changes before ``read_until`` were read, by the server's clock, and everything at ``all_read_at``, by ours.

    ``people`` are the e-mail addresses, by user number, under which answers were stored; empty of who has left.
    ``unlisted`` answers are counted by the server and were in no task when all were read.
    """

    project_id: int
    read_until: datetime | None
    all_read_at: datetime
    people: Mapping[int, str]
    unlisted: int


@dataclass(frozen=True)
class AnsweredTask:
    """A task as it was read last: ``answers`` that it had, ``annotation_ids`` of those that are stored.

    ``frame_id`` is what the task itself says; it ``is_ours`` when its frame was in the catalogue.
    """

    task_id: int
    frame_id: str
    annotation_ids: tuple[int, ...]
    answers: int
    incomplete: int
    is_ours: bool


class Pulls:
    def __init__(self, database: Database) -> None:
        self._database = database

    def cursor(self, site: str) -> PullCursor | None:
        for row in self._database.rows(select(pull_cursors).where(pull_cursors.c.site == site)):
            people = {int(user_id): email for user_id, email in row.people.items()}
            return PullCursor(row.project_id, row.read_until, row.all_read_at, people, row.unlisted)
        return None

    def set_cursor(self, site: str, cursor: PullCursor) -> None:
        people = {str(user_id): email for user_id, email in cursor.people.items()}
        self._database.insert(pull_cursors, [{"site": site, **asdict(cursor), "people": people}], overwrite=True)

    def put(self, site: str, tasks: Sequence[AnsweredTask]) -> None:
        """Remember ``tasks`` as they were read now."""
        rows = [{"site": site, **asdict(task), "annotation_ids": list(task.annotation_ids)} for task in tasks]
        self._database.insert(answered_tasks, rows, overwrite=True)

    def forget(self, site: str, task_ids: Iterable[int]) -> None:
        """Forget tasks that are gone, or have no answer any more."""
        of_task = (answered_tasks.c.site == site, answered_tasks.c.task_id == bindparam("of_task"))
        self._database.write_each(delete(answered_tasks).where(*of_task), [{"of_task": one} for one in task_ids])

    def task_ids(self, site: str) -> set[int]:
        rows = self._database.rows(select(answered_tasks.c.task_id).where(answered_tasks.c.site == site))
        return {row.task_id for row in rows}

    def annotation_ids(self, site: str, task_ids: Collection[int]) -> set[int]:
        """Return the numbers of the stored annotations that these tasks had when they were read last."""
        query = select(answered_tasks.c.annotation_ids).where(answered_tasks.c.site == site)
        rows = self._database.rows_among(query, answered_tasks.c.task_id, task_ids)
        return {annotation_id for row in rows for annotation_id in row.annotation_ids}

    def totals(self, site: str) -> tuple[int, int]:
        """Return how many answers the server had, and how many incomplete ones to frames of the catalogue."""
        ours = func.sum(answered_tasks.c.incomplete).filter(answered_tasks.c.is_ours)
        query = select(func.sum(answered_tasks.c.answers).label("answers"), ours.label("incomplete")).where(
            answered_tasks.c.site == site
        )
        (sums,) = self._database.rows(query)
        return sums.answers or 0, sums.incomplete or 0

    def has_new_frames(self, site: str) -> bool:
        """Tell whether frames came into the catalogue that were answered before."""
        named = and_(frames.c.site == answered_tasks.c.site, frames.c.id == answered_tasks.c.frame_id)
        asked = and_(label_tasks.c.site == answered_tasks.c.site, label_tasks.c.task_id == answered_tasks.c.task_id)
        query = (
            select(answered_tasks.c.task_id)
            .where(answered_tasks.c.site == site, ~answered_tasks.c.is_ours)
            .where(exists().where(named) | exists().where(asked))
            .limit(1)
        )
        return bool(self._database.rows(query))
