"""The frames of a dataset version or a golden set, with the pictures that lie in the frame store."""

from collections.abc import Collection, Sequence

from workbench.datasets import Manifest, ManifestRow, StoredRows, load_manifest
from workbench.domain import DatasetVersion, Split
from workbench.errors import DatasetError, NotFoundError
from workbench.workflows.workspace import Workspace

__all__ = ["frames_of", "gone_from", "learnt_from", "load_rows", "rows_learnt"]

_TOLD = 3
_BUILD_ANEW = "build anew with `workbench dataset build`: the answers followed to the covered pictures"


def load_rows(
    workspace: Workspace, version: DatasetVersion, split: Split, *, only_what_is_left: bool = False
) -> StoredRows:
    """Return the rows of one split; a picture is read and verified when its row is asked for.

    Raises DatasetError where pictures are gone, because they were covered since; ``only_what_is_left`` leaves their
    rows out instead.
    """
    manifest = load_manifest(version)
    rows = manifest.of(split)
    if only_what_is_left:
        gone = gone_from(workspace, manifest.site, rows)
        rows = tuple(row for row in rows if row.frame_id not in gone)
    return frames_of(workspace, manifest.site, rows, what=f"dataset version {version.id[:12]}")


def frames_of(
    workspace: Workspace, site: str, rows: Sequence[ManifestRow], *, what: str, remedy: str = _BUILD_ANEW
) -> StoredRows:
    """Return ``rows`` with their pictures; DatasetError when some are gone, in which ``what`` names their set."""
    if gone := gone_from(workspace, site, rows):
        told = ", ".join(sorted(frame_id[:12] for frame_id in gone)[:_TOLD])
        raise DatasetError(
            expected=f"the pictures of all {len(rows)} frames that are asked of {what}",
            found=f"that {len(gone)} are gone ({told}{' and others' if len(gone) > _TOLD else ''}), as happens when "
            "parts of a view are hidden",
            remedy=remedy,
        )
    return StoredRows(rows, workspace.frame_files.read)


def gone_from(workspace: Workspace, site: str, rows: Collection[ManifestRow]) -> set[str]:
    """Return the ids of those of ``rows`` that the catalogue has no longer."""
    wanted = {row.frame_id for row in rows}
    return wanted - workspace.store.footage.known(site, wanted)


def learnt_from(workspace: Workspace, dataset_id: str, rows: Collection[ManifestRow]) -> int | None:
    """Return of how many of ``rows`` a model learns that is tuned on the version, or has its weights chosen by them.

    A frame is told by its instant, which stays when it is covered. None where the version is not known or gone.
    """
    manifest = _manifest(workspace, dataset_id)
    if manifest is None:
        return None
    learnt = {(row.clip_id, row.offset_s) for row in manifest.rows if row.split is not Split.TEST}
    return sum((row.clip_id, row.offset_s) in learnt for row in rows)


def rows_learnt(workspace: Workspace, dataset_id: str) -> Sequence[ManifestRow]:
    """Return the rows that a model learns which is tuned on the version; none where that is not known or gone."""
    manifest = _manifest(workspace, dataset_id)
    return manifest.of(Split.TRAIN) if manifest else ()


def _manifest(workspace: Workspace, dataset_id: str) -> Manifest | None:
    try:
        return load_manifest(workspace.store.datasets.get(dataset_id or "none"))
    except (DatasetError, NotFoundError):
        return None
