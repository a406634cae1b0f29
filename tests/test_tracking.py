"""The tracker on a real MLflow: SQLite and files in a temporary folder, and a server that comes and goes."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pandas
import psutil
import pytest
from PIL import Image

from tests.services import free_port
from workbench.domain import DatasetVersion, Split, utc_now
from workbench.errors import NotFoundError, StorageError, TrackingError, UsageError
from workbench.settings import quiet_environment
from workbench.tracking import Tracker, run_log
from workbench.tracking import tracker as tracker_module
from workbench.tracking.journal import Journal, Opening
from workbench.workflows.server_plans import answers

DATASET = DatasetVersion(
    id="0123456789abcdef" * 4,
    site="yard",
    parent_id=None,
    path="data/datasets/0123",
    rows={Split.TRAIN: 8, Split.TEST: 4},
    created_at=utc_now(),
)


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Tracker:
    home = tmp_path_factory.mktemp("mlflow")
    return Tracker(f"sqlite:///{home / 'mlruns' / 'mlflow.db'}", home / "mlruns" / "artifacts")


def test_what_a_run_logs_is_read_back(tracker: Tracker, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with tracker.run("yard", "first", kind="tune", tags={"started_by": "erin"}) as run:
        run.log_params({f"choice_{number}": number for number in range(130)})
        run.log_step(1, {"train/loss": 2.0})
        run.log_step(2, {"train/loss": 1.0})
        run.log_folder(tmp_path, "adapter")
        run.log_image(Image.new("RGB", (4, 4)), "images/one.png")
        run.log_json({"caption": "größer"}, "report/report.json")

    summary = tracker.get(run.id[:8])
    assert (summary.name, summary.kind, summary.site, summary.state) == ("first", "tune", "yard", "FINISHED")
    assert summary.params["choice_129"] == "129"
    assert summary.metrics == {"train/loss": 1.0}
    assert summary.tags["started_by"] == "erin"
    assert summary.ended_at is not None
    assert summary.ended_at >= summary.started_at
    assert (tracker.folder(run.id, "adapter") / "adapter_config.json").read_text() == "{}"
    assert "größer" in (tracker.folder(run.id, "report") / "report.json").read_text(encoding="utf-8")


def test_the_dataset_is_an_input_for_each_context(tracker: Tracker) -> None:
    with tracker.run("yard", "inputs", kind="tune") as run:
        run.log_dataset(DATASET, "training")
        run.log_dataset(DATASET, "test")

    assert tracker.get(run.id).datasets == {"training": DATASET.id, "test": DATASET.id}
    inputs = tracker.client.get_run(run.id).inputs.dataset_inputs
    assert {entry.dataset.digest for entry in inputs} == {DATASET.id[:36]}


def test_a_table_is_one_that_mlflow_reads(tracker: Tracker) -> None:
    rows = [{"caption": "a truck", "score": 0.5}, {"caption": "nobody", "score": 0.25}]
    with tracker.run("yard", "table", kind="evaluate") as run:
        run.log_table(rows, "samples/predictions.json")
        run.log_table(rows, "samples/predictions.json")

    assert (
        pandas.read_json(tracker.folder(run.id, "samples") / "predictions.json", orient="split").to_dict("records")
        == rows
    )
    tag = tracker.client.get_run(run.id).data.tags["mlflow.loggedArtifacts"]
    assert json.loads(tag) == [{"path": "samples/predictions.json", "type": "table"}]


def test_an_exception_marks_the_run_failed(tracker: Tracker) -> None:
    with pytest.raises(ZeroDivisionError), tracker.run("yard", "broken", kind="drift") as run:
        run.log_metrics({"share": 1 / 0})

    assert [summary.state for summary in tracker.runs("yard", "drift")] == ["FAILED"]


def test_adding_to_a_run_leaves_its_end_as_it_was(tracker: Tracker) -> None:
    with tracker.run("dock", "tuned", kind="tune") as run:
        run.log_params({"seed": 1})
    before = tracker.get(run.id)

    with tracker.reopen(run.id) as again:
        again.log_metrics({"test/class_accuracy": 0.75})

    after = tracker.get(run.id)
    assert after.metrics == {"test/class_accuracy": 0.75}
    assert (after.state, after.ended_at) == (before.state, before.ended_at)


def test_runs_are_listed_by_site_and_kind_newest_first(tracker: Tracker) -> None:
    for name, kind in {"one": "tune", "two": "drift", "three": "evaluate", "four": "tune"}.items():
        with tracker.run("gate", name, kind=kind):
            time.sleep(0.002)  # MLflow counts milliseconds

    assert [summary.name for summary in tracker.runs("gate")] == ["four", "three", "two", "one"]
    assert [summary.name for summary in tracker.runs("gate", "tune")] == ["four", "one"]
    assert [summary.name for summary in tracker.runs("gate", "evaluate", "tune")] == ["four", "three", "one"]
    assert tracker.runs("nobody-was-here") == []


@pytest.mark.parametrize("run_id", ["ffffffffffff", "", "x' OR 'a'='a"])
def test_an_id_that_names_no_run_is_refused(tracker: Tracker, run_id: str) -> None:
    with pytest.raises(NotFoundError, match="fits"):
        tracker.get(run_id)


def test_a_missing_artifact_folder_is_one_sentence(tracker: Tracker) -> None:
    with tracker.run("yard", "empty", kind="tune") as run:
        pass
    with pytest.raises(TrackingError, match="artifact folder 'adapter'"):
        tracker.folder(run.id, "adapter")


def test_a_server_that_is_down_is_one_sentence_without_the_password(tmp_path: Path) -> None:
    down = Tracker("http://user:hidden@127.0.0.1:9", tmp_path)
    with pytest.raises(TrackingError, match=r"MLflow at http://127\.0\.0\.1:9 to answer") as caught:
        down.runs("yard")
    assert "hidden" not in str(caught.value)
    assert str(caught.value).count("\n") == 0


class Server:
    """An MLflow server over the SQLite database of a folder, which can be killed and started again."""

    def __init__(self, home: Path) -> None:
        self._home, self._port = home, free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        argv = [
            *(sys.executable, "-m", "mlflow", "server", "--port", str(self._port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{self._home / 'mlflow.db'}"),
            *("--artifacts-destination", (self._home / "artifacts").as_uri()),
        ]
        environment = {**quiet_environment(), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self._home / "server.log").open("a") as log:
            self._process = subprocess.Popen(argv, env=environment, stdout=log, stderr=log, start_new_session=True)
        wait_until(lambda: answers(f"{self.url}/health"))

    def stop(self) -> None:
        if self._process is not None:
            for process in self._processes():
                process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Take connections, and answer nothing."""
        for process in self._processes():
            process.suspend()

    def go_on(self) -> None:
        for process in self._processes():
            process.resume()

    def _processes(self) -> list[psutil.Process]:
        leader = psutil.Process(self._process.pid)
        return [leader, *leader.children(recursive=True)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """An MLflow that is away is not waited for long, and asked again at once."""
    monkeypatch.setattr(run_log, "_PATIENCE_S", 1.0)
    monkeypatch.setattr(tracker_module, "_REST_S", 0.0)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def curve(steps: int) -> list[tuple[int, float]]:
    return [(step, 1 / step) for step in range(1, steps + 1)]


@pytest.mark.usefixtures("hasty")
def test_a_run_goes_on_while_the_server_is_away_and_nothing_is_lost(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = Tracker(server.url, tmp_path / "client" / "artifacts")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "weights").write_text("learnt")
    with tracker.run("yard", "long", kind="tune") as run:
        run.log_params({"seed": 1})
        log_curve(run, 1, 5)
        wait_until(lambda: run.is_delivered)
        server.stop()
        log_curve(run, 6, 10)
        server.start()
        wait_until(lambda: run.is_delivered)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        server.hang()
        log_curve(run, 11, 15)
        run.log_tags({"told": "later"})
        run.log_table([{"caption": "a truck"}], "samples.json")
        run.log_folder(adapter, "adapter")
        shutil.rmtree(adapter)
    assert not run.is_delivered
    with tracker.reopen(run.id) as measured:
        measured.log_metrics({"test/class_accuracy": 0.75})
    wait_until(lambda: tracker.undelivered().keys() == {run.id})
    with pytest.raises(TrackingError, match="to answer"):
        tracker.deliver()

    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT")
    server.go_on()
    (summary,) = Tracker(server.url, tmp_path / "client" / "artifacts").runs("yard")
    assert (summary.state, summary.params, summary.tags["told"]) == ("FINISHED", {"seed": "1"}, "later")
    assert summary.metrics["test/class_accuracy"] == 0.75
    assert tracker.history(run.id, "train/loss") == curve(15)
    assert (tracker.folder(run.id, "adapter") / "weights").read_text() == "learnt"
    assert tracker.file(run.id, "samples.json") is not None
    assert tracker.undelivered() == {}


def log_curve(run: run_log.RunLog, first: int, last: int) -> None:
    for step in range(first, last + 1):
        run.log_step(step, {"train/loss": 1 / step})


def test_a_killed_process_loses_no_step_and_its_run_is_killed(tracker: Tracker, tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from workbench.tracking import Tracker
with Tracker({tracker.uri!r}, Path({str(tracker._artifacts_dir)!r})).run("quay", "cut off", kind="tune") as run:
    for step in range(1, 201):
        run.log_step(step, {{"train/loss": 1 / step}})
    print(run.id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    run_id = killed.stdout.strip()
    assert tracker.get(run_id).state == "KILLED"
    assert tracker.history(run_id, "train/loss") == curve(200)


def test_what_is_delivered_twice_is_there_once(tracker: Tracker, tmp_path: Path) -> None:
    with tracker.run("twice", "twice", kind="tune") as run:
        run.log_params({"seed": 1})
        run.log_dataset(DATASET, "training")
        log_curve(run, 1, 3)
        run.log_step(1, {"nan": float("nan")})
        wait_until(lambda: run.is_delivered)
        (journal,) = (tracker._artifacts_dir.parent / "undelivered").glob(f"{run.id}-*")
        kept = shutil.copytree(journal, tmp_path / "kept")
    (kept / "delivered").unlink()
    with (kept / "entries.jsonl").open("a") as entries:
        entries.write('{"do": "metr')  # the machine went down here
    shutil.copytree(kept, journal)
    tracker.deliver()
    assert tracker.history(run.id, "train/loss") == curve(3)
    assert len(tracker.history(run.id, "nan")) == 1
    assert len(tracker.client.get_run(run.id).inputs.dataset_inputs) == 1
    assert tracker.undelivered() == {}


@pytest.mark.parametrize(
    ("file", "content"),
    [("delivered", ""), ("delivered", "999999"), ("entries.jsonl", "\0\0\0\n"), ("entries.jsonl", '{"do": "metr')],
)
def test_what_the_end_of_the_machine_damaged_is_delivered_all_the_same(
    tracker: Tracker, tmp_path: Path, file: str, content: str
) -> None:
    with tracker.run("cut", "cut off", kind="tune") as run:
        log_curve(run, 1, 3)
        wait_until(lambda: run.is_delivered)
        (journal,) = (tracker._artifacts_dir.parent / "undelivered").glob(f"{run.id}-*")
        kept = shutil.copytree(journal, tmp_path / "kept")
    with (kept / file).open("a" if file == "entries.jsonl" else "w") as damaged:
        damaged.write(content)
    before = time.time() - 3600
    os.utime(kept / "entries.jsonl", (before, before))
    shutil.copytree(kept, journal)
    tracker.deliver()
    summary = tracker.get(run.id)
    assert tracker.history(run.id, "train/loss") == curve(3)
    assert summary.state == "KILLED"
    assert abs(summary.ended_at - (utc_now() - timedelta(hours=1))) < timedelta(minutes=10)
    assert tracker.undelivered() == {}


def test_a_run_that_finds_no_room_to_tell_its_end_is_ended_by_the_next_look(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(journal: Journal, entry: object) -> None:
        raise StorageError(expected="room", found="none", remedy="make some")

    with monkeypatch.context() as patched, pytest.raises(StorageError), tracker.run("full", "full", kind="tune") as run:
        patched.setattr(Journal, "append", full)
    assert tracker.get(run.id).state == "KILLED"


def test_a_run_that_cannot_be_written_down_is_not_left_open(
    tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(tracker, "_undelivered_dir", tmp_path / "file")
    with pytest.raises(StorageError, match="to write down what a run logs"), tracker.run("none", "none", kind="tune"):
        pass
    assert [summary.state for summary in tracker.runs("none")] == ["FAILED"]


def test_an_interrupt_behind_a_write_does_not_hide_what_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.begin(tmp_path, Opening("f" * 32, "sqlite://", ends_run=True))
    write = os.write

    def interrupted(file: int, line: bytes) -> int:
        write(file, line)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            journal.append({"do": "tags", "values": {"told": "x" * 300}})
    journal.mark_delivered(journal.pending()[-1][0])
    journal.append({"do": "end"})
    assert not journal.is_drained
    journal.close(remove=False)


def test_a_locked_database_holds_nobody_up(tracker: Tracker) -> None:
    with tracker.run("locked", "locked", kind="tune") as run:
        with closing(sqlite3.connect(tracker.uri.removeprefix("sqlite:///"))) as other:
            other.execute("BEGIN EXCLUSIVE")
            log_curve(run, 1, 50)
            assert not run.is_delivered
        run.log_tags({"told": "yes"})
    assert run.is_delivered
    assert tracker.history(run.id, "train/loss") == curve(50)


def test_what_mlflow_refuses_is_told_and_holds_up_nothing_else(tracker: Tracker) -> None:
    with tracker.run("no", "no", kind="tune") as run:
        run.log_params({"seed": 1})
        run.log_step(1, {"train/loss": 1.0})
        with pytest.raises(TrackingError, match="Changing param values"):
            run.log_params({"seed": 2})
    assert (tracker.get(run.id).state, tracker.history(run.id, "train/loss")) == ("FINISHED", [(1, 1.0)])
    assert tracker.undelivered() == {}


def test_a_resumed_run_is_one_run_with_every_step_once(tracker: Tracker) -> None:
    def interrupted() -> None:
        with tracker.run("resumed", "resumed", kind="tune") as run:
            log_curve(run, 1, 7)
            with pytest.raises(UsageError, match="still works on it"), tracker.resume(run.id):
                pass
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    (stopped,) = tracker.runs("resumed")
    assert stopped.state == "KILLED"
    with tracker.resume(stopped.id) as again:
        assert tracker.get(stopped.id).state == "RUNNING"
        log_curve(again, 5, 10)
    assert tracker.history(stopped.id, "train/loss") == curve(10)
    assert tracker.get(stopped.id).state == "FINISHED"


def test_what_was_logged_for_another_address_waits_for_it(tracker: Tracker, tmp_path: Path) -> None:
    Journal.begin(tmp_path / "undelivered", Opening("f" * 32, "http://elsewhere:5000", ends_run=True)).close(
        remove=False
    )
    here = Tracker(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")
    assert here.runs("yard") == []
    assert here.undelivered().keys() == {"f" * 32}


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "entries.jsonl").symlink_to("/dev/full")
    journal = Journal(tmp_path, Opening("f" * 32, "sqlite://", ends_run=True), (tmp_path / "lock").open("w"))
    with pytest.raises(StorageError, match="No space left"):
        journal.append({"do": "tags", "values": {}})
    assert journal.is_drained
    journal.close(remove=False)
