"""Label Studio's word that somebody answered: where it is posted, who may post it, and that it is written down.

A hook says only that something changed in a project. What changed is read from Label Studio, so hooks that come twice,
late or never change nothing but how soon it is known. Its header names the project and proves, by a key of this
workspace's, that the workbench gave it out; everybody in Label Studio can read it there, and can do no more with it.
"""

import hmac
import re
from typing import TYPE_CHECKING

from workbench.errors import LabelStudioError
from workbench.labeling.server import is_loopback
from workbench.settings import Settings
from workbench.workflows.keys import derived_key
from workbench.workflows.workspace import Workspace

if TYPE_CHECKING:
    from workbench.labeling.studio import Studio  # its SDK takes a second to load

__all__ = ["HOOK_HEADER", "HOOK_PATH", "ensure_webhook", "hook_token", "note_hooks", "project_of"]

HOOK_PATH = "/hooks/label-studio"
HOOK_HEADER = "X-Workbench-Hook"
_TOKEN = re.compile(r"([0-9]{1,18})\.[0-9a-f]{64}")


def hook_token(settings: Settings, project_id: int) -> str:
    """Return what the header of a project's hooks says: ``<project>.<hex HMAC-SHA256>``."""
    return f"{project_id}.{derived_key(settings.session_key, f'hook of project {project_id}')}"


def project_of(settings: Settings, token: str) -> int | None:
    """Return the project that ``token`` was made for; None when this workspace did not make it."""
    said = _TOKEN.fullmatch(token)
    if said is None:
        return None
    project_id = int(said[1])
    return project_id if hmac.compare_digest(hook_token(settings, project_id), token) else None


def ensure_webhook(workspace: Workspace, studio: "Studio", project_id: int) -> bool:
    """Have Label Studio tell of changes in the project, and tell whether it will.

    It will not where only this machine reaches the workbench: Label Studio posts to no loopback address, and should
    not, as servers that ask for no password listen there. Nor where it refuses the address for another reason.
    """
    settings = workspace.settings
    if not settings.session_key.get_secret_value():
        return False
    headers = {HOOK_HEADER: hook_token(settings, project_id)}
    if is_loopback(settings.resolved_public_url):
        studio.remove_webhooks(project_id, headers)
        return False
    try:
        studio.ensure_webhook(project_id, f"{settings.resolved_public_url}{HOOK_PATH}", headers)
    except LabelStudioError:
        return False
    return True


def note_hooks(workspace: Workspace, project_id: int, count: int = 1) -> None:
    """Write down that the sites of a project have hooks waiting; of a project of nobody here, nothing."""
    for site, number in workspace.store.labels.projects().items():
        if number == project_id:
            workspace.store.hooks.add(site, count)
