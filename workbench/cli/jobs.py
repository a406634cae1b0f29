"""``workbench jobs``: what runs and what waits, and how to cancel, move, resume and read it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from workbench.cli.console import JsonOption, actor_name, emit, open_workspace
from workbench.domain import JobState, utc_now
from workbench.errors import UsageError

if TYPE_CHECKING:
    from workbench.workflows.jobs import JobStanding

app = typer.Typer(
    help="Jobs: long work in processes of its own. Without a command, list them.", invoke_without_command=True
)

JobArgument = Annotated[int, typer.Argument(help="Number of the job, as `workbench jobs` lists it.")]
LinesOption = Annotated[int, typer.Option("--lines", min=1, help="Show so many lines of the log's end.")]
FollowOption = Annotated[bool, typer.Option("--follow", "-f", help="Go on showing what is added until the job ends.")]
PriorityOption = Annotated[
    int, typer.Option("--priority", help="The highest is started first; 0 is usual.", show_default=False)
]
SHOWN = 30


@app.callback()
def list_jobs(
    context: typer.Context,
    site: Annotated[str | None, typer.Option("--site", help="Jobs of this site alone.")] = None,
    show_all: Annotated[bool, typer.Option("--all", help=f"All jobs, not the newest {SHOWN} alone.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the jobs, newest first; what waits has its place in the queue and what is stalled says so."""
    if context.invoked_subcommand is not None:
        return
    from workbench.workflows.jobs import job_standings

    standings = job_standings(open_workspace(), site)
    shown = standings if show_all else [*standings[:SHOWN], *(one for one in standings[SHOWN:] if one.job.is_open)]
    table = Table(box=None)
    for title in ("job", "kind", "site", "state", "by", "at (UTC)", "device", "priority"):
        table.add_column(title, overflow="fold")
    for one in shown:
        job = one.job
        at = f"{job.started_at:%m-%d %H:%M}"
        table.add_row(
            str(job.id), job.kind, job.site, _state(one), job.started_by, at, job.device, str(job.priority or "")
        )
    emit([_plain(one) for one in shown], as_json, table if shown else "No job yet.")


@app.command()
def cancel(job: JobArgument, as_json: JsonOption = False) -> None:
    """Take a job out of the queue, or end it and all that it started within five seconds."""
    from workbench.workflows.jobs import cancel_job

    ended = cancel_job(open_workspace(), job, actor=actor_name())
    emit(ended, as_json, f"Job {job} ({ended.kind}) is {ended.state}.")


@app.command()
def move(job: JobArgument, priority: PriorityOption, as_json: JsonOption = False) -> None:
    """Give a job that waits another priority."""
    from workbench.workflows.jobs import job_standing, move_job

    workspace = open_workspace()
    standing = job_standing(workspace, move_job(workspace, job, priority=priority, actor=actor_name()))
    emit(_plain(standing), as_json, f"Job {job} has priority {priority} and place {standing.place} in the queue.")


@app.command()
def log(job: JobArgument, follow: FollowOption = False, lines: LinesOption = 40, as_json: JsonOption = False) -> None:
    """Show the end of a job's log."""
    from workbench.workflows.jobs import follow_log, job_log_tail

    workspace = open_workspace()
    if not follow:
        found = workspace.store.jobs.get(job)
        text = job_log_tail(found, lines)
        emit({"job": found.id, "state": found.state, "log": text}, as_json, text.rstrip("\n"))
        return
    if as_json:
        raise UsageError(expected="--follow or --json", found="both", remedy="leave one out")
    for added in follow_log(workspace, job, lines):
        print(added, end="", flush=True)


@app.command()
def resume(job: JobArgument, as_json: JsonOption = False) -> None:
    """Go on with the tuning of a job that failed or was cancelled, from its last checkpoint, as a new job."""
    from workbench.workflows.tune_jobs import resume_job

    started = resume_job(open_workspace(), job, actor=actor_name())
    emit(started, as_json, f"Job {started.id} goes on with the run of job {job}; it is {started.state}.")


@app.command("next")
def start_next(as_json: JsonOption = False) -> None:
    """Look which jobs have ended, and start what waits where a device is free; jobs call this at their end."""
    from workbench.workflows.jobs import refresh_jobs

    refresh_jobs(workspace := open_workspace())
    jobs = workspace.store.jobs
    running, waiting = len(jobs.running()), len(jobs.queued())
    emit({"running": running, "queued": waiting}, as_json, f"{running} jobs run, {waiting} wait.")


def _plain(standing: "JobStanding") -> dict[str, object]:
    return {**asdict(standing.job), "place": standing.place, "stalled": standing.is_stalled}


def _state(standing: "JobStanding") -> str:
    job = standing.job
    if standing.place is not None:
        return f"queued, place {standing.place}"
    if standing.is_stalled:
        return f"stalled: no sign of life for {standing.silent_s:.0f} s"
    if job.state is JobState.RUNNING:
        return f"running for {(utc_now() - job.started_at).total_seconds():.0f} s"
    return f"failed: {job.reason}" if job.reason else str(job.state)
