"""The frames of a dataset version or a golden set, with the pictures that lie in the frame store."""

from collections.abc import Sequence

from workbench.datasets import Manifest, ManifestRow, StoredRows, load_manifest
from workbench.domain import DatasetVersion, Split
from workbench.errors import DatasetError
from workbench.workflows.workspace import Workspace

__all__ = ["frames_of", "gone_from", "load_rows"]

_TOLD = 3


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
    return frames_of(workspace, manifest, rows, what=f"dataset version {version.id[:12]}")


def frames_of(workspace: Workspace, manifest: Manifest, rows: Sequence[ManifestRow], *, what: str) -> StoredRows:
    """Return ``rows`` with their pictures; DatasetError when some are gone, in which ``what`` names their set."""
    if gone := gone_from(workspace, manifest.site, rows):
        told = ", ".join(sorted(frame_id[:12] for frame_id in gone)[:_TOLD])
        raise DatasetError(
            expected=f"the pictures of all {len(rows)} frames that are asked of {what}",
            found=f"that {len(gone)} are gone ({told}{' and others' if len(gone) > _TOLD else ''}), as happens when "
            "parts of a view are hidden",
            remedy="build anew with `workbench dataset build`: the answers followed to the covered pictures",
        )
    return StoredRows(rows, workspace.frame_files.read)


def gone_from(workspace: Workspace, site: str, rows: Sequence[ManifestRow]) -> set[str]:
    """Return the ids of those of ``rows`` that the catalogue has no longer."""
    wanted = {row.frame_id for row in rows}
    return wanted - workspace.store.footage.known(site, wanted)
