"""Jobs live in processes of their own: they end by themselves, are cancelled whole, and are never mixed up."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from tests.evaluation.conftest import base_dir, harbour
from tests.promotion.conftest import _mlflow, empty_mlflow
from workbench import jobs as processes
from workbench.cli import app
from workbench.domain import Job, JobState, Site, utc_now
from workbench.errors import DatasetError, NotFoundError, RecipeError, StorageError, UsageError
from workbench.recipe_file import load_any_recipe
from workbench.settings import Settings
from workbench.tracking.journal import Journal, Opening
from workbench.workflows.job_slots import devices, free_devices
from workbench.workflows.jobs import (
    cancel_job,
    follow_log,
    job_log_tail,
    job_standing,
    move_job,
    refresh_jobs,
    start_job,
)
from workbench.workflows.tune_jobs import resume_job, start_preflight_job, start_tune_job
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

WAITS = "import time; time.sleep(600)"
BREAKS_AWAY = """
import subprocess, sys, time
child = subprocess.Popen(
    [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"],
    start_new_session=True,
)
print(child.pid, flush=True)
time.sleep(600)
"""
SHOWS_LIFE = """
import time
from workbench.cli.console import open_workspace
open_workspace()
time.sleep(600)
"""

StartJob = Callable[..., Job]


@pytest.fixture
def start(workspace: Workspace, yard: Site) -> Iterator[StartJob]:
    def start_python(code: str, kind: str = "test", **options: int) -> Job:
        return start_job(workspace, kind, [sys.executable, "-c", code], site=yard.name, actor="ada", **options)

    yield start_python
    for job in workspace.store.jobs.queued() + refresh_jobs(workspace):
        if workspace.store.jobs.get(job.id).is_open:
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


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def ended(workspace: Workspace, job: Job) -> Job:
    wait_until(lambda: not refresh_jobs(workspace)[0].is_open)
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
    assert is_gone(child)
    assert refresh_jobs(workspace)[0].state is JobState.CANCELLED
    assert [event.action for event in workspace.store.audit.events()][-2:] == ["job.start", "job.cancel"]
    with pytest.raises(UsageError, match="cancelled"):
        cancel_job(workspace, job.id, actor="ada")


def test_cancelling_ends_what_left_the_group_and_will_not_listen(workspace: Workspace, start: StartJob) -> None:
    job = start(BREAKS_AWAY)
    wait_until(lambda: job_log_tail(job).strip())
    child = psutil.Process(int(job_log_tail(job)))
    assert os.getsid(child.pid) != job.pid
    assert cancel_job(workspace, job.id, actor="ada").state is JobState.CANCELLED
    assert is_gone(child)


def test_a_job_that_was_killed_is_failed_and_leaves_no_process(workspace: Workspace, start: StartJob) -> None:
    job = start(SPAWNS_A_CHILD)
    wait_until(lambda: job_log_tail(job).strip())
    child = psutil.Process(int(job_log_tail(job)))
    psutil.Process(job.pid).kill()
    after = ended(workspace, job)
    assert (after.state, after.exit_code, after.reason) == (JobState.FAILED, None, "its process was killed")
    assert is_gone(child)


def test_a_job_that_the_machine_did_not_survive_says_so(
    workspace: Workspace, start: StartJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = start(WAITS)
    kill(job)
    monkeypatch.setattr(processes, "booted_at", utc_now)
    assert ended(workspace, job).reason == "the machine was restarted"


def test_a_starter_that_dies_before_it_wrote_the_number_down_has_started_nothing(tmp_path: Path) -> None:
    log_path, told = tmp_path / "job.log", tmp_path / "told"
    argv = [sys.executable, "-c", f"open({str(told)!r}, 'w')"]
    with pytest.raises(ZeroDivisionError), processes.launch(argv, log_path=log_path, environment=os.environ) as pid:
        raise ZeroDivisionError
    wait_until(lambda: not processes.is_running(pid, utc_now()))
    assert not told.exists()


def test_one_job_at_a_time_has_the_device_and_the_next_follows_by_itself(workspace: Workspace, start: StartJob) -> None:
    first, second, urgent = start("pass", "tune"), start(WAITS, "tune"), start("pass", "evaluate", priority=5)
    light = start("pass")
    assert [job.state for job in (first, second, urgent)] == [JobState.RUNNING, JobState.QUEUED, JobState.QUEUED]
    assert light.state is JobState.RUNNING
    assert [job_standing(workspace, job).place for job in (first, urgent, second)] == [None, 1, 2]
    wait_until(lambda: workspace.store.jobs.get(second.id).state is JobState.RUNNING)
    assert workspace.store.jobs.get(urgent.id).state is JobState.DONE
    assert {job.device for job in workspace.store.jobs.running()} <= {"cpu", ""}


def test_the_queue_is_put_in_another_order_and_left(workspace: Workspace, start: StartJob) -> None:
    holder, early, late = (start(WAITS, "tune") for _ in range(3))
    move_job(workspace, late.id, priority=1, actor="ada")
    assert [job.id for job in workspace.store.jobs.queued()] == [late.id, early.id]
    left = cancel_job(workspace, late.id, actor="ada")
    assert (left.state, left.pid, left.cancelled_by) == (JobState.CANCELLED, None, "ada")
    events = [(event.action, event.subject) for event in workspace.store.audit.events()]
    assert events[-2:] == [("job.move", str(late.id)), ("job.cancel", str(late.id))]
    with pytest.raises(UsageError, match="to be queued"):
        move_job(workspace, holder.id, priority=1, actor="ada")
    cancel_job(workspace, holder.id, actor="ada")
    assert workspace.store.jobs.get(early.id).state is JobState.RUNNING


def test_two_who_look_at_once_start_the_next_job_once(workspace: Workspace, start: StartJob, tmp_path: Path) -> None:
    """The lookers are processes, as the UI and a command are."""
    started = tmp_path / "started"
    holder = start(WAITS, "tune")
    job = start(f"open({str(started)!r}, 'a').write('once ')\n{WAITS}", "tune")
    look = [sys.executable, "-m", "workbench", "jobs", "next"]
    kill(holder)
    environment = {**os.environ, "WORKBENCH_HOME": str(workspace.settings.home)}
    lookers = [subprocess.Popen(look, env=environment, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [looker.wait(PATIENCE_S) for looker in lookers] == [0] * 4
    wait_until(started.exists)
    time.sleep(0.2)
    assert started.read_text() == "once "
    assert workspace.store.jobs.get(job.id).state is JobState.RUNNING


def test_a_slow_job_is_told_from_one_that_does_nothing_any_more(workspace: Workspace, start: StartJob) -> None:
    job = start(SHOWS_LIFE)
    log_path = Path(job.log_path)
    assert not job_standing(workspace, job).is_stalled
    wait_until(lambda: processes.last_sign_of_life(log_path))
    assert not job_standing(workspace, job).is_stalled
    for process in (leader := psutil.Process(job.pid), *leader.children()):
        process.suspend()
    os.utime(log_path.with_name(f"{log_path.name}.alive"), times=(0, 0))
    assert job_standing(workspace, job).is_stalled
    assert refresh_jobs(workspace)[0].state is JobState.RUNNING
    assert cancel_job(workspace, job.id, actor="ada").state is JobState.CANCELLED


def test_a_look_finds_the_job_of_a_starter_that_was_killed(workspace: Workspace, yard: Site) -> None:
    code = f"""
import os, signal, sys
from workbench.workflows.jobs import start_job
from workbench.workflows.workspace import Workspace
for _ in range(2):
    start_job(Workspace.open(), "tune", [sys.executable, "-c", {WAITS!r}], site="yard", actor="ada")
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "WORKBENCH_HOME": str(workspace.settings.home)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == -signal.SIGKILL
    waiting, running = refresh_jobs(workspace)
    assert (waiting.state, running.state) == (JobState.QUEUED, JobState.RUNNING)
    for job in (waiting, running):
        assert cancel_job(workspace, job.id, actor="ada").state is JobState.CANCELLED


def test_the_command_lists_moves_cancels_and_reads_jobs(workspace: Workspace, start: StartJob) -> None:
    def run(*arguments: str) -> str:
        environment = {"WORKBENCH_HOME": str(workspace.settings.home)}
        return CliRunner().invoke(app, ["jobs", *arguments], env=environment, catch_exceptions=False).stdout

    assert run() == "No job yet.\n"
    holder, waiting = start(f"print('a line', flush=True)\n{WAITS}", "tune"), start(WAITS, "tune")
    assert json.loads(run("move", str(waiting.id), "--priority", "3", "--json"))["place"] == 1
    listed = json.loads(run("--json"))
    assert [(job["id"], job["state"], job["place"]) for job in listed] == [
        (waiting.id, "queued", 1),
        (holder.id, "running", None),
    ]
    assert "queued, place 1" in run()
    wait_until(lambda: "a line" in run("log", str(holder.id)))
    assert json.loads(run("cancel", str(waiting.id), "--json"))["state"] == "cancelled"
    with ThreadPoolExecutor() as pool:
        following = pool.submit(lambda: "".join(follow_log(workspace, holder.id)))
        assert "is cancelled" in run("cancel", str(holder.id))
        assert following.result() == "a line\n"
    assert run("next") == "0 jobs run, 0 wait.\n"


@pytest.mark.parametrize(
    ("named", "visible", "found"),
    [
        ("", "", ["cpu"]),
        ("", "2,3", ["2", "3"]),
        ("0, 1+2", None, ["0", "1+2"]),
        ("cpu,cpu", "0", ["cpu", "cpu"]),
    ],
)
def test_the_devices_are_those_that_are_named_or_seen(
    named: str, visible: str | None, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    settings = Settings(devices=named)
    assert devices(settings) == found
    assert free_devices(settings, [found[0]]) == found[1:]


def test_a_job_sees_its_device_alone(workspace: Workspace, yard: Site) -> None:
    settings = workspace.settings.model_copy(update={"devices": "3,1+2"})
    two = replace(workspace, settings=settings)
    code = "import os; print(os.environ['CUDA_VISIBLE_DEVICES'], os.environ['WORKBENCH_DEVICES'])"
    jobs = [start_job(two, "tune", [sys.executable, "-c", code], site="yard", actor="ada") for _ in range(2)]
    wait_until(lambda: not workspace.store.jobs.running() or not refresh_jobs(two))
    assert [job_log_tail(job) for job in jobs] == ["3 3,1+2\n", "1,2 3,1+2\n"]


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


def test_a_job_that_cannot_be_ended_is_not_told_to_have(
    workspace: Workspace, start: StartJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = start(WAITS)
    with monkeypatch.context() as patched:
        patched.setattr(processes, "stop", lambda *process: None)
        with pytest.raises(UsageError, match="processes of it that go on"):
            cancel_job(workspace, job.id, actor="ada")
    assert cancel_job(workspace, job.id, actor="ada").state is JobState.CANCELLED


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
        expected = {job_log_tail(job).strip(): "KILLED", other.id: "RUNNING"}
        # The system may let the killed process's journal go a moment after the process itself; the next look delivers.
        wait_until(lambda: {run.id: run.state for run in workspace.tracker.runs("yard")} == expected)


def test_a_killed_job_is_failed_while_mlflow_is_away(
    workspace: Workspace, start: StartJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = "http://127.0.0.1:9"
    job = start(WAITS)
    opening = Opening("f" * 32, away, ends_run=True)
    Journal.begin(workspace.settings.home / "mlruns" / "undelivered", opening).close(remove=False)
    kill(job)
    without_mlflow = replace(workspace, settings=workspace.settings.model_copy(update={"mlflow_tracking_uri": away}))
    assert ended(without_mlflow, job).state is JobState.FAILED
    assert without_mlflow.tracker.undelivered().keys() == {"f" * 32}


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
    assert (run.name, run.state, run.tags["workbench.job"]) == ("long", "KILLED", Path(job.log_path).stem)
    assert run.ended_at is not None
    assert not harbour.settings.adapters_dir.exists()


def test_another_process_with_the_same_id_is_not_taken_for_the_job(workspace, start) -> None:
    job = start(WAITS)
    stale = workspace.store.jobs.add(kind="test", site="yard", argv=["x"], started_by="ada", log_path="none.log")
    an_hour_ago = stale.started_at - timedelta(hours=1)
    workspace.store.jobs.update(replace(stale, state=JobState.RUNNING, pid=job.pid, started_at=an_hour_ago))
    assert [found.state for found in refresh_jobs(workspace)] == [JobState.FAILED, JobState.RUNNING]
    assert psutil.pid_exists(job.pid)


def test_a_clock_that_is_set_ends_no_job(workspace: Workspace, start: StartJob) -> None:
    """A process's start is told by the machine's clock, and moves with it."""
    job = start(WAITS)
    workspace.store.jobs.update(replace(job, started_at=job.started_at - timedelta(hours=1)))
    assert refresh_jobs(workspace)[0].state is JobState.RUNNING
    assert cancel_job(workspace, job.id, actor="ada").state is JobState.CANCELLED
    assert not psutil.pid_exists(job.pid)


def test_an_exit_code_that_was_lost_with_the_machine_holds_up_no_look(workspace: Workspace, start: StartJob) -> None:
    job = start(WAITS)
    kill(job)
    Path(f"{job.log_path}.exit").touch()
    assert ended(workspace, job).state is JobState.FAILED


def test_a_session_of_after_the_restart_is_not_the_jobs(tmp_path: Path) -> None:
    """A daemon's session bears the number of a process that is gone, as that of a job may be."""
    code = f"import subprocess; print(subprocess.Popen([{sys.executable!r}, '-c', {WAITS!r}]).pid, flush=True)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True) as leader:
        daemon = psutil.Process(int(leader.stdout.readline()))
    before_the_restart = processes.booted_at() - timedelta(hours=1)
    try:
        assert os.getsid(daemon.pid) == leader.pid
        processes.stop(leader.pid, before_the_restart, "tune-long-ago")
        assert not is_gone(daemon)
        processes.stop(leader.pid, utc_now(), "tune-of-today")
        assert is_gone(daemon)
    finally:
        if daemon.is_running():
            daemon.kill()


def test_following_a_job_that_was_never_started_ends(workspace: Workspace, start: StartJob) -> None:
    start(WAITS, "tune")
    waiting = start(WAITS, "tune")
    cancel_job(workspace, waiting.id, actor="ada")
    assert list(follow_log(workspace, waiting.id)) == []


def test_a_priority_out_of_bounds_is_one_sentence(workspace: Workspace, start: StartJob) -> None:
    start(WAITS, "tune")
    waiting = start(WAITS, "tune")
    with pytest.raises(UsageError, match="a priority from -1000 to 1000"):
        move_job(workspace, waiting.id, priority=10**20, actor="ada")
    with pytest.raises(UsageError, match="a priority from -1000 to 1000"):
        start(WAITS, "tune", priority=-1001)
    assert workspace.store.jobs.queued() == [waiting]


def test_a_queued_tuning_is_the_one_that_was_checked_when_it_was_queued(harbour: Workspace, tmp_path: Path) -> None:
    recipe, override = tmp_path / "gentle.yaml", "lora.r=2"
    recipe.write_text("training: {max_steps: 7, learning_rate: 1e-5}\n")
    checked = load_any_recipe(recipe, [override])
    holder = start_job(harbour, "tune", [sys.executable, "-c", WAITS], site="harbour", actor="ada")
    queued = start_tune_job(harbour, recipe, site="harbour", overrides=[override], actor="ada")
    recipe.write_text("training: {max_steps: 900, learning_rate: 1.0}\n")
    changed = start_preflight_job(harbour, recipe, site="harbour", actor="ada")
    for job in (queued, changed, holder):
        cancel_job(harbour, job.id, actor="ada")

    kept = Path(queued.argv[4])
    assert queued.argv[5:] == (
        *("--site", "harbour", "--dataset", harbour.store.datasets.latest("harbour").id),
        *("--set", override),
    )
    assert kept.name == recipe.name, "the run's name in MLflow"
    assert load_any_recipe(kept, [override]).digest == checked.digest
    assert Path(changed.argv[4]) != kept
    assert [path.name for path in kept.parent.iterdir()] == [recipe.name]


def test_a_recipe_that_cannot_be_kept_queues_no_job(harbour: Workspace, tmp_path: Path) -> None:
    recipe = tmp_path / "gentle.yaml"
    recipe.write_text("training: {max_steps: 7}\n")
    (harbour.settings.data_dir / "recipes").write_text("in the way")
    with pytest.raises(StorageError, match=r"to keep .*gentle\.yaml until its job begins"):
        start_tune_job(harbour, recipe, site="harbour", actor="ada")
    assert refresh_jobs(harbour) == []


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


def test_a_stopped_run_is_resumed_by_a_job_of_its_own(workspace: Workspace, start: StartJob) -> None:
    job = start(OPENS_A_RUN, "tune")
    wait_until(lambda: job_log_tail(job).strip())
    with pytest.raises(UsageError, match="failed or was cancelled"):
        resume_job(workspace, job.id, actor="ada")
    cancel_job(workspace, job.id, actor="ada")
    holder = start(WAITS, "tune")
    resumed = resume_job(workspace, job.id, actor="ada")
    assert (resumed.kind, resumed.state) == ("tune", JobState.QUEUED)
    assert resumed.argv[1:] == ("-m", "workbench", "tune", "--resume", job_log_tail(job).strip())
    with pytest.raises(UsageError, match=f"found job {resumed.id}, which is queued"):
        resume_job(workspace, job.id, actor="ada")
    cancel_job(workspace, resumed.id, actor="ada")
    cancel_job(workspace, holder.id, actor="ada")
    with pytest.raises(UsageError, match="tune, cancelled"):
        resume_job(workspace, holder.id, actor="ada")
