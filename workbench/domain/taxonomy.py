"""What labellers of a site are asked: its classes with their definitions, captions, questions and boxes."""

from dataclasses import dataclass

from workbench.domain.names import require_name
from workbench.domain.sites import Site, require_class_names
from workbench.errors import UsageError

__all__ = ["CaptionGuide", "LabelClass", "Question", "Taxonomy"]


@dataclass(frozen=True)
class LabelClass:
    """A class; ``definition`` says when a frame belongs to it, ``hotkey`` is the key that chooses it."""

    name: str
    definition: str = ""
    hotkey: str = ""


@dataclass(frozen=True)
class CaptionGuide:
    """How captions are to be written; a caption has ``least_words`` to ``most_words`` words where those are given."""

    text: str = ""
    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    least_words: int | None = None
    most_words: int | None = None


@dataclass(frozen=True)
class Question:
    """A question about every frame, answered by one of ``options``; ``name`` stands for it in exports."""

    name: str
    text: str
    options: tuple[str, ...] = ("yes", "no")

    def __post_init__(self) -> None:
        require_name("question", self.name)
        if not self.text.strip() or len(self.options) < 2 or len(set(self.options)) != len(self.options):
            raise UsageError(
                expected=f"a text and at least two different options of question {self.name}",
                found=f"{self.text!r} with {', '.join(self.options) or 'none'}",
                remedy="give both",
            )


@dataclass(frozen=True)
class Taxonomy:
    """Everything that is asked about a frame; questions and the labels of ``boxes`` may be none."""

    classes: tuple[LabelClass, ...]
    caption_guide: CaptionGuide = CaptionGuide()
    questions: tuple[Question, ...] = ()
    boxes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_class_names(self.class_names)
        _require_different("hotkeys", [one.hotkey for one in self.classes if one.hotkey])
        _require_different("questions", [question.name for question in self.questions])
        _require_different("labels of boxes", list(self.boxes))

    @classmethod
    def of(cls, site: Site) -> "Taxonomy":
        """Return what is asked at a site of which nothing but the classes is known."""
        return cls(tuple(LabelClass(name) for name in site.class_names))

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.classes)


def _require_different(what: str, names: list[str]) -> None:
    if len(set(names)) != len(names):
        raise UsageError(expected=f"{what} that differ", found=", ".join(names), remedy="rename the equal ones")
