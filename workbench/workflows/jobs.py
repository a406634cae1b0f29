"""Jobs: started by a face, followed through the database, independent of the process that started them.

How a job ended follows from its exit code and from who asked that it ends, and both are written down before its
process is gone: whoever looks first, be it a poll or the cancel itself, records the same.
"""

import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from workbench import jobs as processes
from workbench.domain import Job, JobState, utc_now
from workbench.errors import UsageError
from workbench.recipe import load_recipe
from workbench.settings import quiet_environment
from workbench.workflows.workspace import Workspace

__all__ = ["cancel_job", "job_log_tail", "refresh_jobs", "start_job", "start_tune_job"]

_FIRST_SIGNAL = 128
"""Exit codes above this one are a shell's for a process that was killed, which had no time to end its MLflow runs."""


def start_tune_job(
    workspace: Workspace, recipe_path: Path, *, site: str, overrides: Sequence[str] = (), actor: str
) -> Job:
    """Start ``workbench tune`` in a process of its own; what can be checked at once is checked before."""
    load_recipe(recipe_path, overrides)
    workspace.store.sites.get(site)
    workspace.store.datasets.latest(site)
    chosen = [part for override in overrides for part in ("--set", override)]
    argv = [sys.executable, "-m", "workbench", "tune", str(Path(recipe_path).resolve()), "--site", site, *chosen]
    return start_job(workspace, "tune", argv, site=site, actor=actor)


def start_job(workspace: Workspace, kind: str, argv: Sequence[str], *, site: str, actor: str) -> Job:
    """Start ``argv`` as a job of ``site``: its log lies under ``data/logs`` and its state in the database.

    ``LOGNAME`` makes the job's own audit events name ``actor``, not the account that the UI runs under.
    """
    settings = workspace.settings
    log_path = settings.logs_dir / f"{kind}-{utc_now():%Y%m%dT%H%M%S%f}.log"
    environment = {
        **quiet_environment(training=True),
        "LOGNAME": actor,
        "PYTHONUNBUFFERED": "1",
        "WORKBENCH_HOME": str(settings.home),
        "WORKBENCH_JOB": log_path.stem,
    }
    with workspace.store.transaction():
        job = workspace.store.jobs.add(kind=kind, site=site, argv=argv, started_by=actor, log_path=str(log_path))
        job = replace(job, pid=processes.launch(argv, log_path=log_path, environment=environment))
        workspace.store.jobs.update(job)
        workspace.store.audit.append(
            actor=actor, action="job.start", subject=str(job.id), detail={"site": site, "argv": list(argv)}
        )
    return job


def refresh_jobs(workspace: Workspace, site: str | None = None) -> list[Job]:
    """Return the jobs, newest first, after looking which of those that ran have ended.

    TrackingError when MLflow does not let the runs of a killed job be ended; the next look tries again.
    """
    return [_refreshed(workspace, job) for job in workspace.store.jobs.all(site)]


def cancel_job(workspace: Workspace, job_id: int, *, actor: str) -> Job:
    """End a running job and everything that it started; UsageError when it is not running.

    A job that comes to a good end before it can be stopped is done, not cancelled.
    """
    job = _refreshed(workspace, workspace.store.jobs.get(job_id))
    if job.state is not JobState.RUNNING or job.pid is None:
        raise UsageError(expected=f"job {job_id} to be running", found=job.state.value, remedy="choose a running job")
    with workspace.store.transaction():
        workspace.store.jobs.update(replace(workspace.store.jobs.get(job_id), cancelled_by=actor))
        workspace.store.audit.append(actor=actor, action="job.cancel", subject=str(job.id), detail={"site": job.site})
    processes.stop(job.pid, job.started_at)
    return _refreshed(workspace, workspace.store.jobs.get(job_id))


def job_log_tail(job: Job, lines: int = 40) -> str:
    """Return the last lines of the job's log; empty while there is none."""
    try:
        with Path(job.log_path).open(encoding="utf-8", errors="replace") as log:
            return "".join(deque(log, maxlen=lines))
    except FileNotFoundError:
        return ""


def _refreshed(workspace: Workspace, job: Job) -> Job:
    if job.state is not JobState.RUNNING:
        return job
    alive = job.pid is not None and processes.is_running(job.pid, job.started_at)
    code = processes.exit_code(Path(job.log_path))
    if alive and code is None:
        return job
    if code is None or code > _FIRST_SIGNAL:
        workspace.tracker.end_runs_of(job.site, Path(job.log_path).stem)
    with workspace.store.transaction():
        job = workspace.store.jobs.get(job.id)
        if job.state is JobState.RUNNING:
            job = replace(job, state=_outcome(job, code), ended_at=utc_now(), exit_code=code)
            workspace.store.jobs.update(job)
    return job


def _outcome(job: Job, code: int | None) -> JobState:
    if code == 0:
        return JobState.DONE
    return JobState.CANCELLED if job.cancelled_by else JobState.FAILED
