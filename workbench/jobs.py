"""Starting long work as processes of their own, and finding them again after the starter is gone.

A process is known by its id *and* the time at which it started, as ids are used again. It leads its own session, so
that a closed terminal or a restarted UI does not touch it, and it and all that it starts carry the job's name in
``WORKBENCH_JOB``, by which they are found even where they moved into a session of their own. Its exit code and its
signs of life are written beside its log, where they outlive everybody.
"""

import os
import shlex
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from workbench.errors import StorageError

__all__ = [
    "LEASE_S",
    "booted_at",
    "born_at",
    "exit_code",
    "is_running",
    "last_sign_of_life",
    "launch",
    "start_heartbeat",
    "stop",
]

NAME_VARIABLE = "WORKBENCH_JOB"
START_TOLERANCE_S = 10.0
"""Seconds that may lie between a job's entry in the database and the start of its process."""
LEASE_S = 30.0
"""A job that gave signs of life, and then none for this long, is stalled."""
_HEARTBEAT_S = 5.0
_ASK_S = 3.0
_END_S = 4.5
"""Seconds after which all of a job is dead, from the request on: asked for ``_ASK_S``, then made to."""
_POLL_S = 0.05
_SCRIPT = """
read -r go || exit 125
then=$1; shift
"$@" </dev/null; code=$?
echo $code > "$0.part" && mv "$0.part" "$0"
export WORKBENCH_JOB="$WORKBENCH_JOB-then"
eval "$then" >/dev/null 2>&1
exit $code
"""


@contextmanager
def launch(
    argv: Sequence[str], *, log_path: Path, environment: Mapping[str, str], then: Sequence[str] = ()
) -> Iterator[int]:
    """Start ``argv`` detached, with its output in ``log_path``, where the block that is given its id comes to its end.

    The process waits for that: whoever writes its id down in the block, and is killed before that is safe, has started
    nothing. After ``argv`` its process runs ``then``, whatever the outcome; that is no part of the job any more.
    """
    log = _open_log(log_path)
    waits, lets_go = os.pipe()
    try:
        pid = os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", _SCRIPT, str(_exit_file(log_path)), shlex.join(then), *argv],
            dict(environment),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, waits, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
        yield pid
        with suppress(BrokenPipeError):
            os.write(lets_go, b"go\n")
    finally:
        for end in (log, waits, lets_go):
            os.close(end)


def booted_at() -> datetime:
    """Return when this machine was started."""
    return datetime.fromtimestamp(psutil.boot_time(), UTC)


def born_at(pid: int) -> datetime:
    """Return when the process that has ``pid`` now was started."""
    return datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC)


def is_running(pid: int, started_at: datetime, name: str = "") -> bool:
    """Tell whether ``pid`` is still the process that was started at ``started_at``, for the job ``name`` if for one."""
    _reap(pid)
    try:
        return _is_same(pid, started_at, name) and _lives(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


def stop(pid: int, started_at: datetime, name: str) -> None:
    """End the process and all that it started, within five seconds: asked first, made to after some of them.

    What lives on although its leader is gone is ended too; nothing happens where all has ended already.
    """
    began = time.monotonic()
    members = _family(pid, started_at, name)
    _send(members, signal.SIGTERM)
    while _alive(members) and time.monotonic() - began < _ASK_S:
        _reap(pid)
        time.sleep(_POLL_S)
    while (members := _alive([*members, *_family(pid, started_at, name)])) and time.monotonic() - began < _END_S:
        _send(members, signal.SIGKILL)
        _reap(pid)
        time.sleep(_POLL_S)
    _reap(pid)


def exit_code(log_path: Path) -> int | None:
    """Return the code with which the process of ``log_path`` ended, None while it runs or when it was killed.

    None as well for a file that the end of the machine left empty.
    """
    try:
        return int(_exit_file(log_path).read_text())
    except (FileNotFoundError, ValueError):
        return None


def start_heartbeat(log_path: Path) -> None:
    """Give a sign of life for the job of ``log_path`` every few seconds, as long as this process can do anything."""
    if not log_path.exists():
        return
    threading.Thread(target=_beat, args=[_life_file(log_path)], name="heartbeat", daemon=True).start()


def last_sign_of_life(log_path: Path) -> datetime | None:
    """Return when the job of ``log_path`` gave its last sign of life; None when it has given none."""
    try:
        return datetime.fromtimestamp(_life_file(log_path).stat().st_mtime, UTC)
    except OSError:
        return None


def _open_log(log_path: Path) -> int:
    try:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        for left in (_exit_file(log_path), _life_file(log_path)):
            left.unlink(missing_ok=True)
        return os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    except OSError as exc:
        raise StorageError(
            expected=f"to write the job's log to {log_path}",
            found=exc.strerror or str(exc),
            remedy="free some space or correct the folder's rights",
        ) from exc


def _beat(life_file: Path) -> None:
    while True:
        with suppress(OSError):
            life_file.touch()
        time.sleep(_HEARTBEAT_S)


def _family(pid: int, started_at: datetime, name: str) -> list[psutil.Process]:
    """Return the leader, its session and descendants, and whoever else carries the job's name.

    A session outlives its leader, though not the machine's end; no other process gets the leader's number before.
    """
    _reap(pid)
    try:
        session = pid if _is_same(pid, started_at, name) else None
    except psutil.NoSuchProcess:
        session = pid if booted_at() < started_at else None
    related = set() if session is None else {pid, *_descendants(pid)}
    return [process for process in psutil.process_iter() if _belongs(process, related, session, name)]


def _is_same(pid: int, started_at: datetime, name: str) -> bool:
    """Believe the name that a process carries before its time, which moves when somebody sets the machine's clock."""
    carried = _carried_name(psutil.Process(pid))
    if name and carried:
        return carried == name
    return abs(born_at(pid) - started_at).total_seconds() < START_TOLERANCE_S


def _carried_name(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(NAME_VARIABLE)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _descendants(pid: int) -> set[int]:
    try:
        return {child.pid for child in psutil.Process(pid).children(recursive=True)}
    except psutil.NoSuchProcess:
        return set()


def _belongs(process: psutil.Process, related: set[int], session: int | None, name: str) -> bool:
    """Tell whether ``process`` is the job's; what was started for another job, and says so, is not."""
    if carried := _carried_name(process):
        return carried == name
    return process.pid in related or (session is not None and _session(process.pid) == session)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _alive(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    return [process for process in dict.fromkeys(processes) if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    """Tell whether it holds files and locks: a process whose first thread has ended does, until its last one has."""
    try:
        return process.is_running() and (process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False


def _send(processes: Sequence[psutil.Process], asked: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.send_signal(asked)


def _exit_file(log_path: Path) -> Path:
    return log_path.with_name(f"{log_path.name}.exit")


def _life_file(log_path: Path) -> Path:
    return log_path.with_name(f"{log_path.name}.alive")


def _reap(pid: int) -> None:
    """Take note of the end of a child of ours, which otherwise stays a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
