"""What reviewers make of labellers' answers: decisions, answers known beforehand, and who answers how much."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from workbench.domain.labels import Annotation, Answer
from workbench.errors import UsageError

__all__ = ["Decision", "DecisionKind", "GoldAnswer", "OverlapRule", "SettledAnswer"]


class DecisionKind(StrEnum):
    ACCEPTED = "accepted"
    FIXED = "fixed"
    SENT_BACK = "sent back"


@dataclass(frozen=True)
class Decision:
    """What ``reviewer`` made of a frame when labellers had ``said`` this; a frame sent back has no ``answer``."""

    frame_id: str
    kind: DecisionKind
    answer: Answer | None
    said: tuple[Annotation, ...]
    reviewer: str
    at: datetime
    note: str = ""

    def __post_init__(self) -> None:
        if (self.answer is None) != (self.kind is DecisionKind.SENT_BACK):
            raise UsageError(
                expected="an answer with every decision but one that sends a frame back",
                found=f"a frame {self.kind} {'without' if self.answer is None else 'with'} one",
                remedy="give the answer that is right, or a note for the labellers",
            )

    @property
    def seen(self) -> Mapping[int, datetime]:
        """When each annotation that was looked at had been changed last, by its id."""
        return {annotation.annotation_id: annotation.updated_at for annotation in self.said}

    def knew(self, annotation: Annotation) -> bool:
        """Tell whether ``annotation``, as it is, was there when this was decided."""
        return self.seen.get(annotation.annotation_id) == annotation.updated_at


@dataclass(frozen=True)
class GoldAnswer:
    """The known answer to a frame by which labellers are measured."""

    frame_id: str
    answer: Answer
    added_by: str
    added_at: datetime


@dataclass(frozen=True)
class OverlapRule:
    """``share`` of a site's frames are answered by that many ``labellers``, the rest by one."""

    share: float = 0.0
    labellers: int = 2

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or self.labellers < 2:
            raise UsageError(
                expected="a share from 0 to 1 of the frames, answered by at least two labellers",
                found=f"{self.share:g} by {self.labellers}",
                remedy="correct them; a share of 0 has every frame answered once",
            )


@dataclass(frozen=True)
class SettledAnswer:
    """What is held to be true about a frame, and everybody who had a say in it; the last of ``people`` settled it."""

    answer: Answer
    people: tuple[str, ...] = field(default=())
