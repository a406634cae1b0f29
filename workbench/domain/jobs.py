"""Long work in processes of its own."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Job", "JobState"]


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Job:
    """Long work in a process (group) of its own, started by a face and followed through the database.

    A job that waits is started by ``priority``, highest first, and then in the order of ``id``; ``started_at`` is when
    it was put there as long as it waits. ``device`` is the one that it was given for itself, empty where it needs none
    or still waits for one. ``cancelled_by`` asked that it ends; until it has, the job is still running. ``reason``
    says why a job failed.
    """

    id: int
    kind: str
    site: str
    argv: tuple[str, ...]
    state: JobState
    started_by: str
    started_at: datetime
    log_path: str
    pid: int | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    cancelled_by: str | None = None
    priority: int = 0
    device: str = ""
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Tell whether the job has yet to come to its end."""
        return self.state in (JobState.QUEUED, JobState.RUNNING)
