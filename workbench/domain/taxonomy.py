"""What labellers of a site are asked: classes with definitions, captions, questions, boxes and stretches of clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workbench.domain.names import require_different, require_name
from workbench.domain.sites import Site, require_class_names
from workbench.errors import UsageError

__all__ = ["CaptionGuide", "LabelClass", "Question", "Taxonomy"]

_EXTRA_FORBIDDEN = {"extra": "forbid"}
_WORDS_OF_AN_ANSWER = frozenset({"image", "video", "class", "caption", "box", "boxes", "question", "timeline"})


def _require_different(what: str, names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise UsageError(expected=f"{what} that differ", found=", ".join(names), remedy="rename the equal ones")


def _require_texts(what: str, texts: Sequence[str]) -> None:
    """Raise UsageError unless ``texts`` differ and none is empty or begins or ends with a space."""
    _require_different(what, texts)
    for text in texts:
        if not text or text != text.strip():
            raise UsageError(
                expected=f"{what} that are not empty and neither begin nor end with a space",
                found=repr(text),
                remedy="correct it",
            )


@dataclass(frozen=True)
class LabelClass:
    """A class; ``definition`` says when a frame belongs to it, ``hotkey`` is the key that chooses it."""

    name: str
    definition: str = ""
    hotkey: str = ""

    __pydantic_config__ = _EXTRA_FORBIDDEN

    def __post_init__(self) -> None:
        require_name("class", self.name)
        if self.hotkey and not (len(self.hotkey) == 1 and self.hotkey in "abcdefghijklmnopqrstuvwxyz0123456789"):
            raise UsageError(
                expected=f"one small letter or digit as the hotkey of class {self.name}",
                found=repr(self.hotkey),
                remedy="choose another key, or none",
            )


@dataclass(frozen=True)
class CaptionGuide:
    """How captions are to be written; a caption has ``least_words`` to ``most_words`` words where those are given."""

    text: str = ""
    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    least_words: int | None = None
    most_words: int | None = None

    __pydantic_config__ = _EXTRA_FORBIDDEN

    def __post_init__(self) -> None:
        for what, examples in (("good", self.good), ("bad", self.bad)):
            _require_texts(f"{what} examples of captions", examples)
        least, most = self.least_words, self.most_words
        if (least is not None and least < 1) or (most is not None and most < (least or 1)):
            raise UsageError(
                expected="captions of at least one word and of no fewer words than least_words",
                found=f"{least} to {most}",
                remedy="correct least_words and most_words",
            )
        for caption in self.good:
            if problem := self.problem_of(caption):
                raise UsageError(
                    expected="good examples of captions that keep to the guide",
                    found=f"one that {problem}: {caption}",
                    remedy="correct the example, or least_words and most_words",
                )

    def problem_of(self, caption: str) -> str:
        """Return how many words too few or too many ``caption`` has, in words; nothing when it keeps to the guide."""
        words = len(caption.split())
        if self.least_words is not None and words < self.least_words:
            return f"has {words} words, fewer than {self.least_words}"
        if self.most_words is not None and words > self.most_words:
            return f"has {words} words, more than {self.most_words}"
        return ""


@dataclass(frozen=True)
class Question:
    """A question about every frame, answered by one of ``options``; ``name`` stands for it in exports."""

    name: str
    text: str
    options: tuple[str, ...] = ("yes", "no")

    __pydantic_config__ = _EXTRA_FORBIDDEN

    def __post_init__(self) -> None:
        require_name("question", self.name)
        if self.name in _WORDS_OF_AN_ANSWER:
            raise UsageError(
                expected=f"a question name that is none of {', '.join(sorted(_WORDS_OF_AN_ANSWER))}",
                found=self.name,
                remedy="rename the question",
            )
        _require_texts(f"options of question {self.name}", self.options)
        if not self.text.strip() or len(self.options) < 2:
            raise UsageError(
                expected=f"a text and at least two different options of question {self.name}",
                found=f"{self.text!r} with {', '.join(self.options) or 'none'}",
                remedy="give both",
            )


@dataclass(frozen=True)
class Taxonomy:
    """Everything that is asked about a frame; questions and the labels of ``boxes`` may be none.

    ``timeline`` are the classes of which labellers may mark stretches of a clip; none means that clips are not shown.
    ``objects`` are things that captions speak of, each with other words for it: no labeller is asked about them, but
    captions are searched for what is not there.
    """

    classes: tuple[LabelClass, ...]
    caption_guide: CaptionGuide = CaptionGuide()
    questions: tuple[Question, ...] = ()
    boxes: tuple[str, ...] = ()
    timeline: tuple[str, ...] = ()
    objects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    __pydantic_config__ = _EXTRA_FORBIDDEN

    def __post_init__(self) -> None:
        require_class_names(self.class_names)
        _require_different("hotkeys", [one.hotkey for one in self.classes if one.hotkey])
        _require_different("questions", [question.name for question in self.questions])
        _require_texts("labels of boxes", self.boxes)
        _require_texts("classes of the timeline", self.timeline)
        words = [word for others in self.objects.values() for word in others]
        _require_texts("objects and words for them", [*self.objects, *words])
        if unknown := sorted(set(self.timeline) - set(self.class_names)):
            raise UsageError(
                expected=f"a timeline of the classes {', '.join(self.class_names)}",
                found=", ".join(unknown),
                remedy="name classes, or write `timeline: true` for all of them",
            )

    def require_told_apart(self) -> None:
        """Raise UsageError where two names to choose from are one ``plain_wording``: models would mix them up."""
        require_different("class names", self.class_names)
        require_different("labels of boxes", self.boxes)
        require_different("texts of questions", [question.text for question in self.questions])
        for question in self.questions:
            require_different(f"options of question {question.name}", question.options)

    @classmethod
    def of(cls, site: Site) -> "Taxonomy":
        """Return what is asked at a site of which nothing but the classes is known."""
        return cls(tuple(LabelClass(name) for name in site.class_names))

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.classes)
