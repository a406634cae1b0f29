import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.services import free_port
from workbench import processes
from workbench.errors import ServiceError, StorageError
from workbench.processes import ServiceProcess

LISTEN = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(60)
"""
PARENT = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
time.sleep(60)
"""
STUBBORN = (
    "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(processes, "_GRACE_S", 1.0)
    yield tmp_path / "run"
    processes.stop("server", tmp_path / "run")


def launch(run_dir: Path, code: str, *args: str) -> ServiceProcess:
    return processes.start(
        "server",
        [sys.executable, "-c", code, *args],
        environment={**os.environ, "MARK": "here"},
        run_dir=run_dir,
        log_path=run_dir / "server.log",
    )


def wait_for_output(process: ServiceProcess) -> str:
    log = Path(process.log_path)
    processes.wait_until_ready(process, lambda: bool(log.read_text()), timeout_s=30)
    return log.read_text().strip()


def test_a_service_runs_in_a_session_of_its_own_until_it_is_stopped(run_dir: Path) -> None:
    port = free_port()
    process = launch(run_dir, LISTEN, str(port))
    processes.wait_until_ready(process, lambda: processes.is_listening("127.0.0.1", port), timeout_s=30)
    assert os.getsid(process.pid) == process.pid
    assert processes.find_running("server", run_dir) == process
    assert processes.environment_of(process)["MARK"] == "here"
    assert processes.stop("server", run_dir)
    assert not psutil.pid_exists(process.pid)
    assert not processes.is_listening("127.0.0.1", port)
    assert processes.find_running("server", run_dir) is None
    assert not processes.stop("server", run_dir)


def test_what_the_service_started_ends_with_it(run_dir: Path) -> None:
    process = launch(run_dir, PARENT)
    child = psutil.Process(int(wait_for_output(process)))
    processes.stop("server", run_dir)
    psutil.wait_procs([child], timeout=10)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_service_that_ignores_the_request_to_end_is_killed(run_dir: Path) -> None:
    process = launch(run_dir, STUBBORN)
    wait_for_output(process)
    processes.stop("server", run_dir)
    assert not psutil.pid_exists(process.pid)


def test_a_service_that_dies_says_why(run_dir: Path) -> None:
    process = launch(run_dir, "raise SystemExit('no such database')")
    with pytest.raises(ServiceError, match=r"server to start, but found that it ended; .* no such database"):
        processes.wait_until_ready(process, lambda: False, timeout_s=30)


def test_a_service_that_never_answers_is_reported(run_dir: Path) -> None:
    process = launch(run_dir, STUBBORN)
    with pytest.raises(ServiceError, match="no answer after"):
        processes.wait_until_ready(process, lambda: False, timeout_s=0.3)


def test_a_recycled_process_number_is_not_taken_for_the_service(run_dir: Path) -> None:
    process = launch(run_dir, STUBBORN)
    pid_file = run_dir / "server.json"
    recorded = json.loads(pid_file.read_text())
    pid_file.write_text(json.dumps(recorded | {"born_at": time.time() - 3600}))
    assert processes.find_running("server", run_dir) is None
    assert not processes.stop("server", run_dir)
    assert psutil.pid_exists(process.pid)
    pid_file.write_text(json.dumps(recorded))


def test_a_missing_executable_is_one_sentence(run_dir: Path) -> None:
    with pytest.raises(ServiceError, match="an executable at nowhere/server, but found No such file"):
        processes.start("server", ["nowhere/server"], environment={}, run_dir=run_dir, log_path=run_dir / "server.log")


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="File exists"):
        launch(tmp_path / "file", STUBBORN)
