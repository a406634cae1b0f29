"""Conversations about pictures, as LLaVA and ShareGPT write them: a JSON list, or one JSON object a line.

The layout is that of https://github.com/haotian-liu/LLaVA/blob/main/docs/Finetune_Custom_Data.md and of
``llava_instruct_150k.json``: ``image`` and ``conversations``, whose turns are ``from`` human or gpt. Trainers that take
ShareGPT's conversations name pictures in the list ``images``. ``<image>`` in a text stands for the picture.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Literal

from pydantic import BaseModel, Field

from workbench.labeling.formats.file_label import Entry, FileLabel, LeftOut, PictureFile, Problem
from workbench.labeling.formats.json_reading import checked, is_list, items, lines

__all__ = ["load_chat", "save_chat"]

_PICTURE = "<image>"
_ASKING, _ANSWERING = ("human", "user"), ("gpt", "assistant")


class _Turn(BaseModel):
    speaker: Literal["human", "user", "gpt", "assistant", "system"] = Field(alias="from")
    value: str


class _Conversation(BaseModel):
    image: str | list[str] | None = None
    images: list[str] | None = None
    conversations: list[_Turn]

    @property
    def pictures(self) -> list[str]:
        named = [self.image] if isinstance(self.image, str) else self.image or self.images or []
        return [name for name in named if name]


def load_chat(file: BinaryIO) -> Iterator[Entry]:
    """Yield one label a conversation about one picture: its questions with their answers."""
    for where, value in _values(file):
        conversation = checked(_Conversation, value, where)
        if isinstance(conversation, Problem):
            yield conversation
        elif len(conversation.pictures) != 1:
            yield LeftOut("conversations about no picture or several")
        else:
            asked = tuple(_asked(conversation.conversations))
            shown = PictureFile(conversation.pictures[0])
            yield FileLabel(shown, where, asked=asked) if asked else LeftOut("conversations without an answer")


def save_chat(labels: Sequence[FileLabel]) -> str:
    """Return one line a label, of those that have questions; the first question of each shows the picture."""
    seen: Counter[str] = Counter()
    written: list[str] = []
    for label in labels:
        if not label.asked:
            continue
        name = PurePosixPath(str(label.shown)).stem
        seen[name] += 1
        sample = {
            "id": f"{name}-{seen[name]}",
            "image": str(label.shown),
            "conversations": [turn for number, pair in enumerate(label.asked) for turn in _turns(number, *pair)],
        }
        written.append(json.dumps(sample, ensure_ascii=False) + "\n")
    return "".join(written)


def _values(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    if is_list(file):
        yield from ((f"entry {number}", value) for number, value in enumerate(items(file, "item"), start=1))
    else:
        yield from ((f"line {number}", value) for number, value in lines(file))


def _asked(turns: Sequence[_Turn]) -> Iterator[tuple[str, str]]:
    question = ""
    for turn in turns:
        text = turn.value.replace(_PICTURE, "").strip()
        if turn.speaker in _ASKING:
            question = text
        elif turn.speaker in _ANSWERING and question and text:
            yield question, text
            question = ""


def _turns(number: int, question: str, answer: str) -> list[dict[str, str]]:
    value = question if number else f"{_PICTURE}\n{question}"
    return [{"from": _ASKING[0], "value": value}, {"from": _ANSWERING[0], "value": answer}]
