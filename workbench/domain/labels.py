"""What is asked about frames, what models guess and what people say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from workbench.errors import UsageError

__all__ = ["Annotation", "Answer", "Box", "LabelTask", "Prediction"]


@dataclass(frozen=True)
class LabelTask:
    """A request for a person's say on a frame; ``reason`` tells why this frame was chosen."""

    frame_id: str
    task_id: int
    project_id: int
    reason: str


@dataclass(frozen=True)
class Box:
    """A labelled rectangle; ``xyxy`` are its left, top, right and bottom as parts of width and height."""

    label: str
    xyxy: tuple[float, float, float, float]

    def __post_init__(self) -> None:
        left, top, right, bottom = self.xyxy
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise UsageError(
                expected="a box whose left, top, right and bottom are parts of width and height from 0 to 1",
                found=" ".join(f"{edge:g}" for edge in self.xyxy),
                remedy="correct its edges",
            )


@dataclass(frozen=True)
class Answer:
    """Something said about a frame: its class, a caption, ``replies`` by the question's name, and boxes."""

    class_name: str
    caption: str
    replies: Mapping[str, str] = field(default_factory=dict)
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Prediction:
    """What a model said about a frame; ``score`` is the probability of ``class_name``."""

    frame_id: str
    class_name: str
    caption: str
    model_version: str
    score: float


@dataclass(frozen=True)
class Annotation:
    """What a person said about a frame; ``replies`` and ``boxes`` are those of :class:`Answer`."""

    frame_id: str
    class_name: str
    caption: str
    labeller: str
    updated_at: datetime
    annotation_id: int
    replies: Mapping[str, str] = field(default_factory=dict)
    boxes: tuple[Box, ...] = ()

    @property
    def answer(self) -> Answer:
        return Answer(self.class_name, self.caption, self.replies, self.boxes)
