"""Make a site and its cameras known."""

from collections.abc import Sequence

from workbench.domain import Camera, Site
from workbench.workflows.workspace import Workspace


def add_site(workspace: Workspace, name: str, class_names: Sequence[str], *, actor: str) -> Site:
    """Make ``name`` a site whose frames are one of ``class_names``; the same call again changes nothing."""
    site = Site(name, tuple(class_names))
    with workspace.store.transaction():
        if site not in workspace.store.sites.all():
            workspace.store.sites.add(site)
            workspace.store.audit.append(
                actor=actor, action="site.add", subject=name, detail={"class_names": list(class_names)}
            )
    return site


def add_camera(workspace: Workspace, site: str, name: str, *, actor: str) -> Camera:
    """Make ``name`` a camera of ``site``; the same call again changes nothing."""
    with workspace.store.transaction():
        if name not in {camera.name for camera in workspace.store.sites.cameras(site)}:
            workspace.store.sites.add_camera(Camera(site, name))
            workspace.store.audit.append(actor=actor, action="camera.add", subject=site, detail={"camera": name})
        return workspace.store.sites.camera(site, name)
