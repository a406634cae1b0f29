"""What the words of label files mean at a site: its classes, questions and boxes."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from workbench.domain import Box, Question, Taxonomy, plain_wording
from workbench.labeling.file_answers import SaidOfFrame
from workbench.labeling.formats.coordinates import Numbers, clipped
from workbench.labeling.formats.file_label import FileLabel, PixelBox

__all__ = ["Translator", "Wordings"]

_EVERYTHING_ELSE = "*"
"""Among the names to rename: all those that mean nothing at the site."""

_DECIMALS = 6
_WHOLE_PICTURE = 0.9
"""A region that covers so much of a picture is about all of it."""

_ASKS_TO_DESCRIBE = re.compile(r"\b(describe|description|caption|summari[sz]e|summary)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Wordings:
    """How the workbench itself asks models, so that conversations that it wrote are understood.

    ``class_start`` is how its question for the class begins, ``class_texts`` are classes by the words for them, and
    ``questions`` the names of the site's questions by further wordings.
    """

    caption: str
    class_start: str
    class_texts: Mapping[str, str]
    questions: Mapping[str, str]


class Translator:
    """Tells what labels mean, and counts in ``left_out``, by kind, what they say in vain.

    ``renames`` gives names of the file another name, or none, which leaves out what they are said of.
    """

    def __init__(self, taxonomy: Taxonomy, renames: Mapping[str, str], wordings: Wordings) -> None:
        self.left_out: Counter[str] = Counter()
        self._renames = renames
        self._classes = {plain_wording(name): name for name in taxonomy.class_names}
        self._boxes = {plain_wording(label): label for label in taxonomy.boxes}
        self._names = {**self._classes, **self._boxes}
        self._terms = {
            **self._boxes,
            **{plain_wording(old): new for old, new in renames.items() if new in taxonomy.boxes},
        }
        self._class_texts = {plain_wording(text): name for text, name in wordings.class_texts.items()}
        self._caption, self._class_start = plain_wording(wordings.caption), plain_wording(wordings.class_start)
        by_name = {question.name: question for question in taxonomy.questions}
        self._questions: dict[str, Question] = {plain_wording(question.text): question for question in by_name.values()}
        self._questions |= {plain_wording(text): by_name[name] for text, name in wordings.questions.items()}
        self._unknown: Counter[str] = Counter()
        self._first_place: dict[str, str] = {}

    def add(self, label: FileLabel, size_wh: tuple[int, int] | None, said: SaidOfFrame) -> None:
        """Add what ``label`` means to ``said``; ``size_wh`` is the picture's where the label does not tell it."""
        class_name = self._known(label.class_name, self._classes, label.where) if label.class_name else ""
        said.add(class_name, label.caption)
        for box in label.boxes:
            self._add_box(box, label.size_wh or size_wh, label.where, said)
        for region in label.regions:
            self._add_region(region, label.size_wh or size_wh, said)
        for question, reply in label.asked:
            self._add_reply(question, reply, label.where, said)

    def problems(self) -> list[str]:
        """Return a sentence for each name that means nothing at the site."""
        told = []
        for name, times in self._unknown.items():
            nearest = get_close_matches(plain_wording(name), self._names, n=1)
            hint = f" (did you mean '{self._names[nearest[0]]}'?)" if nearest else ""
            often = f", {times} times" if times > 1 else ""
            told.append(f"{self._first_place[name]}: unknown class '{name}'{hint}{often}")
        return told

    def _known(self, name: str, words: Mapping[str, str], where: str) -> str:
        """Return the site's word for ``name``, empty when there is none."""
        new = self._renames.get(name, name)
        if found := words.get(plain_wording(new)):
            return found
        if new and _EVERYTHING_ELSE not in self._renames:
            self._unknown[name] += 1
            self._first_place.setdefault(name, where)
        else:
            self.left_out["labels of names that are mapped to nothing"] += 1
        return ""

    def _add_box(self, box: Box | PixelBox, size_wh: tuple[int, int] | None, where: str, said: SaidOfFrame) -> None:
        name = self._known(box.label, self._names, where)
        if not name:
            return
        if class_name := self._classes.get(plain_wording(name)):
            said.add_class_of_box(class_name)
        if label := self._boxes.get(plain_wording(name)):
            xyxy = self._in_parts(box, size_wh)
            if xyxy:
                said.add_box(Box(label, xyxy))
        else:
            self.left_out["boxes of classes of which the site wants no boxes"] += 1

    def _add_region(self, region: PixelBox, size_wh: tuple[int, int] | None, said: SaidOfFrame) -> None:
        xyxy = self._in_parts(region, size_wh)
        if xyxy is None:
            return
        left, top, right, bottom = xyxy
        named = {label for term, label in self._terms.items() if f" {term} " in f" {plain_wording(region.label)} "}
        if (right - left) * (bottom - top) >= _WHOLE_PICTURE:
            said.add("", region.label)
        elif len(named) == 1:
            said.add_box(Box(named.pop(), xyxy))
        else:
            self.left_out["region descriptions that name none of the site's boxes, or several"] += 1

    def _in_parts(self, box: Box | PixelBox, size_wh: tuple[int, int] | None) -> Numbers | None:
        """Return the edges of a box as they come back from Label Studio, which keeps millionths of a picture."""
        if isinstance(box, Box):
            edges = box.xyxy
        elif size_wh is not None:
            edges = box.xyxy_in(size_wh)
        else:
            self.left_out["boxes in pictures of unknown size"] += 1
            return None
        left, top, right, bottom = (round(edge, _DECIMALS) for edge in edges)
        xyxy = clipped((left, top, right, bottom))
        if xyxy is None:
            self.left_out["boxes without an area in their pictures"] += 1
        return xyxy

    def _add_reply(self, asked: str, reply: str, where: str, said: SaidOfFrame) -> None:
        wording = plain_wording(asked)
        if question := self._questions.get(wording):
            self._add_option(question, reply, said)
        elif wording.startswith(self._class_start):
            class_name = self._class_texts.get(plain_wording(reply), reply)
            said.add(self._known(class_name, self._classes, where), "")
        elif wording == self._caption or _ASKS_TO_DESCRIBE.search(asked):
            said.add("", reply)
        else:
            self.left_out["questions that the site does not ask"] += 1

    def _add_option(self, question: Question, reply: str, said: SaidOfFrame) -> None:
        options = {plain_wording(option): option for option in question.options}
        option = options.get(plain_wording(reply))
        if option is None:
            self.left_out[f"answers to '{question.text}' that are none of {', '.join(question.options)}"] += 1
        elif said.replies.setdefault(question.name, option) != option:
            self.left_out["answers that contradict an earlier one"] += 1
