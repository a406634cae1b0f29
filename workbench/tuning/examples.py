"""What a labelled frame teaches: instructions in the wording of production, with the answers of a person."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from workbench.domain import LabelledFrame
from workbench.models.instructions import CAPTION_INSTRUCTION, class_instruction, class_text
from workbench.recipe import Tasks

SITE_TASKS = tuple(Tasks.model_fields)
GENERAL = "general"
TASKS = (*SITE_TASKS, GENERAL)


@dataclass(frozen=True)
class Example:
    """One instruction with its answer; ``task`` is one of ``TASKS``, ``weight`` its share in the loss."""

    task: str
    instruction: str
    answer: str
    weight: float


@dataclass(frozen=True)
class TaughtFrame:
    """A frame with what it teaches; ``read`` gives its JPEG file when it is looked at."""

    frame_id: str
    examples: tuple[Example, ...]
    read: Callable[[], bytes]


@dataclass(frozen=True)
class GeneralFrame:
    """A frame of no site, with instructions and answers: what a model is to keep knowing."""

    frame_id: str
    image_jpeg: bytes
    questions: tuple[tuple[str, str], ...]

    def taught(self) -> TaughtFrame:
        examples = tuple(Example(GENERAL, instruction, answer, 1.0) for instruction, answer in self.questions)
        return TaughtFrame(self.frame_id, examples, lambda: self.image_jpeg)


@dataclass(frozen=True)
class Lesson:
    """What the frames of a site teach: which tasks, about which classes, and how much each class counts."""

    tasks: Tasks
    class_names: Sequence[str]
    class_weights: Mapping[str, float]

    def examples_of(self, frame: LabelledFrame) -> tuple[Example, ...]:
        """Return the examples of ``frame``; the classes are listed in the site's order, as in production."""
        weight = self.class_weights.get(frame.class_name, 1.0)
        said = {
            "caption": (CAPTION_INSTRUCTION, frame.caption),
            "class_choice": (class_instruction(self.class_names), class_text(frame.class_name)),
        }
        weights = {task: weight * getattr(self.tasks, task) for task in SITE_TASKS}
        return tuple(Example(task, *said[task], weights[task]) for task in SITE_TASKS if weights[task] > 0)

    def taught(self, frames: Sequence[LabelledFrame]) -> list[TaughtFrame]:
        """Return the frames with their examples; pictures are read again when they are looked at, not kept."""
        return [
            TaughtFrame(frame.frame_id, self.examples_of(frame), partial(_picture, frames, place))
            for place, frame in enumerate(frames)
        ]


def class_weights(class_names: Sequence[str], class_weighting: float) -> dict[str, float]:
    """Return ``n ** -class_weighting`` of each class with ``n`` frames, scaled to a mean of 1 over the frames.

    ``class_names`` has one name per frame.
    """
    counts = Counter(class_names)
    raw = {name: count**-class_weighting for name, count in counts.items()}
    mean = sum(raw[name] * count for name, count in counts.items()) / len(class_names)
    return {name: weight / mean for name, weight in raw.items()}


def _picture(frames: Sequence[LabelledFrame], place: int) -> bytes:
    return frames[place].image_jpeg
