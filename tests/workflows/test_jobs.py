"""Jobs live in processes of their own: they end by themselves, are cancelled whole, and are never mixed up."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from tests.evaluation.conftest import base_dir, harbour
from tests.promotion.conftest import _mlflow, empty_mlflow
from workbench import jobs as processes
from workbench.domain import Job, JobState, Site
from workbench.errors import DatasetError, NotFoundError, RecipeError, StorageError, UsageError
from workbench.workflows.jobs import cancel_job, job_log_tail, refresh_jobs, start_job, start_tune_job
from workbench.workflows.workspace import Workspace

__all__ = ["_mlflow", "base_dir", "empty_mlflow", "harbour"]

PATIENCE_S = 300.0
SPAWNS_A_CHILD = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(child.pid, flush=True); time.sleep(600)"
)


OPENS_A_RUN = """
import time
from workbench.workflows.workspace import Workspace
with Workspace.open().tracker.run("yard", "left open", kind="tune") as run:
    print(run.id, flush=True)
    time.sleep(600)
"""
RECIPE = "lora: {r: 2}\ntraining: {max_steps: 100000, per_device_train_batch_size: 2, eval_steps: 100000}\n"

StartJob = Callable[[str], Job]


@pytest.fixture
def start(workspace: Workspace, yard: Site) -> Iterator[StartJob]:
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


def kill(job: Job) -> None:
    """End the job's processes as an operating system that is out of memory does."""
    leader = psutil.Process(job.pid)
    for process in [leader, *leader.children(recursive=True)]:
        process.kill()


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
    kill(job)
    after = ended(workspace, job)
    assert (after.state, after.exit_code) == (JobState.FAILED, None)


def test_a_poll_in_the_middle_of_a_cancel_sees_no_other_outcome(workspace: Workspace, start: StartJob) -> None:
    job = start(SPAWNS_A_CHILD)
    with ThreadPoolExecutor() as pool:
        cancelling = pool.submit(cancel_job, workspace, job.id, actor="ada")
        seen = {refresh_jobs(workspace)[0].state}
        while not cancelling.done():
            seen.add(refresh_jobs(workspace)[0].state)
    assert seen <= {JobState.RUNNING, JobState.CANCELLED}
    assert (cancelling.result().state, cancelling.result().cancelled_by) == (JobState.CANCELLED, "ada")
    assert refresh_jobs(workspace) == [cancelling.result()]


def test_a_job_that_ends_well_before_it_can_be_stopped_is_done(
    workspace: Workspace, start: StartJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = start(f"import pathlib, time\nwhile not pathlib.Path({str(tmp_path / 'go')!r}).exists(): time.sleep(0.05)")

    def too_late(*process: object) -> None:
        (tmp_path / "go").touch()
        wait_until(lambda: processes.exit_code(Path(job.log_path)) is not None)

    monkeypatch.setattr(processes, "stop", too_late)
    after = cancel_job(workspace, job.id, actor="ada")
    assert (after.state, after.exit_code) == (JobState.DONE, 0)
    assert refresh_jobs(workspace) == [after]


def test_a_job_that_cannot_be_started_leaves_nothing(workspace: Workspace, start: StartJob) -> None:
    workspace.settings.logs_dir.parent.mkdir(parents=True, exist_ok=True)
    workspace.settings.logs_dir.touch()
    with pytest.raises(StorageError, match="the job's log"):
        start("pass")
    assert refresh_jobs(workspace) == []
    assert workspace.store.audit.events() == []


def test_the_runs_that_a_killed_job_left_open_are_ended(workspace: Workspace, start: StartJob) -> None:
    job = start(OPENS_A_RUN)
    wait_until(lambda: job_log_tail(job).strip())
    with workspace.tracker.run("yard", "of nobody", kind="tune") as other:
        kill(job)
        assert ended(workspace, job).state is JobState.FAILED
        states = {run.id: run.state for run in workspace.tracker.runs("yard")}
    assert states == {job_log_tail(job).strip(): "KILLED", other.id: "RUNNING"}


def test_a_tuning_job_shows_life_in_its_log_and_a_cancel_ends_its_run(harbour: Workspace, tmp_path: Path) -> None:
    recipe = tmp_path / "long.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    job = start_tune_job(harbour, recipe, site="harbour", actor="ada")
    try:
        wait_until(lambda: "training steps: " in job_log_tail(job) or refresh_jobs(harbour)[0] != job)
    finally:
        cancelled = cancel_job(harbour, job.id, actor="ada")
    assert cancelled.state is JobState.CANCELLED
    lines = job_log_tail(job).splitlines()
    assert lines[0] == "loading the base model: begun"
    assert any(line.endswith("of 100000, begun") for line in lines)
    (run,) = harbour.tracker.runs("harbour")
    assert (run.state, run.tags["workbench.job"]) == ("KILLED", Path(job.log_path).stem)
    assert run.ended_at is not None
    assert not harbour.settings.adapters_dir.exists()


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
