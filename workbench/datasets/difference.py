"""What changed from one dataset version to another."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from workbench.datasets.manifest import Manifest, ManifestRow
from workbench.domain import Answer, Split

__all__ = ["Change", "DatasetDiff", "Moved", "Relabelled", "difference"]


class Change(NamedTuple):
    """What is said otherwise of a frame (its class, caption, boxes or a question) and how it was and is said."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Relabelled:
    """A frame of both versions that is said to show something else."""

    frame_id: str
    camera: str
    taken_at: datetime
    before: Answer
    after: Answer

    @property
    def changes(self) -> tuple[Change, ...]:
        said, now = _texts(self.before), _texts(self.after)
        changes = (Change(what, said.get(what) or "–", now.get(what) or "–") for what in said | now)
        return tuple(change for change in changes if change.before != change.after)


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


def _texts(answer: Answer) -> dict[str, str]:
    boxes = (" ".join([box.label, *(f"{edge:.3g}" for edge in box.xyxy)]) for box in answer.boxes)
    return {"class": answer.class_name, "caption": answer.caption, **answer.replies, "boxes": ", ".join(boxes)}
