"""A reviewer chooses the frames of a site's golden set, which are frozen as they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.datasets import Manifest, load_manifest
from workbench.domain import DatasetVersion, GoldenSet, Split, User, utc_now
from workbench.errors import DatasetError
from workbench.workflows.dataset_rows import frames_of
from workbench.workflows.labelled_frames import labelled_rows
from workbench.workflows.review_answers import require_reviewer
from workbench.workflows.workspace import Workspace

__all__ = ["FrozenGolden", "freeze_golden"]


@dataclass(frozen=True)
class FrozenGolden:
    """``seen`` of the frames are ones that the champion was trained on: these cannot tell how good it is."""

    golden: GoldenSet
    seen: int


def freeze_golden(
    workspace: Workspace,
    *,
    site: str,
    actor: User,
    version: DatasetVersion | None = None,
    clips: Sequence[str] = (),
    note: str = "",
) -> FrozenGolden:
    """Freeze the test frames of ``version``, or the labelled frames of ``clips`` (names), as the site's golden set.

    The same frames with the same answers are the same set and change nothing.

    Raises:
        AccessError: Not a reviewer.
        DatasetError: No frames, of unknown clips, or whose pictures are gone.
    """
    reviewer = require_reviewer(workspace.store, actor)
    taxonomy = workspace.store.sites.taxonomy(site)
    rows = load_manifest(version).of(Split.TEST) if version else labelled_rows(workspace, site, clips)
    if not rows:
        raise DatasetError(
            expected=f"labelled frames of site {site} to freeze",
            found=f"none in {', '.join(clips)}" if clips else "none",
            remedy="choose a dataset version with a test split, or clips with labelled frames",
        )
    manifest = Manifest(
        site=site,
        class_names=taxonomy.class_names,
        parent_id=None,
        seed=0,
        gaps_s={},
        dropped=(),
        problems=(),
        rows=tuple(sorted(rows, key=lambda row: (row.camera, row.taken_at, row.frame_id))),
        questions=taxonomy.questions,
    )
    frames_of(workspace, manifest, manifest.rows, what="what is to be the golden set")
    golden = GoldenSet(manifest.id, site, len(rows), reviewer.name, utc_now(), note.strip())
    with workspace.store.transaction():
        if golden.id not in {known.id for known in workspace.store.golden_sets.all(site)}:
            workspace.store.golden_sets.add(golden, manifest.text)
            detail = {"golden_id": golden.id, "frames": golden.frames, "clips": list(clips), "note": golden.note}
            workspace.store.audit.append(actor=reviewer.name, action="golden.freeze", subject=site, detail=detail)
    return FrozenGolden(workspace.store.golden_sets.get(site, golden.id), _seen_by_champion(workspace, manifest))


def _seen_by_champion(workspace: Workspace, golden: Manifest) -> int:
    number = workspace.store.promotions.champion(golden.site)
    if number is None:
        return 0
    trained_on = workspace.store.promotions.get(golden.site, number).dataset_id
    learnt = {
        row.frame_id
        for version in workspace.store.datasets.all(golden.site)
        if version.id == trained_on
        for row in load_manifest(version).rows
        if row.split is not Split.TEST
    }
    return sum(row.frame_id in learnt for row in golden.rows)
