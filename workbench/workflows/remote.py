"""Any command of the workbench in the cluster's queue, as a job of this workspace follows it."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from workbench.workflows.workspace import Workspace

if TYPE_CHECKING:
    from workbench.cluster.resources import Machine

__all__ = ["machines", "run_on_cluster"]


def machines(workspace: Workspace) -> "list[Machine]":
    """Return the machines of the cluster; UsageError without one, ServiceError where it does not answer."""
    from workbench.cluster.connection import connected

    with connected(workspace.settings.ray_address, workspace.settings.environment()):
        from workbench.cluster import resources

        return resources.machines()


def run_on_cluster(
    workspace: Workspace,
    arguments: Sequence[str],
    *,
    cpus: float = 1.0,
    gpus: float = 0.0,
    device: bool = False,
    actor: str,
    say: Callable[[str], None],
) -> int:
    """Run ``workbench`` with these arguments on the cluster, for the job at hand, and return its exit code.

    It waits in the cluster's queue until so many cores and GPUs are free; ``device`` asks for a GPU wherever the
    cluster has any. UsageError without a cluster, ServiceError when it does not take the command.
    """
    from workbench.cluster.connection import require_cluster

    settings = workspace.settings
    require_cluster(settings.ray_address)
    from workbench.cluster.remote import Needs, run_remotely

    if device and any(machine.gpus for machine in machines(workspace)):
        gpus = max(gpus, 1.0)
    name = settings.job or f"command-{uuid4().hex}"
    workspace.store.audit.append(
        actor=actor, action="cluster.run", subject=name, detail={"arguments": list(arguments), "gpus": gpus}
    )
    return run_remotely(
        [sys.executable, "-m", "workbench", *arguments],
        address=settings.ray_address,
        name=name,
        environment={**settings.environment(), "LOGNAME": actor, "WORKBENCH_JOB": settings.job},
        needs=Needs(cpus, gpus),
        say=say,
    )
