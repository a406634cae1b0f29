"""Make a site and its cameras known, and try out where a camera streams."""

from collections.abc import Sequence
from functools import partial

from workbench.domain import Camera, Site, Taxonomy
from workbench.errors import NotFoundError, StorageError, UsageError
from workbench.footage.addresses import require_stream, without_credentials
from workbench.footage.privacy import covered
from workbench.footage.streams import StreamProbe, probe_stream
from workbench.workflows.sealing import seal, unseal
from workbench.workflows.workspace import Workspace

__all__ = ["add_camera", "add_site", "stream_address", "try_stream"]


def add_site(
    workspace: Workspace, name: str, class_names: Sequence[str], *, taxonomy: Taxonomy | None = None, actor: str
) -> Site:
    """Make ``name`` a site whose frames are one of ``class_names``, the classes of ``taxonomy`` where one is given.

    The same call again changes nothing.

    Raises:
        UsageError: The site is there with other classes, or other things are asked there; or two names are alike.
    """
    site = Site(name, tuple(class_names))
    (taxonomy or Taxonomy.of(site)).require_told_apart()
    store = workspace.store
    with store.transaction():
        if site not in store.sites.all():
            store.sites.add(site)
            if taxonomy is not None:
                store.sites.set_taxonomy(name, taxonomy)
            store.audit.append(actor=actor, action="site.add", subject=name, detail={"class_names": list(class_names)})
        elif taxonomy not in (None, store.sites.taxonomy(name)):
            raise UsageError(
                expected=f"what is asked at site {name}, which is there",
                found="another taxonomy",
                remedy=f"change it with `workbench taxonomy set FILE --site {name}`",
            )
    return site


def add_camera(workspace: Workspace, site: str, name: str, *, stream: str | None = None, actor: str) -> Camera:
    """Make ``name`` a camera of ``site``; ``stream``, the address at which it streams, replaces one given before.

    The address is stored encrypted, and shown without user, password and query. The same call again changes nothing.

    Raises:
        FootageError: No address of a stream.
        NotFoundError: An unknown site.
    """
    if stream:
        require_stream(stream)
    with workspace.store.transaction():
        if name not in {camera.name for camera in workspace.store.sites.cameras(site)}:
            workspace.store.sites.add_camera(Camera(site, name))
            workspace.store.audit.append(actor=actor, action="camera.add", subject=site, detail={"camera": name})
        if stream and stream != _known_address(workspace, site, name):
            shown = without_credentials(stream)
            workspace.store.streams.set_address(site, name, address=shown, sealed=seal(workspace, stream))
            detail = {"camera": name, "address": shown}
            workspace.store.audit.append(actor=actor, action="camera.stream", subject=site, detail=detail)
        return workspace.store.sites.camera(site, name)


def stream_address(workspace: Workspace, site: str, camera: str) -> str:
    """Return the whole address at which a camera streams, password and all.

    Raises:
        NotFoundError: An unknown site or camera, or one without an address.
        StorageError: It was encrypted with another key.
    """
    workspace.store.sites.camera(site, camera)
    sealed = workspace.store.streams.sealed_address(site, camera)
    return unseal(workspace, sealed, what=f"the address of camera {camera}")


def try_stream(workspace: Workspace, *, site: str, camera: str, stream: str | None = None) -> StreamProbe:
    """Connect to ``stream``, or to where ``camera`` streams, and return what its first picture is; nothing is stored.

    Of a camera that is known the picture shows what its stills show, hidden areas covered.

    Raises:
        FootageError: No address of a stream, or no picture came, and why.
        NotFoundError: No address was given and the camera has none.
    """
    known = {one.name: one for one in workspace.store.sites.cameras(site)}.get(camera)
    url = stream or stream_address(workspace, site, camera)
    return probe_stream(url, prepare=partial(covered, camera=known or Camera(site, "new")))


def _known_address(workspace: Workspace, site: str, camera: str) -> str | None:
    """Return the camera's address; None when it has none, or one that nobody can read any more."""
    try:
        return stream_address(workspace, site, camera)
    except (NotFoundError, StorageError):
        return None
