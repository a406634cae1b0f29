"""Long work in processes of its own."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Job", "JobState"]


class JobState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Job:
    """Long work in a process (group) of its own, started by a face and followed through the database.

    ``cancelled_by`` asked that it ends; until it has, the job is still running.
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
