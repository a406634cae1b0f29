"""Look at everything that the workbench needs, and say what to do about what is amiss."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from workbench import processes
from workbench.domain import Role
from workbench.errors import ModelError, ServiceError, StorageError, TrackingError, UsageError, WorkbenchError
from workbench.labeling.server import VERSION, is_loopback
from workbench.settings import NO_TELEMETRY
from workbench.workflows.server_plans import PLANS
from workbench.workflows.task_board import open_studio
from workbench.workflows.workspace import Workspace

__all__ = ["Check", "doctor"]

_FREE_DISK_GIB = 2.0
_PYTHON = (3, 11)


@dataclass(frozen=True)
class Check:
    """``explanation`` says what was found and, when the check failed, what to do."""

    name: str
    ok: bool
    explanation: str


def doctor(workspace: Workspace) -> list[Check]:
    """Return every check's outcome; a check that cannot be made has failed."""
    checks: dict[str, Callable[[Workspace], str]] = {
        "python": _python,
        "database": _database,
        "frames": _frames,
        "free disk": _free_disk,
        "base model": _base_model,
        "Label Studio": _label_studio,
        "image links": _image_links,
        "MLflow": lambda ws: _answers(ws, "mlflow"),
        "tracked runs": _tracked_runs,
        "UI": lambda ws: _answers(ws, "ui"),
        "telemetry": _telemetry,
        "roles": _roles,
    }
    return [_outcome(name, check, workspace) for name, check in checks.items()]


def _outcome(name: str, check: Callable[[Workspace], str], workspace: Workspace) -> Check:
    try:
        return Check(name, True, check(workspace))
    except WorkbenchError as error:
        return Check(name, False, str(error))


def _python(workspace: Workspace) -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _PYTHON:
        raise UsageError(
            expected="Python 3.11 or later", found=version, remedy="install the workbench with a later one"
        )
    return f"Python {version}"


def _database(workspace: Workspace) -> str:
    events = workspace.store.audit.verify()
    return f"answers; the audit trail's {events} events are intact"


def _frames(workspace: Workspace) -> str:
    files = workspace.frame_files
    files.delete(files.write(os.urandom(16)))
    return f"{files.address} can be written"


def _free_disk(workspace: Workspace) -> str:
    folder = workspace.settings.data_dir
    with _storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        free_gib = shutil.disk_usage(folder).free / 2**30
    if free_gib < _FREE_DISK_GIB:
        raise StorageError(
            expected=f"{_FREE_DISK_GIB:.0f} GiB free at {folder}",
            found=f"{free_gib:.1f} GiB",
            remedy="free some space, or set WORKBENCH_HOME to another disk",
        )
    return f"{free_gib:.0f} GiB free at {folder}"


def _base_model(workspace: Workspace) -> str:
    source = workspace.settings.resolved_base_model
    looks_local = Path(source).is_absolute() or source.startswith(".")
    if looks_local and not (Path(source) / "config.json").is_file():
        raise ModelError(
            expected=f"a base model at {source}",
            found="no config.json there",
            remedy="build it with `workbench base build`, or set WORKBENCH_BASE_MODEL",
        )
    return source if looks_local else f"{source}, from the hub"


def _label_studio(workspace: Workspace) -> str:
    studio = open_studio(workspace)
    version, account = studio.version(), studio.account()
    tested = "" if version == VERSION else f" (the workbench was tested with {VERSION})"
    return f"{version}{tested} at {studio.url} accepts the token of {account}"


def _image_links(workspace: Workspace) -> str:
    settings = workspace.settings
    if is_loopback(settings.resolved_public_url) and not is_loopback(settings.labelstudio_url):
        raise ServiceError(
            expected="an address at which labellers' browsers reach the workbench for images",
            found=f"{settings.resolved_public_url}, which only this machine reaches",
            remedy="set WORKBENCH_PUBLIC_URL",
        )
    if not settings.media_key.get_secret_value():
        raise ServiceError(expected="a key that signs image links", found="none", remedy="run `workbench up`")
    return f"labellers' browsers get images from {settings.resolved_public_url}"


def _answers(workspace: Workspace, name: str) -> str:
    plan = PLANS[name](workspace.settings)
    if not plan.is_ready():
        remedy = "run `workbench up`" if plan.command else "start it, or correct its address"
        raise ServiceError(expected=f"{name} to answer at {plan.url}", found="no answer", remedy=remedy)
    return f"answers at {plan.url}"


def _tracked_runs(workspace: Workspace) -> str:
    tracker = workspace.tracker
    with suppress(TrackingError):
        tracker.deliver()
    if left := tracker.undelivered():
        folder = next(iter(left.values())).parent
        raise ServiceError(
            expected="MLflow to have all that runs logged",
            found=f"{len(left)} run{'s' if len(left) > 1 else ''} of which it has yet to hear, kept in {folder}",
            remedy="let MLflow answer again; the next look at runs, or this command, delivers it",
        )
    return "MLflow has all that ended runs logged"


def _telemetry(workspace: Workspace) -> str:
    run_dir = workspace.settings.run_dir
    running = [process for name in PLANS if (process := processes.find_running(name, run_dir))]
    talkative = [
        f"{process.name} without {name}={off}"
        for process in running
        for name, off in NO_TELEMETRY.items()
        if processes.environment_of(process).get(name) != off
    ]
    if talkative:
        raise ServiceError(
            expected="no server of the workbench to call home",
            found=", ".join(talkative),
            remedy="run `workbench down` and `workbench up`",
        )
    return f"off in the {len(running)} servers that run and in every job"


def _roles(workspace: Workspace) -> str:
    users = workspace.store.users.all()
    lacking = [role for role in (Role.ENGINEER, Role.REVIEWER) if not any(role in user.roles for user in users)]
    if lacking:
        raise UsageError(
            expected="at least one engineer and one reviewer",
            found=f"nobody with the role {' or '.join(lacking)}",
            remedy=f"add one with `workbench user add NAME --role {lacking[0]}`",
        )
    return f"{len(users)} users, among them an engineer and a reviewer"


@contextmanager
def _storage_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            expected=f"a folder at {folder} that can be written",
            found=error.strerror or str(error),
            remedy="correct its permissions, or set WORKBENCH_HOME to another folder",
        ) from error
