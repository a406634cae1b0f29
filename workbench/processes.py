"""Services as detached processes: each in a session of its own, with a log file and a pid file in one folder.

A pid file also says when its process was born, so that a number which the system has given to another process since
is never taken for the service, let alone killed.
"""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from workbench.errors import ServiceError, StorageError

__all__ = ["ServiceProcess", "environment_of", "find_running", "is_listening", "start", "stop", "wait_until_ready"]

_BIRTH_TOLERANCE_S = 2.0
_POLL_S = 0.2
_GRACE_S = 10.0
_LOG_TAIL_LINES = 8


@dataclass(frozen=True)
class ServiceProcess:
    """A started service; ``born_at`` is its process's start in seconds since the epoch."""

    name: str
    pid: int
    born_at: float
    log_path: str


def start(
    name: str, argv: Sequence[str], *, environment: Mapping[str, str], run_dir: Path, log_path: Path
) -> ServiceProcess:
    """Start ``argv`` detached from this process, its output appended to ``log_path``, and return at once.

    Raises StorageError when the log or pid file cannot be written, ServiceError when the executable cannot be run.
    """
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        log_path.parent.mkdir(parents=True, exist_ok=True)
        log_path.touch(mode=0o600)
    except OSError as error:
        raise _unwritable(run_dir, error) from error
    pid = _spawn(argv, environment, log_path)
    process = ServiceProcess(name, pid, psutil.Process(pid).create_time(), str(log_path))
    try:
        _pid_file(run_dir, name).write_text(json.dumps(asdict(process)), encoding="utf-8")
    except OSError as error:
        _end_group(process)
        raise _unwritable(run_dir, error) from error
    return process


def find_running(name: str, run_dir: Path) -> ServiceProcess | None:
    """Return the service's process if it still lives; None when it ended or its number now means another process."""
    try:
        process = ServiceProcess(**json.loads(_pid_file(run_dir, name).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return process if _lives(process) else None


def wait_until_ready(process: ServiceProcess, is_ready: Callable[[], bool], *, timeout_s: float) -> None:
    """Return once ``is_ready()``; ServiceError with the end of the log when the process dies or takes too long."""
    deadline = time.monotonic() + timeout_s
    while not is_ready():
        if not _lives(process):
            raise _not_ready(process, "that it ended")
        if time.monotonic() > deadline:
            raise _not_ready(process, f"no answer after {timeout_s:.0f} s")
        time.sleep(_POLL_S)


def stop(name: str, run_dir: Path) -> bool:
    """End the service and everything it started, gently first; False when it was not running."""
    process = find_running(name, run_dir)
    if process is not None:
        _end_group(process)
    _pid_file(run_dir, name).unlink(missing_ok=True)
    return process is not None


def is_listening(host: str, port: int) -> bool:
    """Tell whether something accepts connections at ``host:port``."""
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def environment_of(process: ServiceProcess) -> dict[str, str]:
    """Return the environment that the process was started with; empty when it has ended."""
    try:
        return psutil.Process(process.pid).environ() if _lives(process) else {}
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return {}


def _spawn(argv: Sequence[str], environment: Mapping[str, str], log_path: Path) -> int:
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        return os.posix_spawnp(
            argv[0],
            list(argv),
            environment,
            setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log_path), append, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
    except OSError as error:
        raise ServiceError(
            expected=f"an executable at {argv[0]}", found=error.strerror or str(error), remedy="install it"
        ) from error


def _lives(process: ServiceProcess) -> bool:
    try:
        found = psutil.Process(process.pid)
        same = abs(found.create_time() - process.born_at) < _BIRTH_TOLERANCE_S
        return same and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _end_group(process: ServiceProcess) -> None:
    with suppress(ProcessLookupError, psutil.NoSuchProcess):
        leader = psutil.Process(process.pid)
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(psutil.TimeoutExpired):
            leader.wait(timeout=_GRACE_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
        psutil.Process(process.pid).wait(timeout=_GRACE_S)


def _pid_file(run_dir: Path, name: str) -> Path:
    return run_dir / f"{name}.json"


def _not_ready(process: ServiceProcess, found: str) -> ServiceError:
    lines = Path(process.log_path).read_text(encoding="utf-8", errors="replace").splitlines()
    tail = " | ".join(line.strip() for line in lines[-_LOG_TAIL_LINES:] if line.strip())
    return ServiceError(
        expected=f"{process.name} to start",
        found=f"{found}; its log ends with: {tail or 'nothing'}",
        remedy=f"read {process.log_path}, mend the cause and run `workbench up` again",
    )


def _unwritable(run_dir: Path, error: OSError) -> StorageError:
    return StorageError(
        expected=f"to write the log and pid files of services under {run_dir}",
        found=error.strerror or str(error),
        remedy="free some space, or set WORKBENCH_HOME to a folder that can be written",
    )
