"""Which frames of a catalogue are meant, and where among them a page begins."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from workbench.domain import Frame

__all__ = ["Cursor", "FrameFilter", "FrameState"]


class FrameState(StrEnum):
    """How far a frame is: nobody was asked about it, somebody is being asked, or somebody has answered."""

    UNLABELLED = "unlabelled"
    IN_LABELLING = "in-labelling"
    LABELLED = "labelled"


@dataclass(frozen=True)
class FrameFilter:
    """What is None does not matter; ``since`` and ``until`` are timezone-aware and both belong to the span."""

    camera: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    state: FrameState | None = None
    clip_id: str | None = None


class Cursor(NamedTuple):
    """The place of a frame in the order of ``taken_at``, then ``id``; a page begins after it."""

    taken_at: datetime
    id: str

    @classmethod
    def of(cls, frame: Frame) -> "Cursor":
        return cls(frame.taken_at, frame.id)
