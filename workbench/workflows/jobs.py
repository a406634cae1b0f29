"""Jobs: started by a face, followed through the database, independent of the process that started them.

How a job ended follows from its exit code and from who asked that it ends, and both are written down before its
process is gone: whoever looks first, be it a poll or the cancel itself, records the same. There is no process that
watches over the queue: every look at the jobs, and every job that had a device at its own end, starts what is next.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from workbench import jobs as processes
from workbench.domain import Job, JobState, utc_now
from workbench.errors import StorageError, TrackingError, UsageError
from workbench.settings import quiet_environment
from workbench.workflows.job_slots import TAKES_A_DEVICE, device_environment, devices, free_devices
from workbench.workflows.workspace import Workspace

__all__ = [
    "JobStanding",
    "cancel_job",
    "follow_log",
    "job_log_tail",
    "job_standing",
    "job_standings",
    "move_job",
    "refresh_jobs",
    "start_job",
]

_FIRST_SIGNAL = 128
"""Exit codes above this one are a shell's for a process that was killed, which had no time to end its MLflow runs."""
_KILLED = 9
_PRIORITIES = range(-1000, 1001)
_TAIL_BYTES = 65_536
_FOLLOW_S = 0.5
_NEXT = (sys.executable, "-m", "workbench", "jobs", "next")


@dataclass(frozen=True)
class JobStanding:
    """A job with its ``place`` in the queue, counted from one; ``is_stalled`` when its process lives and does nothing.

    ``silent_s`` is how long it has given no sign of life: None where it is not running, or never gave one.
    """

    job: Job
    place: int | None
    silent_s: float | None

    @property
    def is_stalled(self) -> bool:
        return self.silent_s is not None and self.silent_s > processes.LEASE_S


def start_job(workspace: Workspace, kind: str, argv: Sequence[str], *, site: str, actor: str, priority: int = 0) -> Job:
    """Start ``argv`` as a job of ``site``: its log lies under ``data/logs`` and its state in the database.

    A kind that takes a device is queued where none is free. UsageError for a priority out of bounds.
    """
    _require_priority(priority)
    log_path = workspace.settings.logs_dir / f"{kind}-{utc_now():%Y%m%dT%H%M%S%f}.log"
    waits = kind in TAKES_A_DEVICE
    with ExitStack() as held_back, workspace.store.transaction():
        job = workspace.store.jobs.add(
            kind=kind, site=site, argv=argv, started_by=actor, log_path=str(log_path), priority=priority
        )
        workspace.store.audit.append(
            actor=actor, action="job.start", subject=str(job.id), detail={"site": site, "argv": list(argv)}
        )
        if not waits:
            job = _launched(workspace, job, held_back)
    if waits:
        refresh_jobs(workspace)
    return workspace.store.jobs.get(job.id) if waits else job


def refresh_jobs(workspace: Workspace, site: str | None = None) -> list[Job]:
    """Return the jobs, newest first, after looking which of those that ran have ended and starting what is next."""
    for job in workspace.store.jobs.running():
        _refreshed(workspace, job)
    _start_next(workspace)
    return workspace.store.jobs.all(site)


def cancel_job(workspace: Workspace, job_id: int, *, actor: str) -> Job:
    """Take a job out of the queue, or end a running one with everything that it started, within five seconds.

    A job that comes to a good end before it can be stopped is done, not cancelled; UsageError when it has ended, or
    cannot be ended, as another account's.
    """
    store = workspace.store
    _refreshed(workspace, store.jobs.get(job_id))
    with store.transaction():
        job = store.jobs.get(job_id)
        if not job.is_open:
            raise UsageError(
                expected=f"job {job_id} to be queued or running", found=job.state.value, remedy="choose an open job"
            )
        asked = replace(job, cancelled_by=actor)
        waited = job.state is JobState.QUEUED
        store.jobs.update(replace(asked, state=JobState.CANCELLED, ended_at=utc_now()) if waited else asked)
        store.audit.append(actor=actor, action="job.cancel", subject=str(job.id), detail={"site": job.site})
    if job.pid is not None:
        processes.stop(job.pid, job.started_at, _name(job))
    refresh_jobs(workspace)
    ended = store.jobs.get(job_id)
    if ended.is_open:
        raise UsageError(
            expected=f"job {job_id} to end when it is asked to, and made to",
            found="processes of it that go on",
            remedy="end it from the account that started it; it counts as cancelled then",
        )
    return ended


def move_job(workspace: Workspace, job_id: int, *, priority: int, actor: str) -> Job:
    """Give a job that waits another priority: the highest is started first; UsageError when it does not wait."""
    _require_priority(priority)
    store = workspace.store
    with store.transaction():
        job = store.jobs.get(job_id)
        if job.state is not JobState.QUEUED:
            raise UsageError(
                expected=f"job {job_id} to be queued", found=job.state.value, remedy="choose a job that waits"
            )
        moved = replace(job, priority=priority)
        store.jobs.update(moved)
        detail = {"site": job.site, "from": job.priority, "to": priority}
        store.audit.append(actor=actor, action="job.move", subject=str(job.id), detail=detail)
    return moved


def job_standings(workspace: Workspace, site: str | None = None) -> list[JobStanding]:
    """Return the jobs, newest first, refreshed, each with its place in the queue and whether it shows life."""
    jobs, places = refresh_jobs(workspace, site), _places(workspace)
    return [_standing(job, places) for job in jobs]


def job_standing(workspace: Workspace, job: Job) -> JobStanding:
    return _standing(job, _places(workspace))


def job_log_tail(job: Job, lines: int = 40) -> str:
    """Return the last lines of the job's log; empty while there is none."""
    try:
        with Path(job.log_path).open("rb") as log:
            return _end_of(log, lines)
    except FileNotFoundError:
        return ""


def follow_log(workspace: Workspace, job_id: int, lines: int = 40) -> Iterator[str]:
    """Yield the end of the job's log and then what is added to it, until the job has come to its end.

    A job that left the queue without having been started has no log.
    """
    job = _seen(workspace, job_id)
    while job.state is JobState.QUEUED:
        time.sleep(_FOLLOW_S)
        job = _seen(workspace, job_id)
    if not Path(job.log_path).exists():
        return
    with Path(job.log_path).open("rb") as log:
        yield _end_of(log, lines)
        while job.is_open:
            time.sleep(_FOLLOW_S)
            job = _seen(workspace, job_id)
            yield log.read().decode("utf-8", "replace")


def _require_priority(priority: int) -> None:
    if priority not in _PRIORITIES:
        raise UsageError(
            expected=f"a priority from {_PRIORITIES[0]} to {_PRIORITIES[-1]}",
            found=str(priority),
            remedy="choose one of these; 0 is usual",
        )


def _end_of(log: BinaryIO, lines: int) -> str:
    log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
    return "".join(log.read().decode("utf-8", "replace").splitlines(keepends=True)[-lines:])


def _seen(workspace: Workspace, job_id: int) -> Job:
    refresh_jobs(workspace)
    return workspace.store.jobs.get(job_id)


def _places(workspace: Workspace) -> dict[int, int]:
    return {job.id: place for place, job in enumerate(workspace.store.jobs.queued(), start=1)}


def _standing(job: Job, places: dict[int, int]) -> JobStanding:
    sign = processes.last_sign_of_life(Path(job.log_path)) if job.state is JobState.RUNNING else None
    return JobStanding(job, places.get(job.id), None if sign is None else (utc_now() - sign).total_seconds())


def _start_next(workspace: Workspace) -> None:
    """Start as many jobs that wait as devices are free; no two callers start the same."""
    store, settings = workspace.store, workspace.settings
    if not store.jobs.queued():
        return
    devices(settings)  # asks the driver once, before everybody else has to wait for it
    with ExitStack() as held_back, store.transaction():
        free = free_devices(settings, [job.device for job in store.jobs.running()])
        for job, device in zip(store.jobs.queued(), free, strict=False):
            _launch_if_it_can(workspace, job, device, held_back)


def _launch_if_it_can(workspace: Workspace, job: Job, device: str, held_back: ExitStack) -> None:
    try:
        _launched(workspace, job, held_back, device)
    except StorageError as error:
        workspace.store.jobs.update(replace(job, state=JobState.FAILED, ended_at=utc_now(), reason=str(error)))


def _launched(workspace: Workspace, job: Job, held_back: ExitStack, device: str = "") -> Job:
    """Start the job's process, which is ``held_back`` until its number is safe in the database.

    ``LOGNAME`` makes the job's own audit events name who started it, not the account that the UI runs under.
    """
    settings, log_path = workspace.settings, Path(job.log_path)
    environment = {
        **quiet_environment(training=True),
        "LOGNAME": job.started_by,
        "PYTHONUNBUFFERED": "1",
        "WORKBENCH_HOME": str(settings.home),
        processes.NAME_VARIABLE: _name(job),
        **(device_environment(settings, device) if device else {}),
    }
    then = _NEXT if device else ()
    pid = held_back.enter_context(processes.launch(job.argv, log_path=log_path, environment=environment, then=then))
    started = replace(job, state=JobState.RUNNING, pid=pid, device=device, started_at=utc_now())
    workspace.store.jobs.update(started)
    return started


def _refreshed(workspace: Workspace, job: Job) -> Job:
    if job.state is not JobState.RUNNING:
        return job
    alive = job.pid is not None and processes.is_running(job.pid, job.started_at, _name(job))
    code = processes.exit_code(Path(job.log_path))
    if alive and code is None:
        return job
    was_killed = code is None or code > _FIRST_SIGNAL
    if was_killed and job.pid is not None:
        processes.stop(job.pid, job.started_at, _name(job))
    with workspace.store.transaction():
        job = workspace.store.jobs.get(job.id)
        if job.state is JobState.RUNNING:
            job = _ended(job, code)
            workspace.store.jobs.update(job)
    if was_killed:
        with suppress(TrackingError, StorageError):
            workspace.tracker.deliver()
    return job


def _ended(job: Job, code: int | None) -> Job:
    unwell = JobState.CANCELLED if job.cancelled_by else JobState.FAILED
    state = JobState.DONE if code == 0 else unwell
    reason = _reason(job, code) if state is JobState.FAILED else ""
    return replace(job, state=state, ended_at=utc_now(), exit_code=code, reason=reason)


def _reason(job: Job, code: int | None) -> str:
    if code is None:
        return "the machine was restarted" if processes.booted_at() > job.started_at else "its process was killed"
    if code == _FIRST_SIGNAL + _KILLED:
        return "it was killed, as the system does when memory runs out"
    return f"it was killed by signal {code - _FIRST_SIGNAL}" if code > _FIRST_SIGNAL else f"it ended with code {code}"


def _name(job: Job) -> str:
    return Path(job.log_path).stem
