"""Where a run's training happens: in this process, or in the workers of a cluster. What is trained is the same."""

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from uuid import uuid4

from workbench.errors import PreflightError
from workbench.tuning.packages import other_packages, package_versions
from workbench.tuning.workers import Workers
from workbench.workflows.search_training import SearchAssignment, train_search
from workbench.workflows.training import Assignment, Listeners, Outcome, train
from workbench.workflows.workspace import Workspace

__all__ = ["launched"]


def launched(workspace: Workspace, assignment: Assignment | SearchAssignment, listeners: Listeners) -> Outcome | None:
    """Carry out the assignment where its recipe says; None after a preflight alone."""
    if isinstance(assignment, SearchAssignment):
        return train_search(workspace, assignment, listeners)
    if assignment.recipe.launcher == "local":
        return train(workspace, assignment, listeners)
    from workbench.cluster.connection import connected

    settings, scaling = workspace.settings, assignment.recipe.scaling
    with connected(settings.ray_address, settings.environment()):
        from workbench.cluster.workers import Plan, train_together

        listeners.progress(0, None, f"starting {scaling.num_workers} workers")
        plan = Plan(scaling.num_workers, scaling.max_failures, settings.run_dir / f"ray-{uuid4().hex}")
        try:
            return train_together(partial(_work, assignment, package_versions()), plan, partial(_hear, listeners))
        finally:
            shutil.rmtree(plan.state_dir, ignore_errors=True)


def _hear(listeners: Listeners, name: str, *said: object) -> None:
    getattr(listeners, name)(*said)


def _work(assignment: Assignment, versions: Mapping[str, str], tell: Callable[..., None]) -> Outcome | None:
    """Train as one of the workers; the first of them tells the others' story too."""
    if others := other_packages(versions):
        raise PreflightError(
            expected="the libraries of the machine where the run was started on every other",
            found=", ".join(others),
            remedy="install the same versions everywhere",
        )
    workspace, workers = Workspace.open(), Workers.joined(assignment.recipe.scaling.strategy)
    listeners = (
        Listeners(*(partial(tell, name) for name in Listeners.__annotations__)) if workers.leads else Listeners()
    )
    return train(workspace, assignment, listeners, workers)
