"""Answers that follow a change of words: a class, an option, a label of boxes or a question gets another name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.domain import Answer
from workbench.errors import UsageError
from workbench.labeling.results import LABELLING, Result, control_of
from workbench.labeling.taxonomy import BOXES, CLASS, Label

__all__ = ["QUESTION", "Rename", "Renames", "name_of"]

QUESTION = "question"
"""Where a rename names a control: it is the questions themselves that are renamed."""


@dataclass(frozen=True)
class Rename:
    """``old`` of a ``control`` (``class``, ``boxes``, ``question`` or a question's name) is called ``new``."""

    control: str
    old: str
    new: str

    @classmethod
    def parse(cls, text: str) -> "Rename":
        """Read ``truck=lorry``, ``boxes:truck=lorry``, ``hood:yes=worn`` or ``question:hood=headgear``."""
        left, equals, new = text.partition("=")
        control, old = left.split(":", 1) if ":" in left else (CLASS, left)
        control, old, new = control.strip(), old.strip(), new.strip()
        if not (equals and control and old and new) or old == new:
            raise UsageError(
                expected="a rename such as truck=lorry, boxes:truck=lorry or QUESTION:old option=new option",
                found=repr(text),
                remedy="write the old name, '=' and the new one",
            )
        return cls(BOXES if control == "box" else control, old, new)

    @property
    def label(self) -> Label:
        return self.control, self.old


@dataclass(frozen=True)
class Renames:
    """Renames that are made at once; none begins where another ends."""

    each: tuple[Rename, ...] = ()

    def __post_init__(self) -> None:
        olds = [one.label for one in self.each]
        if len(set(olds)) != len(olds) or any((one.control, one.new) in olds for one in self.each):
            raise UsageError(
                expected="renames of different names, none of which leads to another's old name",
                found=", ".join(f"{one.control}:{one.old}={one.new}" for one in self.each),
                remedy="rename in two steps",
            )

    def __bool__(self) -> bool:
        return bool(self.each)

    def control(self, name: str) -> str:
        """Return what a control is called afterwards."""
        return self._new((QUESTION, name))

    def label(self, control: str, label: str) -> Label:
        """Return what a label is called afterwards."""
        return self.control(control), self._new((control, label))

    def answer(self, answer: Answer) -> Answer:
        replies = dict(self.label(name, reply) for name, reply in answer.replies.items())
        boxes = tuple(replace(box, label=self._new((BOXES, box.label))) for box in answer.boxes)
        return Answer(self._new((CLASS, answer.class_name)), answer.caption, replies, boxes)

    def result(self, result: Sequence[Mapping[str, Any]]) -> Result:
        """Return the regions of Label Studio in the new words."""
        return [self._region(region) for region in result]

    def _region(self, region: Mapping[str, Any]) -> dict[str, Any]:
        name, kind, value = str(region.get("from_name")), region.get("type"), region.get("value")
        if kind not in LABELLING or not isinstance(value, Mapping) or not isinstance(value.get(kind), list):
            return dict(region)
        labels = [self._new((control_of(region), label)) for label in value[kind]]
        return {**region, "from_name": self.control(name), "value": {**value, kind: labels}}

    def _new(self, label: Label) -> str:
        return next((one.new for one in self.each if one.label == label), label[1])


def name_of(label: Label) -> str:
    """Return what a person calls a label: class truck, label truck of boxes, option yes of question hood."""
    control, name = label
    if control in (CLASS, QUESTION):
        return f"{control} {name}"
    return f"label {name} of boxes" if control == BOXES else f"option {name} of question {control}"
