"""What a label file says about one frame, put together from all its places."""

from dataclasses import dataclass, field
from typing import TypeVar

from workbench.domain import Answer, Box

__all__ = ["SaidOfFrame"]

_Said = TypeVar("_Said")


@dataclass
class SaidOfFrame:
    """Grows while a file is read; ``wholes`` are classes and captions that were said together."""

    wholes: list[tuple[str, str]] = field(default_factory=list)
    class_names: list[str] = field(default_factory=list)
    class_names_of_boxes: list[str] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    replies: dict[str, str] = field(default_factory=dict)
    boxes: list[Box] = field(default_factory=list)

    def add(self, class_name: str, caption: str) -> None:
        """Add what was said at one place, of which one may be empty."""
        if class_name and caption:
            _add_once(self.wholes, (class_name, caption))
        elif class_name:
            _add_once(self.class_names, class_name)
        elif caption:
            _add_once(self.captions, caption)

    def add_box(self, box: Box) -> None:
        _add_once(self.boxes, box)

    def add_class_of_box(self, class_name: str) -> None:
        _add_once(self.class_names_of_boxes, class_name)

    @property
    def has_several_classes(self) -> bool:
        return len(self._classes) > 1

    def answers(self) -> list[Answer]:
        """Return an answer a caption; class or caption are empty where they were left open.

        The class of what boxes show is the frame's when nobody said another, and several classes are none.
        """
        class_name = self._classes[0] if len(self._classes) == 1 else ""
        said = list(self.wholes)
        if self.captions or class_name or not said:
            said += [(class_name, caption) for caption in self.captions or [""]]
        answers = [Answer(one, caption, dict(self.replies), tuple(self.boxes)) for one, caption in said]
        return [answer for answer in answers if answer != Answer("", "")]

    @property
    def _classes(self) -> list[str]:
        return self.class_names or self.class_names_of_boxes


def _add_once(known: list[_Said], new: _Said) -> None:
    if new not in known:
        known.append(new)
