"""Have Label Studio ask the workbench for a suggestion whenever somebody opens a task that has none."""

from dataclasses import dataclass

from workbench.errors import LabelStudioError
from workbench.labeling.server import is_loopback
from workbench.labeling.studio import Studio
from workbench.workflows.ml_backend import ML_USER, password_of, url_of
from workbench.workflows.prelabel import PreLabeller
from workbench.workflows.task_board import TaskBoard, open_studio
from workbench.workflows.workspace import Workspace

__all__ = ["ConnectReport", "connect", "offer_suggestions"]


@dataclass(frozen=True)
class ConnectReport:
    """Whether Label Studio asks ``url`` when somebody opens a task; ``because`` says why it does not.

    ``is_new`` where it did not do so before.
    """

    is_connected: bool
    url: str
    model_version: str
    is_new: bool = False
    because: str = ""


def connect(workspace: Workspace, site: str, *, actor: str) -> ConnectReport:
    """Have the site's project ask the workbench for the current model's suggestions; the same again changes nothing.

    Raises LabelStudioError where the site has no project.
    """
    known_site, studio = workspace.store.sites.get(site), open_studio(workspace)
    project_id = studio.require_project(known_site, workspace.store.labels.project(site))
    version = PreLabeller(workspace, known_site).model_version
    report = _connect(workspace, studio, site, project_id, version)
    if report.is_connected:
        _show(workspace, studio, site, project_id, version)
    if report.is_new:
        workspace.store.audit.append(actor=actor, action="label.connect", subject=site, detail={"url": report.url})
    return report


def offer_suggestions(workspace: Workspace, board: TaskBoard, model_version: str, *, are_new: bool) -> ConnectReport:
    """Have labellers start from this version's suggestions, and Label Studio ask for those that it has not.

    ``are_new`` says that tasks of the board have just got some.
    """
    site = board.site.name
    report = _connect(workspace, board.studio, site, board.project_id, model_version)
    if report.is_connected or are_new or any(model_version in task.model_versions for task in board.tasks.values()):
        _show(workspace, board.studio, site, board.project_id, model_version)
    return report


def _connect(workspace: Workspace, studio: Studio, site: str, project_id: int, model_version: str) -> ConnectReport:
    url, password = url_of(workspace.settings, site), password_of(workspace.settings, site)
    if obstacle := _obstacle(url, password):
        return ConnectReport(False, url, model_version, because=obstacle)
    try:
        is_new = studio.ensure_ml_backend(project_id, url, user=ML_USER, password=password, title=model_version)
    except LabelStudioError as error:
        return ConnectReport(False, url, model_version, because=error.found.partition(". ")[0])
    return ConnectReport(True, url, model_version, is_new)


def _obstacle(url: str, password: str) -> str:
    if not password:
        return "this workspace has no key yet; `workbench up` makes one"
    if is_loopback(url):
        return (
            f"Label Studio does not call {url}, a loopback address that others share; "
            "set WORKBENCH_PUBLIC_URL to an address of the workbench's own"
        )
    return ""


def _show(workspace: Workspace, studio: Studio, site: str, project_id: int, model_version: str) -> None:
    studio.show_predictions_of(project_id, model_version)
    workspace.store.reactions.show(site, project_id, model_version)
