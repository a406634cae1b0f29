"""Tuning as a job: what can be checked at once is checked before it waits for a device."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.domain import Job, JobState
from workbench.errors import UsageError
from workbench.recipe import Recipe
from workbench.recipe_file import load_any_recipe
from workbench.search_recipe import SearchRecipe
from workbench.workflows.jobs import refresh_jobs, start_job
from workbench.workflows.kept_text import keep_text
from workbench.workflows.run_kinds import TUNE, TUNE_SEARCH
from workbench.workflows.workspace import Workspace

if TYPE_CHECKING:
    from workbench.tracking import RunSummary

__all__ = [
    "TUNE_JOBS",
    "preflight_of",
    "resumable_run",
    "resume_job",
    "run_of_job",
    "start_preflight_job",
    "start_tune_job",
]

_WORKBENCH = (sys.executable, "-m", "workbench")
_TUNE, _RESUME = "tune", "--resume"
_HERE, _THERE = TUNE_JOBS = ("tune", "cluster-tune")
"""Kinds of jobs that tune: on a device of this machine, and in the cluster's queue, which they wait in themselves."""
_SOON = 10
"""Priority of a preflight: it takes a minute, and somebody waits for what it finds."""


def start_tune_job(
    workspace: Workspace,
    recipe_path: Path,
    *,
    site: str,
    overrides: Sequence[str] = (),
    actor: str,
    priority: int = 0,
    in_cluster: bool = False,
) -> Job:
    """Queue ``workbench tune`` by the recipe and on the site's newest dataset version, both as they now are.

    It waits for a device here, or in the cluster (without priorities).
    """
    recipe, command = _planned(workspace, recipe_path, site, overrides)
    kind = _HERE
    if in_cluster:
        has_workers = isinstance(recipe, Recipe) and recipe.launcher == "ray"
        needs = ["--cpus", "0"] if has_workers else ["--device"]
        command, kind = ["cluster", "run", *needs, "--", *command], _THERE
    return start_job(workspace, kind, [*_WORKBENCH, *command], site=site, actor=actor, priority=priority)


def start_preflight_job(
    workspace: Workspace, recipe_path: Path, *, site: str, overrides: Sequence[str] = (), actor: str
) -> Job:
    """Queue ``workbench tune --preflight``, whose finding is the job's last words."""
    _, command = _planned(workspace, recipe_path, site, overrides)
    argv = [*_WORKBENCH, *command, "--preflight", "--json"]
    return start_job(workspace, "tune-preflight", argv, site=site, actor=actor, priority=_SOON)


def preflight_of(job: Job) -> dict[str, Any] | None:
    """Return what a preflight job found, the JSON object in its log; None where it came to no finding."""
    if job.state is not JobState.DONE:
        return None
    try:
        text = Path(job.log_path).read_text(encoding="utf-8", errors="replace")
        begin = re.search(r"^\{$", text, re.MULTILINE)
        found = json.JSONDecoder().raw_decode(text[begin.start() :])[0] if begin else None
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def resume_job(workspace: Workspace, job_id: int, *, actor: str) -> Job:
    """Queue the rest of the tuning run that a failed or cancelled job left behind, where that job ran.

    Raises UsageError when the job still goes on, ended well, or has no run that was stopped, and when another job is
    about to go on with that run.
    """
    refresh_jobs(workspace)
    job = workspace.store.jobs.get(job_id)
    run = resumable_run(workspace, job)
    if run is None:
        raise UsageError(
            expected=f"job {job_id} to be a tuning that failed or was cancelled after its run had begun",
            found=f"{job.kind}, {job.state}",
            remedy="choose the newest job of a run that was stopped, or tune anew",
        )
    with workspace.turn("resume", job.site):
        _require_resumed_by_nobody(workspace, job.site, run.id)
        launcher = job.argv[: job.argv.index(_TUNE)] if job.kind == _THERE else _WORKBENCH
        argv = [*launcher, _TUNE, _RESUME, run.id]
        return start_job(workspace, job.kind, argv, site=job.site, actor=actor, priority=job.priority)


def resumable_run(workspace: Workspace, job: Job) -> "RunSummary | None":
    """Return the stopped run that ``job`` was the last to work on; None where there is none to go on with."""
    if job.kind not in TUNE_JOBS or job.state not in (JobState.FAILED, JobState.CANCELLED):
        return None
    run = run_of_job(workspace, job)
    return run if run is not None and run.state in ("FAILED", "KILLED") else None


def run_of_job(workspace: Workspace, job: Job) -> "RunSummary | None":
    """Return the MLflow run that ``job`` works or worked on; None where it opened none, or another took it over."""
    name = Path(job.log_path).stem
    runs = workspace.tracker.runs(job.site, TUNE, TUNE_SEARCH)
    return next((run for run in runs if run.job == name), None)


def _require_resumed_by_nobody(workspace: Workspace, site: str, run_id: str) -> None:
    for other in workspace.store.jobs.all(site):
        if other.is_open and other.argv[-2:] == (_RESUME, run_id):
            raise UsageError(
                expected=f"run {run_id[:12]} to be resumed by no other job",
                found=f"job {other.id}, which is {other.state}",
                remedy="wait for that one, or cancel it first",
            )


def _planned(
    workspace: Workspace, recipe_path: Path, site: str, overrides: Sequence[str]
) -> tuple[Recipe | SearchRecipe, list[str]]:
    """Check the recipe and return it with the command that tunes by it, whatever becomes of its file in the queue."""
    recipe = load_any_recipe(recipe_path, overrides)
    workspace.store.sites.get(site)
    version = workspace.store.datasets.latest(site)
    path = workspace.settings.data_dir / "recipes" / recipe.digest[:12] / Path(recipe_path).name
    chosen = [part for override in overrides for part in ("--set", override)]
    return recipe, [_TUNE, str(keep_text(path, recipe.to_yaml())), "--site", site, "--dataset", version.id, *chosen]
