"""Jobs live in processes of their own: they end by themselves, are cancelled whole, and are never mixed up."""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import psutil
import pytest

from workbench.domain import Job, JobState, Site
from workbench.errors import DatasetError, NotFoundError, RecipeError, UsageError
from workbench.workflows.jobs import cancel_job, job_log_tail, refresh_jobs, start_job, start_tune_job
from workbench.workflows.workspace import Workspace

PATIENCE_S = 60.0
SPAWNS_A_CHILD = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(child.pid, flush=True); time.sleep(600)"
)


@pytest.fixture
def start(workspace: Workspace, yard: Site) -> Iterator:
    started: list[Job] = []

    def start_python(code: str) -> Job:
        job = start_job(workspace, "test", [sys.executable, "-c", code], site=yard.name, actor="ada")
        started.append(job)
        return job

    yield start_python
    for job in refresh_jobs(workspace):
        if job.state is JobState.RUNNING:
            cancel_job(workspace, job.id, actor="ada")


def wait_until(condition) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def ended(workspace: Workspace, job: Job) -> Job:
    wait_until(lambda: refresh_jobs(workspace)[0].state is not JobState.RUNNING)
    return workspace.store.jobs.get(job.id)


@pytest.mark.parametrize(("code", "state"), [(0, JobState.DONE), (3, JobState.FAILED)])
def test_a_job_that_ends_is_seen_with_its_exit_code_and_log(workspace, start, code: int, state: JobState) -> None:
    job = start(f"print('a line'); raise SystemExit({code})")
    assert job.state is JobState.RUNNING
    after = ended(workspace, job)
    assert (after.state, after.exit_code) == (state, code)
    assert after.ended_at is not None
    assert job_log_tail(after) == "a line\n"


def test_a_job_runs_without_telemetry_in_the_workspace_and_in_a_session_of_its_own(workspace, start) -> None:
    names = ("WORKBENCH_HOME", "MLFLOW_DISABLE_TELEMETRY", "MALLOC_TOP_PAD_")
    job = start(f"import os; print([os.environ.get(n) for n in {names}]); print(os.getsid(0) == {os.getsid(0)})")
    ended(workspace, job)
    assert job_log_tail(job) == f"{[str(workspace.settings.home), 'true', '268435456']}\nFalse\n"


def test_cancelling_ends_the_whole_group(workspace, start) -> None:
    job = start(SPAWNS_A_CHILD)
    wait_until(lambda: job_log_tail(job).strip())
    child = psutil.Process(int(job_log_tail(job)))
    cancelled = cancel_job(workspace, job.id, actor="ada")
    assert cancelled.state is JobState.CANCELLED
    assert not psutil.pid_exists(job.pid)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert refresh_jobs(workspace)[0].state is JobState.CANCELLED
    assert [event.action for event in workspace.store.audit.events()][-2:] == ["job.start", "job.cancel"]
    with pytest.raises(UsageError, match="cancelled"):
        cancel_job(workspace, job.id, actor="ada")


def test_a_job_that_was_killed_is_failed(workspace, start) -> None:
    job = start("import time; time.sleep(600)")
    for process in [*psutil.Process(job.pid).children(recursive=True), psutil.Process(job.pid)]:
        process.kill()
    after = ended(workspace, job)
    assert (after.state, after.exit_code) == (JobState.FAILED, None)


def test_another_process_with_the_same_id_is_not_taken_for_the_job(workspace, start) -> None:
    job = start("import time; time.sleep(600)")
    stale = workspace.store.jobs.add(kind="test", site="yard", argv=["x"], started_by="ada", log_path="none.log")
    workspace.store.jobs.update(replace(stale, pid=job.pid, started_at=stale.started_at - timedelta(hours=1)))
    assert [found.state for found in refresh_jobs(workspace)] == [JobState.FAILED, JobState.RUNNING]
    assert psutil.pid_exists(job.pid)


def test_a_tuning_job_is_checked_before_it_starts(workspace, yard, tmp_path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("training: {max_steps: 1}\n")
    with pytest.raises(RecipeError, match="max_stepz"):
        start_tune_job(workspace, recipe, site="yard", overrides=["training.max_stepz=2"], actor="ada")
    with pytest.raises(NotFoundError):
        start_tune_job(workspace, recipe, site="nowhere", actor="ada")
    with pytest.raises(DatasetError):
        start_tune_job(workspace, recipe, site="yard", actor="ada")
    assert refresh_jobs(workspace) == []
