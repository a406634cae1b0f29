"""Long work that runs in processes of its own."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, insert, select, update

from workbench.domain import Job, JobState, utc_now
from workbench.errors import NotFoundError
from workbench.store.database import Database
from workbench.store.tables import jobs


class Jobs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, *, kind: str, site: str, argv: Sequence[str], started_by: str, log_path: str) -> Job:
        values = {
            "kind": kind,
            "site": site,
            "argv": list(argv),
            "state": JobState.RUNNING.value,
            "started_by": started_by,
            "started_at": utc_now(),
            "log_path": log_path,
        }
        with self._database.transaction() as connection:
            row = connection.execute(insert(jobs).values(values).returning(jobs)).one()
        return _job(row)

    def update(self, job: Job) -> None:
        """Overwrite what is known of ``job``."""
        values = {**asdict(job), "argv": list(job.argv)}
        self._database.write(update(jobs).where(jobs.c.id == job.id).values(values))

    def get(self, job_id: int) -> Job:
        for row in self._database.rows(select(jobs).where(jobs.c.id == job_id)):
            return _job(row)
        raise NotFoundError(
            expected="the number of a job", found=str(job_id), remedy="look at the jobs of the site in the UI"
        )

    def all(self, site: str | None = None) -> list[Job]:
        """Return the jobs, newest first."""
        query = select(jobs).order_by(jobs.c.id.desc())
        if site is not None:
            query = query.where(jobs.c.site == site)
        return [_job(row) for row in self._database.rows(query)]


def _job(row: Row[Any]) -> Job:
    return Job(**{**row._mapping, "argv": tuple(row.argv), "state": JobState(row.state)})
