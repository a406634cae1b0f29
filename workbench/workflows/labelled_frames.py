"""The labelled frames of a site as rows of a manifest, with what is held to be true about each."""

from collections.abc import Collection, Iterable

from workbench.datasets import ManifestRow
from workbench.domain import Frame, SettledAnswer, Split
from workbench.errors import DatasetError
from workbench.workflows.answers import settled_answers
from workbench.workflows.workspace import Workspace

__all__ = ["labelled_rows", "require_clips", "row_of"]


def labelled_rows(workspace: Workspace, site: str, clips: Collection[str]) -> tuple[ManifestRow, ...]:
    """Return the labelled frames of ``clips`` (names), all in test; DatasetError when a clip has none."""
    settled = settled_answers(workspace.store, site)
    frames = workspace.store.footage.by_id(site, settled)
    require_clips(frames.values(), clips)
    chosen = {frame_id: frame for frame_id, frame in frames.items() if frame.clip_name in clips}
    return tuple(row_of(frame, settled[frame_id], Split.TEST) for frame_id, frame in chosen.items())


def row_of(frame: Frame, settled: SettledAnswer, split: Split) -> ManifestRow:
    answer = settled.answer
    return ManifestRow(
        frame_id=frame.id,
        camera=frame.camera,
        clip_id=frame.clip_id,
        clip_name=frame.clip_name,
        offset_s=frame.offset_s,
        taken_at=frame.taken_at,
        class_name=answer.class_name,
        caption=answer.caption,
        split=split,
        annotators=tuple(sorted(settled.people)),
        replies=answer.replies,
        boxes=answer.boxes,
    )


def require_clips(frames: Iterable[Frame], clips: Collection[str]) -> None:
    """Raise DatasetError unless each of ``clips`` has one of ``frames``."""
    known = {frame.clip_name for frame in frames}
    if unknown := sorted({*clips} - known):
        raise DatasetError(
            expected="names of clips with labelled frames",
            found=", ".join(unknown),
            remedy="see their names under Datasets, or with `workbench dataset show --json`",
        )
