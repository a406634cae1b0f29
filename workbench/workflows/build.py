"""Freeze what people said about a site's frames as a dataset version, split without leaks."""

import gc
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from workbench.datasets import AllowedLeaks, FrameToSplit, Manifest, ManifestRow, load_manifest, split_frames
from workbench.datasets.leak_report import LeakOutcome, LeakReport
from workbench.domain import DatasetVersion, Frame, SettledAnswer, Split, Taxonomy, utc_now
from workbench.errors import DatasetError, UsageError
from workbench.progress import Progress, silent
from workbench.workflows.answers import settled_answers
from workbench.workflows.dataset_rows import gone_from
from workbench.workflows.describe_dataset import save_version
from workbench.workflows.golden import golden_rows
from workbench.workflows.labelled_frames import require_clips, row_of
from workbench.workflows.leak_check import LeakCheck, check_leaks
from workbench.workflows.workspace import Workspace

__all__ = ["BuildChoices", "build_dataset", "dataset_of"]

_SEED = 0
_MOST_LEFT_OUT = 0.02
_LEFT_OUT_ANYWAY = 10
_CLIPS_TOLD = 3
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


@dataclass(frozen=True)
class BuildChoices:
    """What a person may decide about a version.

    ``held_out_cameras`` go to test whole, ``left_out_clips`` (names) are not used. With a reason in ``allow_leaks``
    held-out frames may show what frames of earlier splits show. ``licence`` is an identifier of Hugging Face's list;
    without one the version before tells it.
    """

    held_out_cameras: tuple[str, ...] = ()
    left_out_clips: tuple[str, ...] = ()
    allow_leaks: str = ""
    licence: str = ""


def build_dataset(
    workspace: Workspace,
    site: str,
    *,
    actor: str,
    choices: BuildChoices | None = None,
    progress: Progress = silent,
) -> DatasetVersion:
    """Build the version of ``site``'s answers as they are now; its parent is the latest version so far.

    A frame is held to show what a reviewer decided, else what was said last, and the manifest names everybody. Frames
    that show what a frame of a later split shows are left out where they are few, as are those near a golden frame.
    The same answers and choices again give the latest version again and add nothing but its folder, where that is gone.

    Raises:
        DatasetError: Nothing is labelled, or one class alone, a class is unknown, a split stays empty, or more than a
            few frames leak.
        StorageError: The disk is full, or a picture that nobody compared yet is gone.
    """
    with _no_collecting():
        return _build(workspace, site, actor, choices or BuildChoices(), progress)


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


def _build(workspace: Workspace, site: str, actor: str, choices: BuildChoices, progress: Progress) -> DatasetVersion:
    store = workspace.store
    taxonomy = store.sites.taxonomy(site)
    settled = settled_answers(store, site)
    frames = store.footage.by_id(site, settled)
    _require_choices(workspace, site, choices, frames)
    _require_classes(site, taxonomy, settled)
    latest = next(iter(reversed(store.datasets.all(site))), None)
    build = _Build(workspace, site, taxonomy, replace(choices, licence=choices.licence or _licence_of(latest)), actor)
    check, planned = build.plan(frames, settled, progress)
    manifest, report = build.settle(check, planned)
    as_latest = replace(manifest, parent_id=latest.parent_id) if latest else None
    if latest is not None and as_latest is not None and as_latest.id == latest.id:
        save_version(workspace, as_latest, check, report, progress=progress)
        store.datasets.accept(site)
        return latest
    manifest = replace(manifest, parent_id=latest.id if latest else None)
    path = save_version(workspace, manifest, check, report, progress=progress)
    version = DatasetVersion(
        id=manifest.id,
        site=site,
        parent_id=manifest.parent_id,
        path=str(path),
        rows={split: len(manifest.of(split)) for split in Split},
        created_at=utc_now(),
    )
    build.record(version, manifest)
    return version


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Spare Python the search for garbage, which takes a third of the time among millions of values in use."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(frozen=True)
class _Build:
    workspace: Workspace
    site: str
    taxonomy: Taxonomy
    choices: BuildChoices
    actor: str

    def plan(
        self, frames: Mapping[str, Frame], settled: Mapping[str, SettledAnswer], progress: Progress
    ) -> tuple[LeakCheck, Manifest]:
        """Split the frames and compare their pictures; the manifest has all of them, leaks included."""
        golden = golden_rows(self.workspace, self.site)
        golden_ids = {row.frame_id for row in golden}
        usable = [
            frame
            for frame in frames.values()
            if frame.id not in golden_ids and frame.clip_name not in self.choices.left_out_clips
        ]
        pins = self.workspace.store.labels.pins(self.site)
        to_split = [_to_split(frame, settled[frame.id], pins.get(frame.id)) for frame in usable]
        held_out = self.choices.held_out_cameras
        progress(0, None, f"splitting {len(to_split)} frames")
        plan = split_frames(to_split, seed=_SEED, held_out_cameras=held_out)
        rows = [row_of(frames[frame_id], settled[frame_id], split) for frame_id, split in plan.splits.items()]
        _require_splits(self.site, rows, all_pinned=all(frame.pinned_to for frame in to_split))
        rows.sort(key=lambda row: (row.split, row.camera, row.taken_at, row.frame_id))
        covered = gone_from(self.workspace, self.site, golden)
        check = check_leaks(self.workspace, rows, plan.gaps_s, golden=golden, gone=covered, progress=progress)
        return check, Manifest(
            site=self.site,
            class_names=self.taxonomy.class_names,
            seed=_SEED,
            gaps_s=plan.gaps_s,
            dropped=plan.dropped,
            problems=plan.problems,
            rows=tuple(rows),
            questions=self.taxonomy.questions,
            licence=self.choices.licence,
            held_out_cameras=tuple(sorted(held_out)),
            left_out_clips=tuple(sorted(self.choices.left_out_clips)),
            golden=tuple(sorted(one.id for one in self.workspace.store.golden_sets.all(self.site))),
            near_golden=tuple(sorted(golden_ids & frames.keys())),
        )

    def settle(self, check: LeakCheck, planned: Manifest) -> tuple[Manifest, LeakReport]:
        """Leave out what leaks, or record who allowed it, or refuse; return what stays and what to tell."""
        rows, near_golden = planned.rows, check.places_near_golden
        copies = {pair.other for pair in check.pairs}
        if self.choices.allow_leaks:
            outcome, left_out = LeakOutcome.ALLOWED if check.pairs else LeakOutcome.NONE, near_golden
        else:
            outcome, left_out = LeakOutcome.LEFT_OUT if check.pairs else LeakOutcome.NONE, near_golden | copies
            if len(copies) > max(_LEFT_OUT_ANYWAY, _MOST_LEFT_OUT * len(rows)):
                self._refuse(check)
        kept = tuple(row for place, row in enumerate(rows) if place not in left_out)
        _require_splits(self.site, kept, all_pinned=not any(row.split is Split.VALIDATION for row in rows))
        manifest = replace(
            planned,
            rows=kept,
            near_golden=tuple(sorted({*planned.near_golden, *(rows[place].frame_id for place in near_golden)})),
            copies=() if self.choices.allow_leaks else tuple(sorted(rows[place].frame_id for place in copies)),
        )
        if outcome is LeakOutcome.ALLOWED:
            manifest = replace(manifest, allowed_leaks=self._allowed(check))
        return manifest, check.report(outcome, check.without(left_out), check.pairs)

    def record(self, version: DatasetVersion, manifest: Manifest) -> None:
        """Make the version known, with what was allowed for it."""
        store = self.workspace.store
        sizes = {split.value: rows for split, rows in version.rows.items()}
        detail = {"dataset_id": version.id, "rows": sizes, "parent_id": version.parent_id}
        with store.transaction():
            store.datasets.add(version)
            store.datasets.accept(self.site)
            store.audit.append(actor=self.actor, action="dataset.build", subject=self.site, detail=detail)
            if (allowed := manifest.allowed_leaks) is not None:
                told = {"dataset_id": version.id, "frames": len(allowed.pairs), "reason": allowed.reason}
                store.audit.append(actor=self.actor, action="dataset.allow-leaks", subject=self.site, detail=told)

    def _allowed(self, check: LeakCheck) -> AllowedLeaks:
        nearest = {pair.held_out: pair.other for pair in reversed(check.pairs)}
        pairs = sorted((check.rows[held].frame_id, check.rows[other].frame_id) for held, other in nearest.items())
        return AllowedLeaks(self.choices.allow_leaks.strip(), self.actor, tuple(pairs))

    def _refuse(self, check: LeakCheck) -> None:
        report = check.report(LeakOutcome.REFUSED, check, check.pairs)
        self.workspace.store.datasets.refuse(self.site, report.text, actor=self.actor, at=utc_now())
        clips = check.clips(check.pairs)
        told = ", ".join(f"{count} of {held} like {other}" for held, other, count in clips[:_CLIPS_TOLD])
        raise DatasetError(
            expected=f"no held-out frames of site {self.site} that show what frames of earlier splits show",
            found=f"{report.held_out_frames}: {told}{' and others' if len(clips) > _CLIPS_TOLD else ''}",
            remedy="look at the pairs under Datasets; leave one of the clips out with --leave-out-clip, or give a "
            "reason with --allow-leaks",
        )


def _to_split(frame: Frame, settled: SettledAnswer, pinned_to: Split | None) -> FrameToSplit:
    return FrameToSplit(frame.id, frame.camera, frame.clip_id, frame.taken_at, settled.answer.class_name, pinned_to)


def _licence_of(latest: DatasetVersion | None) -> str:
    try:
        return load_manifest(latest).licence if latest else "other"
    except DatasetError:  # its folder is gone, and is about to be made again
        return "other"


def _require_choices(workspace: Workspace, site: str, choices: BuildChoices, frames: Mapping[str, Frame]) -> None:
    for camera in choices.held_out_cameras:
        workspace.store.sites.camera(site, camera)
    require_clips(frames.values(), choices.left_out_clips)
    if choices.licence and not _LICENCE.fullmatch(choices.licence):
        raise UsageError(
            expected="a licence as Hugging Face names it, such as cc-by-4.0 or other",
            found=repr(choices.licence),
            remedy="correct it",
        )


def _require_classes(site: str, taxonomy: Taxonomy, settled: Mapping[str, SettledAnswer]) -> None:
    counts = Counter(one.answer.class_name for one in settled.values())
    if not counts:
        raise DatasetError(
            expected=f"annotated frames at site {site}",
            found="none",
            remedy="label some in Label Studio and fetch them with `workbench label pull`",
        )
    if unknown := sorted(set(counts) - set(taxonomy.class_names)):
        raise DatasetError(
            expected=f"the classes {', '.join(taxonomy.class_names)}",
            found=f"annotations of {', '.join(unknown)}",
            remedy="correct them in Label Studio and pull again",
        )
    if len(counts) < 2:
        raise DatasetError(
            expected=f"annotated frames of at least two classes of site {site}",
            found=f"{', '.join(counts)} alone",
            remedy="label frames that show another class",
        )


def _require_splits(site: str, rows: Sequence[ManifestRow], *, all_pinned: bool) -> None:
    """Refuse an empty split, except for validation where people pinned every frame elsewhere."""
    empty = [split for split in Split if not any(row.split == split for row in rows)]
    if empty and not (all_pinned and empty == [Split.VALIDATION]):
        raise DatasetError(
            expected=f"frames of site {site} for train, validation and test",
            found=f"none for {' and '.join(empty)} among {len(rows)} usable frames",
            remedy="label more frames, of other clips or of longer stretches, or pin fewer of them to one split",
        )
