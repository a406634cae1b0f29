"""Say what of a camera's view nobody is to see, and cover it in the stills that were taken before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workbench.datasets.disk import embeds_pictures
from workbench.domain import Camera, Frame, LabelTask, Mask
from workbench.errors import LabelStudioError, StorageError
from workbench.footage.pictures import decode_image, encode_jpeg
from workbench.footage.privacy import covered, is_covering
from workbench.progress import Progress, silent
from workbench.store import FOLDERS, FrameFilter
from workbench.tuning.feature_files import forget_features
from workbench.workflows.images import ImageLinks
from workbench.workflows.task_board import open_studio
from workbench.workflows.workspace import Workspace

__all__ = ["PrivacyReport", "hide"]

_AT_ONCE = 500


@dataclass(frozen=True)
class PrivacyReport:
    """``stills_covered`` were taken before; ``datasets`` and ``problems`` tell where uncovered copies may remain."""

    camera: Camera
    stills_covered: int
    datasets: tuple[str, ...]
    problems: tuple[str, ...]


def hide(
    workspace: Workspace,
    *,
    site: str,
    camera: str,
    masks: Sequence[Mask],
    faces: bool,
    actor: str,
    progress: Progress = silent,
) -> PrivacyReport:
    """Cover ``masks`` and, with ``faces``, faces in every still of ``camera``, those already stored included.

    A covered still has other bytes and therefore another id; its task, labels and pins go with it, and the uncovered
    file is deleted, as are its image features and pictures that were on their way when an ingest was killed. Masks that
    are taken away uncover nothing that was stored. Dataset versions hold no pictures: one that names a still which is
    covered now cannot be used any more and says so. Versions of earlier releases do hold some and are named in the
    report. Interrupted, the same call again goes on.

    Raises:
        NotFoundError: An unknown site or camera.
        StorageError: A disk or database that refuses; stills covered before stay covered.
    """
    known = workspace.store.sites.camera(site, camera)
    rules = replace(known, masks=tuple(masks), hides_faces=faces)
    with workspace.store.transaction():
        workspace.store.sites.set_camera(rules)
        ids = list(workspace.store.footage.frame_ids(site, FrameFilter(camera=camera))) if is_covering(rules) else []
        detail = {"camera": camera, "masks": len(rules.masks), "faces": faces, "stills": len(ids)}
        workspace.store.audit.append(actor=actor, action="camera.hide", subject=site, detail=detail)
    if not is_covering(rules):
        return PrivacyReport(rules, 0, (), ())
    forget_features(workspace.settings.features_dir, ids)
    changed, problems = _cover_all(workspace, site, ids, rules, progress)
    n_covered = len(ids) - len(problems)
    _sweep(workspace, progress)
    versions = workspace.store.datasets.all(site) if ids else []
    datasets = tuple(version.id for version in versions if embeds_pictures(version))
    problems += _tell_label_studio(workspace, changed, progress)
    return PrivacyReport(rules, n_covered, datasets, tuple(problems))


def _cover_all(
    workspace: Workspace, site: str, ids: Sequence[str], rules: Camera, progress: Progress
) -> tuple[list[tuple[LabelTask, str]], list[str]]:
    """Cover the stills; return the tasks of those that changed, with the new ids, and what could not be covered."""
    tasks, changed, problems = workspace.store.labels.tasks(site), list[tuple[LabelTask, str]](), list[str]()
    for start in range(0, len(ids), _AT_ONCE):
        some = workspace.store.footage.by_id(site, ids[start : start + _AT_ONCE])
        for done, frame in enumerate(some.values(), start=start + 1):
            try:
                jpeg = workspace.frame_files.read(frame.id)
            except StorageError as error:
                problems.append(str(error))
                continue
            new = _cover(workspace, frame, jpeg, rules)
            if new.id != frame.id and frame.id in tasks:
                changed.append((tasks[frame.id], new.id))
            progress(done, len(ids), "stills covered")
    return changed, problems


def _sweep(workspace: Workspace, progress: Progress) -> None:
    """Delete the pictures that were on their way when an ingest died; those who write some now wait for their turn."""
    store, files = workspace.store, workspace.frame_files
    with store.transaction():
        lost = store.footage.in_no_site(store.arrivals.unsettled())
        for picture_id in lost:
            files.delete(picture_id)
        store.prints.forget(lost)
        store.search.forget(lost)
        store.opinions.forget(lost)
    for done, folder in enumerate(FOLDERS, start=1):
        with store.transaction():
            files.sweep(folder)
        progress(done, len(FOLDERS), "folders swept")


def _cover(workspace: Workspace, frame: Frame, jpeg_before: bytes, camera: Camera) -> Frame:
    """Store the covered still in the place of ``frame`` and return it.

    The uncovered file goes before the catalogue's change is final, so that none is left that no row names; another
    site that shows the same picture keeps it.
    """
    jpeg = encode_jpeg(covered(decode_image(jpeg_before), camera))
    new = replace(frame, id=workspace.frame_files.write(jpeg.content), size_wh=jpeg.size_wh)
    if new.id != frame.id:
        with workspace.store.transaction():
            workspace.store.footage.replace(frame.site, {frame.id: new})
            if not workspace.store.footage.sites_with(frame.id):
                workspace.frame_files.delete(frame.id)
                workspace.store.prints.forget([frame.id])
                workspace.store.search.forget([frame.id])
                workspace.store.opinions.forget([frame.id])
    return new


def _tell_label_studio(
    workspace: Workspace, changed: Sequence[tuple[LabelTask, str]], progress: Progress
) -> tuple[str, ...]:
    """Point the tasks in Label Studio at the covered stills; the old links lead nowhere already."""
    if not changed:
        return ()
    links = ImageLinks(workspace.settings)
    try:
        open_studio(workspace).renew_image_urls(
            {task.task_id: (new_id, links.sign(new_id)) for task, new_id in changed}, progress
        )
    except LabelStudioError as error:
        return (f"{len(changed)} tasks show no picture until the next `workbench label push`: {error}",)
    return ()
