"""What changed from one dataset version to another."""

from dataclasses import dataclass
from datetime import datetime

from workbench.datasets.manifest import Manifest, ManifestRow
from workbench.domain import Answer, Split

__all__ = ["DatasetDiff", "Moved", "Relabelled", "difference"]


@dataclass(frozen=True)
class Relabelled:
    """A frame of both versions that is said to show something else."""

    frame_id: str
    camera: str
    taken_at: datetime
    before: Answer
    after: Answer


@dataclass(frozen=True)
class Moved:
    """A frame of both versions that went to another split."""

    frame_id: str
    camera: str
    taken_at: datetime
    before: Split
    after: Split


@dataclass(frozen=True)
class DatasetDiff:
    """A frame may be both relabelled and moved; frames that did not change are counted in ``unchanged``."""

    added: tuple[ManifestRow, ...]
    removed: tuple[ManifestRow, ...]
    relabelled: tuple[Relabelled, ...]
    moved: tuple[Moved, ...]
    unchanged: int


def difference(before: Manifest, after: Manifest) -> DatasetDiff:
    """Return what has to be done to ``before`` to get the frames, answers and splits of ``after``."""
    old = {row.frame_id: row for row in before.rows}
    new = {row.frame_id: row for row in after.rows}
    both = [(old[frame_id], row) for frame_id, row in new.items() if frame_id in old]
    return DatasetDiff(
        added=tuple(row for frame_id, row in new.items() if frame_id not in old),
        removed=tuple(row for frame_id, row in old.items() if frame_id not in new),
        relabelled=tuple(
            Relabelled(now.frame_id, now.camera, now.taken_at, was.answer, now.answer)
            for was, now in both
            if was.answer != now.answer
        ),
        moved=tuple(
            Moved(now.frame_id, now.camera, now.taken_at, was.split, now.split)
            for was, now in both
            if was.split != now.split
        ),
        unchanged=sum(was.answer == now.answer and was.split == now.split for was, now in both),
    )
