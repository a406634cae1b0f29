"""The golden set of a site: frames that decide on promotion and are never trained on.

A golden set is content-addressed and never changed; a new one is added beside it and is in force from then on. The
frames of every golden set that ever was stay out of training, and so do their neighbours in time and their copies.
"""

from workbench.datasets import ManifestRow, StoredRows, load_manifest, text_to_manifest
from workbench.datasets.leak_report import Leak, leaks_of
from workbench.domain import DatasetVersion, GoldenSet, Split
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
    return golden, frames_of(workspace, manifest, manifest.rows, what=f"golden set {golden.id[:12]}")


def golden_rows(workspace: Workspace, site: str) -> tuple[ManifestRow, ...]:
    """Return the frames of every golden set that the site ever had, each once."""
    sets = workspace.store.golden_sets
    manifests = [text_to_manifest(sets.manifest(golden)) for golden in sets.all(site)]
    return tuple({row.frame_id: row for manifest in manifests for row in manifest.rows}.values())


def golden_seen_by(
    workspace: Workspace, version: DatasetVersion, *, progress: Progress = silent
) -> tuple[int, tuple[Leak, ...]]:
    """Return how many frames of train and validation are golden or near a golden frame, and pairs that show it."""
    golden = golden_rows(workspace, version.site)
    if not golden:
        return 0, ()
    manifest = load_manifest(version)
    rows = [row for row in manifest.rows if row.split is not Split.TEST]
    gone = gone_from(workspace, version.site, [*rows, *golden])
    check = check_leaks(workspace, rows, manifest.gaps_s, golden=golden, gone=gone, progress=progress)
    parts = [*(row.split.value for row in rows), *("golden" for _ in golden)]
    return len(check.places_near_golden), leaks_of(check.near_golden, check.rows, parts, check.looks)


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
