"""Commands in the cluster's queue: as here, and ended with the job that follows them."""

import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from workbench.cli import app
from workbench.domain import Job, JobState
from workbench.errors import UsageError
from workbench.settings import Settings
from workbench.workflows.jobs import cancel_job, job_log_tail, refresh_jobs
from workbench.workflows.remote import run_on_cluster
from workbench.workflows.tune_jobs import resume_job, start_tune_job
from workbench.workflows.workspace import Workspace

LONG = """
lora: {r: 2}
training: {max_steps: 100000, per_device_train_batch_size: 2, eval_steps: 1000, save_steps: 0}
"""
PATIENCE_S = 120


def test_a_command_prints_and_ends_there_as_it_does_here(dock: Workspace) -> None:
    said: list[str] = []
    assert run_on_cluster(dock, ["site", "list", "--json"], actor="ada", say=said.append) == 0
    assert '"dock"' in "".join(said)
    said.clear()
    assert run_on_cluster(dock, ["evaluate", "--site", "nowhere"], actor="ada", say=said.append) == 2
    assert "nowhere" in "".join(said)


def test_the_machines_are_listed(dock: Workspace) -> None:
    shown = CliRunner().invoke(app, ["cluster", "show", "--json"], catch_exceptions=False)
    assert shown.output.count('"cores": 1') == 2


def test_a_cancelled_job_ends_on_the_cluster_too(dock: Workspace, tmp_path: Path) -> None:
    recipe = tmp_path / "long.yaml"
    recipe.write_text(LONG, encoding="utf-8")
    job = start_tune_job(dock, recipe, site="dock", actor="ada", in_cluster=True)
    assert job.state is JobState.RUNNING, "it waits for no device here"
    trains(job)
    [run] = dock.tracker.runs("dock", "tune")
    assert (run.state, run.job) == ("RUNNING", Path(job.log_path).stem), job_log_tail(job)
    cancel(dock, job, run.id)

    going_on = resume_job(dock, job.id, actor="ada")
    trains(going_on)
    assert going_on.kind == job.kind
    assert f"as {Path(going_on.log_path).stem}" in job_log_tail(going_on), "it goes on in the cluster"
    assert [one.id for one in dock.tracker.runs("dock", "tune")] == [run.id]
    cancel(dock, going_on, run.id)


def trains(job: Job) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while "training steps" not in job_log_tail(job):
        assert time.monotonic() < give_up_at, job_log_tail(job)
        time.sleep(0.5)


def cancel(dock: Workspace, job: Job, run_id: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    assert cancel_job(dock, job.id, actor="lin").state is JobState.CANCELLED
    while dock.tracker.get(run_id).state == "RUNNING" and time.monotonic() < give_up_at:
        refresh_jobs(dock)
        time.sleep(0.5)
    assert dock.tracker.get(run_id).state == "KILLED"


@pytest.fixture(autouse=True)
def dashboard_answers(ray_address: str) -> None:
    """The head's queue opens some seconds after the head itself."""
    from ray.job_submission import JobSubmissionClient

    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        try:
            JobSubmissionClient(ray_address)
            return
        except (ConnectionError, RuntimeError):
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.5)


def test_a_machine_with_another_database_is_refused_and_no_password_travels(
    dock: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in dock.settings.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings.load().places == dock.settings.places
    monkeypatch.setenv("WORKBENCH_DATABASE_URL", "postgresql://ada:secret@elsewhere/workbench")
    with pytest.raises(UsageError, match="every machine of the cluster"):
        Settings.load()
    monkeypatch.delenv("WORKBENCH_SENT_FROM")
    elsewhere = Settings.load()
    assert "secret" not in str(elsewhere.environment())
    monkeypatch.setenv("WORKBENCH_DATABASE_URL", "postgresql://ada:other@elsewhere/workbench")
    assert Settings.load().places == elsewhere.places
