"""What a labelled frame teaches: instructions in the wording of production, with the answers of a person."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.domain import LabelledFrame
from workbench.models.instructions import CAPTION_INSTRUCTION, class_instruction, class_text
from workbench.recipe import Tasks


@dataclass(frozen=True)
class Example:
    """One instruction with its answer; ``task`` is its name in ``Tasks``, ``weight`` its share in the loss."""

    task: str
    instruction: str
    answer: str
    weight: float


def examples_of(frame: LabelledFrame, class_names: Sequence[str], tasks: Tasks) -> tuple[Example, ...]:
    """Return the examples of ``frame``; the classes are listed in the site's order, as in production."""
    caption = Example("caption", CAPTION_INSTRUCTION, frame.caption, tasks.caption)
    class_choice = Example(
        "class_choice", class_instruction(class_names), class_text(frame.class_name), tasks.class_choice
    )
    return tuple(example for example in (caption, class_choice) if example.weight > 0)
