"""Long work that runs in processes of its own, and the queue of what is to run."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, Select, insert, select, update

from workbench.domain import Job, JobState, utc_now
from workbench.errors import NotFoundError
from workbench.store.database import Database
from workbench.store.tables import jobs


class Jobs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, *, kind: str, site: str, argv: Sequence[str], started_by: str, log_path: str, priority: int = 0
    ) -> Job:
        """Put a job at the end of the queue."""
        values = {
            "kind": kind,
            "site": site,
            "argv": list(argv),
            "state": JobState.QUEUED.value,
            "started_by": started_by,
            "started_at": utc_now(),
            "log_path": log_path,
            "priority": priority,
        }
        with self._database.transaction() as connection:
            row = connection.execute(insert(jobs).values(values).returning(jobs)).one()
        return _job(row)

    def update(self, job: Job) -> None:
        """Overwrite what is known of ``job``."""
        values = {**asdict(job), "argv": list(job.argv)}
        self._database.write(update(jobs).where(jobs.c.id == job.id).values(values))

    def get(self, job_id: int) -> Job:
        for job in self._found(select(jobs).where(jobs.c.id == job_id)):
            return job
        raise NotFoundError(
            expected="the number of a job", found=str(job_id), remedy="look it up with `workbench jobs` or in the UI"
        )

    def all(self, site: str | None = None) -> list[Job]:
        """Return the jobs, newest first."""
        query = select(jobs).order_by(jobs.c.id.desc())
        return self._found(query if site is None else query.where(jobs.c.site == site))

    def running(self) -> list[Job]:
        """Return the jobs of all sites that were started and not yet seen to end, oldest first."""
        return self._found(select(jobs).where(jobs.c.state == JobState.RUNNING.value).order_by(jobs.c.id))

    def queued(self) -> list[Job]:
        """Return the jobs of all sites that wait, in the order in which they will be started."""
        waiting = select(jobs).where(jobs.c.state == JobState.QUEUED.value)
        return self._found(waiting.order_by(jobs.c.priority.desc(), jobs.c.id))

    def _found(self, query: Select[Any]) -> list[Job]:
        return [_job(row) for row in self._database.rows(query)]


def _job(row: Row[Any]) -> Job:
    return Job(**{**row._mapping, "argv": tuple(row.argv), "state": JobState(row.state)})
