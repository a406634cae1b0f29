"""Start, stop and find the servers that the workbench works with: Label Studio, MLflow and its own UI.

Starting is split from waiting, so that other work fits between. A server that somebody else runs, because its URL
leads to another machine or because it answers with the workspace's own token, is used and left alone.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from workbench import processes
from workbench.errors import ServiceError, UsageError
from workbench.processes import ServiceProcess
from workbench.progress import Progress, silent
from workbench.workflows.doctor import Check, doctor
from workbench.workflows.keys import with_keys
from workbench.workflows.server_plans import PLANS, ServerPlan
from workbench.workflows.workspace import Workspace

__all__ = ["NAMES", "Check", "Service", "Starting", "doctor", "down", "start", "started", "up", "with_keys"]

NAMES = tuple(PLANS)


class ServiceState(StrEnum):
    STARTED = "started"
    RUNNING = "already running"
    ELSEWHERE = "run by somebody else"


@dataclass(frozen=True)
class Service:
    """A server, where it answers and, when the workbench runs it, its process's number and log."""

    name: str
    url: str
    state: ServiceState
    pid: int | None = None
    log_path: str | None = None


@dataclass(frozen=True)
class Starting:
    """Servers on their way up; ``workspace`` has the keys that they were started with."""

    workspace: Workspace
    services: tuple[Service, ...]
    _awaited: tuple[tuple[ServerPlan, ServiceProcess], ...]
    _progress: Progress

    def wait(self) -> tuple[Service, ...]:
        """Return once every server answers; ServiceError with the end of its log when one does not."""
        for done, (plan, process) in enumerate(self._awaited):
            self._progress(done, len(self._awaited), "servers started")
            processes.wait_until_ready(process, plan.is_ready, timeout_s=plan.timeout_s)
        self._progress(len(self._awaited), len(self._awaited), "servers started")
        return self.services


def up(
    workspace: Workspace, *, only: Collection[str] | None = None, progress: Progress = silent
) -> tuple[Service, ...]:
    """Start the servers (all, or ``only`` the named) that do not run yet and wait until they answer."""
    return start(workspace, only=only, progress=progress).wait()


def start(workspace: Workspace, *, only: Collection[str] | None = None, progress: Progress = silent) -> Starting:
    """Begin to start the servers that do not run yet, making the keys that they need, and return at once.

    Raises ServiceError, before anything is started, when another program holds a port or a server is not installed.
    """
    workspace = with_keys(workspace)
    plans = [PLANS[name](workspace.settings) for name in _checked_names(only)]
    found = {plan.name: _find(workspace, plan) for plan in plans}
    commands = {plan.name: plan.command() for plan in plans if plan.command and not found[plan.name]}
    services: list[Service] = []
    awaited: list[tuple[ServerPlan, ServiceProcess]] = []
    for plan in plans:
        service = found[plan.name]
        if service is None:
            process = _launch(workspace, plan, commands[plan.name])
            service = _service(plan, ServiceState.STARTED, process)
            awaited.append((plan, process))
        services.append(service)
    return Starting(workspace, tuple(services), tuple(awaited), progress)


@contextmanager
def started(
    workspace: Workspace, *, only: Collection[str] | None = None, progress: Progress = silent
) -> Iterator[Starting]:
    """Start servers for the length of a ``with`` block; those that ran before it keep running after it."""
    starting = start(workspace, only=only, progress=progress)
    try:
        yield starting
    finally:
        for service in starting.services:
            if service.state is ServiceState.STARTED:
                processes.stop(service.name, workspace.settings.run_dir)


def down(workspace: Workspace) -> list[str]:
    """Stop the servers that this workspace started and return their names."""
    return [name for name in NAMES if processes.stop(name, workspace.settings.run_dir)]


def _checked_names(only: Collection[str] | None) -> tuple[str, ...]:
    unknown = set(only or ()) - set(NAMES)
    if unknown:
        raise UsageError(
            expected=f"services among {', '.join(NAMES)}", found=", ".join(sorted(unknown)), remedy="correct the name"
        )
    return tuple(name for name in NAMES if only is None or name in only)


def _find(workspace: Workspace, plan: ServerPlan) -> Service | None:
    """Return the plan's server if it runs or is not ours to start; ServiceError when its port is somebody else's."""
    if plan.command is None:
        return _service(plan, ServiceState.ELSEWHERE)
    process = processes.find_running(plan.name, workspace.settings.run_dir)
    if process is not None:
        return _service(plan, ServiceState.RUNNING, process)
    address = urlsplit(plan.url)
    host, port = str(address.hostname), address.port or 80
    if not processes.is_listening(host, port):
        return None
    if plan.is_theirs():
        return _service(plan, ServiceState.ELSEWHERE)
    raise ServiceError(
        expected=f"port {port} of {host} to be free for {plan.name}",
        found="another program that answers there",
        remedy=f"stop that program, or set {plan.address_setting} to another address",
    )


def _launch(workspace: Workspace, plan: ServerPlan, command: tuple[str, ...]) -> ServiceProcess:
    return processes.start(
        plan.name,
        command,
        environment=plan.environment,
        run_dir=workspace.settings.run_dir,
        log_path=workspace.settings.logs_dir / f"{plan.name}.log",
    )


def _service(plan: ServerPlan, state: ServiceState, process: ServiceProcess | None = None) -> Service:
    pid, log_path = (process.pid, process.log_path) if process else (None, None)
    return Service(plan.name, plan.url, state, pid, log_path)
