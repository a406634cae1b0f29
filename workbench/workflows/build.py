"""Freeze what people said about a site's frames as a dataset version, split without leaks."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from workbench.datasets import FrameToSplit, Manifest, ManifestRow, save_dataset, split_frames
from workbench.domain import Annotation, DatasetVersion, Frame, Site, Split, utc_now
from workbench.errors import DatasetError
from workbench.progress import Progress, silent
from workbench.workflows.workspace import Workspace

__all__ = ["build_dataset", "dataset_of"]

_SEED = 0


def build_dataset(workspace: Workspace, site: str, *, actor: str, progress: Progress = silent) -> DatasetVersion:
    """Build the version of ``site``'s annotations as they are now; its parent is the latest version so far.

    Of several people's annotations of one frame the latest counts, and the manifest names everybody. The same
    annotations again give the latest version again and add nothing but its folder, where that is gone.

    Raises:
        DatasetError: Nothing is annotated, or one class alone, a class is unknown, or a split stays empty.
        StorageError: The disk is full, or a frame's image is gone.
    """
    store = workspace.store
    known_site = store.sites.get(site)
    by_frame = _by_frame(store.labels.annotations(site))
    frames = store.footage.by_id(site, by_frame)
    _require_classes(known_site, by_frame)
    latest = next(iter(reversed(store.datasets.all(site))), None)
    manifest = _manifest(known_site, frames, by_frame, store.labels.pins(site))
    if latest is not None and replace(manifest, parent_id=latest.parent_id).id == latest.id:
        _save(workspace, replace(manifest, parent_id=latest.parent_id), progress)
        return latest
    manifest = replace(manifest, parent_id=latest.id if latest else None)
    path = _save(workspace, manifest, progress)
    version = DatasetVersion(
        id=manifest.id,
        site=site,
        parent_id=manifest.parent_id,
        path=str(path),
        rows={split: len(manifest.of(split)) for split in Split},
        created_at=utc_now(),
    )
    with store.transaction():
        store.datasets.add(version)
        detail = {"rows": {split.value: rows for split, rows in version.rows.items()}, "parent_id": version.parent_id}
        store.audit.append(
            actor=actor, action="dataset.build", subject=site, detail={"dataset_id": version.id, **detail}
        )
    return version


def dataset_of(workspace: Workspace, site: str, dataset_id: str | None) -> DatasetVersion:
    """Return the site's version whose id begins with ``dataset_id``, the latest when none is named."""
    if not dataset_id:
        return workspace.store.datasets.latest(site)
    version = workspace.store.datasets.get(dataset_id)
    if version.site != site:
        raise DatasetError(
            expected=f"a dataset version of {site}",
            found=f"{version.id[:12]} of {version.site}",
            remedy="name another dataset or another site",
        )
    return version


def _save(workspace: Workspace, manifest: Manifest, progress: Progress) -> Path:
    folder = workspace.settings.datasets_dir
    return save_dataset(manifest, folder, read_jpeg=workspace.frame_files.read, progress=progress)


def _by_frame(annotations: Sequence[Annotation]) -> dict[str, list[Annotation]]:
    """Return each frame's annotations, the latest last."""
    by_frame: defaultdict[str, list[Annotation]] = defaultdict(list)
    for annotation in sorted(annotations, key=lambda one: (one.updated_at, one.annotation_id)):
        by_frame[annotation.frame_id].append(annotation)
    return by_frame


def _require_classes(site: Site, by_frame: Mapping[str, Sequence[Annotation]]) -> None:
    counts = Counter(said[-1].class_name for said in by_frame.values())
    if not counts:
        raise DatasetError(
            expected=f"annotated frames at site {site.name}",
            found="none",
            remedy="label some in Label Studio and fetch them with `workbench label pull`",
        )
    if unknown := sorted(set(counts) - set(site.class_names)):
        raise DatasetError(
            expected=f"the classes {', '.join(site.class_names)}",
            found=f"annotations of {', '.join(unknown)}",
            remedy="correct them in Label Studio and pull again",
        )
    if len(counts) < 2:
        raise DatasetError(
            expected=f"annotated frames of at least two classes of site {site.name}",
            found=f"{', '.join(counts)} alone",
            remedy="label frames that show another class",
        )


def _manifest(
    site: Site,
    frames: Mapping[str, Frame],
    by_frame: Mapping[str, Sequence[Annotation]],
    pins: Mapping[str, Split],
) -> Manifest:
    to_split = [
        FrameToSplit(
            frame_id=frame_id,
            camera=frames[frame_id].camera,
            clip_id=frames[frame_id].clip_id,
            taken_at=frames[frame_id].taken_at,
            class_name=said[-1].class_name,
            pinned_to=pins.get(frame_id),
        )
        for frame_id, said in by_frame.items()
    ]
    plan = split_frames(to_split, seed=_SEED)
    rows = [_row(frames[frame_id], by_frame[frame_id], split) for frame_id, split in plan.splits.items()]
    _require_splits(site, rows, all_pinned=all(frame.pinned_to for frame in to_split))
    return Manifest(
        site=site.name,
        class_names=site.class_names,
        parent_id=None,
        seed=_SEED,
        gaps_s=plan.gaps_s,
        dropped=plan.dropped,
        problems=(*_never_labelled(site, rows), *plan.problems),
        rows=tuple(sorted(rows, key=lambda row: (row.split, row.camera, row.taken_at, row.frame_id))),
    )


def _row(frame: Frame, said: Sequence[Annotation], split: Split) -> ManifestRow:
    return ManifestRow(
        frame_id=frame.id,
        camera=frame.camera,
        clip_id=frame.clip_id,
        clip_name=frame.clip_name,
        offset_s=frame.offset_s,
        taken_at=frame.taken_at,
        class_name=said[-1].class_name,
        caption=said[-1].caption,
        split=split,
        annotators=tuple(sorted({annotation.labeller for annotation in said})),
    )


def _require_splits(site: Site, rows: Sequence[ManifestRow], *, all_pinned: bool) -> None:
    """Refuse an empty split, except for validation where people pinned every frame elsewhere."""
    empty = [split for split in Split if not any(row.split == split for row in rows)]
    if empty and not (all_pinned and empty == [Split.VALIDATION]):
        raise DatasetError(
            expected=f"frames of site {site.name} for train, validation and test",
            found=f"none for {' and '.join(empty)} among {len(rows)} usable frames",
            remedy="label more frames, of other clips or of longer stretches, or pin fewer of them to one split",
        )


def _never_labelled(site: Site, rows: Sequence[ManifestRow]) -> list[str]:
    labelled = {row.class_name for row in rows}
    return [f"no frame of class {name} is labelled" for name in site.class_names if name not in labelled]
