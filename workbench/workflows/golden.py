"""The golden set of a site: frames that decide on promotion and are never trained on.

A golden set is content-addressed and never changed; a new one is added beside it and is in force from then on. The
frames of every golden set that ever was stay out of training, and so do their neighbours in time and their copies.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from workbench.datasets import ManifestRow, StoredRows, load_manifest, text_to_manifest
from workbench.datasets.leak_report import Leak
from workbench.domain import DatasetVersion, GoldenSet
from workbench.errors import DatasetError
from workbench.progress import Progress, silent
from workbench.workflows.dataset_rows import frames_of, gone_from
from workbench.workflows.leak_check import check_leaks
from workbench.workflows.workspace import Workspace

__all__ = ["golden_rows", "golden_seen_by", "load_golden", "require_no_golden"]

_TOLD = 3


def load_golden(workspace: Workspace, site: str, golden_id: str = "") -> tuple[GoldenSet, StoredRows]:
    """Return a golden set of the site (how its id begins, or the newest) with its frames, each verified when asked for.

    Raises NotFoundError when there is none, and DatasetError when pictures are gone: then it has to be frozen anew.
    """
    golden = workspace.store.golden_sets.get(site, golden_id)
    manifest = text_to_manifest(workspace.store.golden_sets.manifest(golden))
    return golden, frames_of(
        workspace,
        site,
        manifest.rows,
        what=f"golden set {golden.id[:12]}",
        remedy="have a reviewer freeze the same clips anew: the answers followed to the covered pictures",
    )


def golden_rows(workspace: Workspace, site: str, *, but: Collection[str] = ()) -> tuple[ManifestRow, ...]:
    """Return the frames of every golden set that the site ever had, but those of the sets ``but``, each once.

    Of a frame that was covered since, the covered one stands in its place.
    """
    sets = workspace.store.golden_sets
    manifests = [text_to_manifest(sets.manifest(golden)) for golden in sets.all(site) if golden.id not in but]
    rows = {row.frame_id: row for manifest in manifests for row in manifest.rows}
    gone = gone_from(workspace, site, rows.values())
    now = _covered_since(workspace, site, [row for row in rows.values() if row.frame_id in gone])
    return tuple({one.frame_id: one for one in (now.get(row.frame_id, row) for row in rows.values())}.values())


def golden_seen_by(
    workspace: Workspace, version: DatasetVersion, *, progress: Progress = silent
) -> tuple[int, tuple[Leak, ...]]:
    """Return how many frames of train and validation are golden or near a golden frame, and pairs that show it.

    Golden sets that the version was built to keep off are not compared again.
    """
    manifest = load_manifest(version)
    golden = golden_rows(workspace, version.site, but=manifest.golden)
    if not golden:
        return 0, ()
    gone = gone_from(workspace, version.site, [*manifest.rows, *golden])
    check = check_leaks(workspace, manifest.rows, manifest.gaps_s, golden=golden, gone=gone, progress=progress)
    return len(check.places_near_golden), check.told(check.near_golden)


def require_no_golden(workspace: Workspace, version: DatasetVersion, *, progress: Progress = silent) -> None:
    """Refuse to train on ``version`` when it holds golden frames, or what shows the same; DatasetError tells them."""
    seen, leaks = golden_seen_by(workspace, version, progress=progress)
    if seen:
        told = ", ".join(f"{leak.other.frame_id[:12]} ({leak.other.clip_name})" for leak in leaks[:_TOLD])
        raise DatasetError(
            expected=f"no golden frame, nor one that shows the same, in what version {version.id[:12]} trains on",
            found=f"{seen} of them, such as {told}",
            remedy="build a new version with `workbench dataset build`, which leaves them out",
        )


def _covered_since(workspace: Workspace, site: str, gone: Sequence[ManifestRow]) -> dict[str, ManifestRow]:
    """Return each of ``gone``, by its old id, as the frame that its camera has of that instant now, if any."""
    by_clip: defaultdict[str, list[ManifestRow]] = defaultdict(list)
    for row in gone:
        by_clip[row.clip_name].append(row)
    found = {}
    for clip_name, rows in by_clip.items():
        frames = workspace.store.footage.frames_at(site, clip_name, [row.offset_s for row in rows])
        for row in rows:
            frame = frames.get(row.offset_s)
            if frame is not None and frame.camera == row.camera:
                found[row.frame_id] = replace(row, frame_id=frame.id)
    return found
