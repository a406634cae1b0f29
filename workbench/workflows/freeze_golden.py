"""A reviewer chooses the frames of a site's golden set, which are frozen as they are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workbench.datasets import Manifest, ManifestRow, load_manifest, text_to_manifest
from workbench.domain import DatasetVersion, GoldenSet, Split, Taxonomy, User, utc_now
from workbench.errors import DatasetError
from workbench.workflows.dataset_rows import frames_of, learnt_from
from workbench.workflows.labelled_frames import labelled_rows
from workbench.workflows.review_answers import require_reviewer
from workbench.workflows.workspace import Workspace

__all__ = ["FrozenGolden", "freeze_golden"]


@dataclass(frozen=True)
class FrozenGolden:
    """``seen`` of the frames are ones that the champion was trained on: these cannot tell how good it is.

    It is None where the version that the champion was trained on is gone, so that nobody can know.
    """

    golden: GoldenSet
    seen: int | None

    @property
    def warning(self) -> str:
        if self.seen is None:
            return "What the model in force was trained on is gone: nobody can tell whether it has seen them."
        return f"The model in force was trained on {self.seen} of them: build and tune anew." if self.seen else ""


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

    What is in force already is not frozen again; a set from before that is frozen again is a new one.

    Raises:
        AccessError: Not a reviewer.
        DatasetError: No frames, of unknown clips, of classes that the site has no longer, or whose pictures are gone.
    """
    reviewer = require_reviewer(workspace.store, actor)
    taxonomy = workspace.store.sites.taxonomy(site)
    rows = load_manifest(version).of(Split.TEST) if version else labelled_rows(workspace, site, clips)
    _require_usable(site, rows, taxonomy)
    manifest = Manifest(
        site=site,
        class_names=taxonomy.class_names,
        rows=tuple(sorted(rows, key=lambda row: (row.camera, row.taken_at, row.frame_id))),
        questions=taxonomy.questions,
    )
    frames_of(workspace, site, manifest.rows, what="what is to be the golden set")
    with workspace.store.transaction():
        golden = _in_force(workspace, manifest)
        if golden is None:
            before = workspace.store.golden_sets.all(site)
            manifest = replace(manifest, parent_id=before[-1].id if before else None)
            golden = GoldenSet(manifest.id, site, len(rows), reviewer.name, utc_now(), note.strip())
            workspace.store.golden_sets.add(golden, manifest.text)
            detail = {"golden_id": golden.id, "frames": golden.frames, "clips": list(clips), "note": golden.note}
            workspace.store.audit.append(actor=reviewer.name, action="golden.freeze", subject=site, detail=detail)
    return FrozenGolden(golden, _seen_by_champion(workspace, manifest))


def _in_force(workspace: Workspace, manifest: Manifest) -> GoldenSet | None:
    """Return the golden set in force if it holds just what ``manifest`` does."""
    sets = workspace.store.golden_sets
    for newest in sets.all(manifest.site)[-1:]:
        if replace(text_to_manifest(sets.manifest(newest)), parent_id=None).id == manifest.id:
            return newest
    return None


def _require_usable(site: str, rows: Sequence[ManifestRow], taxonomy: Taxonomy) -> None:
    if not rows:
        raise DatasetError(
            expected=f"labelled frames of site {site} to freeze",
            found="none",
            remedy="choose a dataset version with a test split, or clips with labelled frames",
        )
    if unknown := sorted({row.class_name for row in rows} - set(taxonomy.class_names)):
        raise DatasetError(
            expected=f"frames of the classes {', '.join(taxonomy.class_names)}",
            found=f"some of {', '.join(unknown)}",
            remedy="build a dataset version anew and freeze its test frames, or correct these answers",
        )


def _seen_by_champion(workspace: Workspace, golden: Manifest) -> int | None:
    number = workspace.store.promotions.champion(golden.site)
    if number is None:
        return 0
    trained_on = workspace.store.promotions.get(golden.site, number).dataset_id
    return learnt_from(workspace, trained_on, golden.rows)
