"""Starting long work as processes of their own, and finding them again after the starter is gone.

A process is known by its id *and* the time at which it started, as ids are used again. It leads its own session, so
that a closed terminal or a restarted UI does not touch it and all of its children can be ended with it. Its exit code
is written beside its log, where it outlives everybody.
"""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from workbench.errors import StorageError

__all__ = ["born_at", "exit_code", "is_running", "launch", "stop"]

START_TOLERANCE_S = 10.0
"""Seconds that may lie between a job's entry in the database and the start of its process."""
_GRACE_S = 5.0
_KEEP_EXIT_CODE = '"$@"; code=$?; echo $code > "$0.part" && mv "$0.part" "$0"; exit $code'


def launch(argv: Sequence[str], *, log_path: Path, environment: Mapping[str, str]) -> int:
    """Start ``argv`` detached, with its output in ``log_path``, and return the process id of its group's leader."""
    try:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        _exit_file(log_path).unlink(missing_ok=True)
        log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    except OSError as exc:
        raise StorageError(
            expected=f"to write the job's log to {log_path}",
            found=exc.strerror or str(exc),
            remedy="free some space or correct the folder's rights",
        ) from exc
    try:
        return os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", _KEEP_EXIT_CODE, str(_exit_file(log_path)), *argv],
            dict(environment),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
    finally:
        os.close(log)


def born_at(pid: int) -> datetime:
    """Return when the process that has ``pid`` now was started."""
    return datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC)


def is_running(pid: int, started_at: datetime) -> bool:
    """Tell whether ``pid`` is still the process that was started at ``started_at``."""
    _reap(pid)
    try:
        is_same = abs(born_at(pid) - started_at).total_seconds() < START_TOLERANCE_S
        return is_same and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop(pid: int, started_at: datetime) -> None:
    """End the process and all that it started: asked first, made to after some seconds; nothing if it ended already."""
    members = _family(pid) if is_running(pid, started_at) else []
    for asked in (signal.SIGTERM, signal.SIGKILL):
        for member in members:
            with suppress(psutil.NoSuchProcess):
                member.send_signal(asked)
        _, members = psutil.wait_procs(members, timeout=_GRACE_S)
    _reap(pid)


def exit_code(log_path: Path) -> int | None:
    """Return the code with which the process of ``log_path`` ended, None while it runs or when it was killed."""
    try:
        return int(_exit_file(log_path).read_text())
    except FileNotFoundError:
        return None


def _family(pid: int) -> list[psutil.Process]:
    try:
        leader = psutil.Process(pid)
        return [*leader.children(recursive=True), leader]
    except psutil.NoSuchProcess:
        return []


def _exit_file(log_path: Path) -> Path:
    return log_path.with_name(f"{log_path.name}.exit")


def _reap(pid: int) -> None:
    """Take note of the end of a child of ours, which otherwise stays a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
