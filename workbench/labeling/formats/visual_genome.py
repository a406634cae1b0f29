"""Visual Genome's region descriptions and question answers.

The layout is that of ``region_descriptions.json``, ``question_answers.json`` and ``image_data.json`` of release 1.2 or
later at https://homes.cs.washington.edu/~ranjay/visualgenome/api.html. A picture's file is its number with ``.jpg``;
regions are pixels, and ``image_data.json`` alone tells the sizes of pictures.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import PurePosixPath
from typing import BinaryIO

from pydantic import BaseModel, FiniteFloat, PositiveInt

from workbench.labeling.formats.file_label import Entry, FileLabel, LeftOut, PictureFile, PixelBox, Problem
from workbench.labeling.formats.json_reading import checked, items

__all__ = [
    "load_picture_sizes",
    "load_visual_genome",
    "save_picture_sizes",
    "save_question_answers",
    "save_region_descriptions",
]


class _Region(BaseModel):
    phrase: str
    x: FiniteFloat
    y: FiniteFloat
    width: FiniteFloat
    height: FiniteFloat


class _QuestionAnswer(BaseModel):
    question: str
    answer: str


class _Picture(BaseModel):
    id: int
    regions: list[_Region] | None = None
    qas: list[_QuestionAnswer] | None = None


class _PictureData(BaseModel):
    image_id: int
    width: PositiveInt
    height: PositiveInt


def load_visual_genome(file: BinaryIO, sizes: Mapping[str, tuple[int, int]] | None = None) -> Iterator[Entry]:
    """Yield one label a picture of either file; ``sizes`` are those of :func:`load_picture_sizes`."""
    for number, value in enumerate(items(file, "item"), start=1):
        where = f"entry {number}"
        picture = checked(_Picture, value, where)
        if isinstance(picture, Problem):
            yield picture
        elif picture.regions is None and picture.qas is None:
            yield Problem(where, "neither regions nor qas")
        else:
            yield from _entries(picture, where, sizes or {})


def load_picture_sizes(file: BinaryIO) -> dict[str, tuple[int, int]]:
    """Return the sizes that an ``image_data.json`` tells, by the pictures' file names."""
    found = (checked(_PictureData, value, "") for value in items(file, "item"))
    return {_file_name(one.image_id): (one.width, one.height) for one in found if not isinstance(one, Problem)}


def save_region_descriptions(labels: Sequence[FileLabel]) -> str:
    """Return the regions among ``labels`` as a file; their pictures are named by numbers."""
    numbers = count(1)
    pictures = [
        {"id": _number(label), "regions": [_region(label, box, next(numbers)) for box in label.regions]}
        for label in labels
    ]
    return json.dumps(pictures, ensure_ascii=False)


def save_question_answers(labels: Sequence[FileLabel]) -> str:
    """Return the questions among ``labels`` with their answers as a file; their pictures are named by numbers."""
    numbers = count(1)
    pictures = [
        {
            "id": _number(label),
            "qas": [
                {
                    "a_objects": [],
                    "question": question,
                    "image_id": _number(label),
                    "qa_id": next(numbers),
                    "answer": answer,
                    "q_objects": [],
                }
                for question, answer in label.asked
            ],
        }
        for label in labels
    ]
    return json.dumps(pictures, ensure_ascii=False)


def save_picture_sizes(labels: Sequence[FileLabel]) -> str:
    """Return the sizes of the labels' pictures as a file."""
    sizes = [
        {"image_id": _number(one), "width": one.size_wh[0], "height": one.size_wh[1]} for one in labels if one.size_wh
    ]
    return json.dumps(
        [{"width": 0, "url": "", "height": 0, "coco_id": None, "flickr_id": None} | size for size in sizes]
    )


def _entries(picture: _Picture, where: str, sizes: Mapping[str, tuple[int, int]]) -> Iterator[Entry]:
    regions = [region for region in picture.regions or () if region.phrase.strip()]
    turns = [turn for turn in picture.qas or () if turn.question.strip() and turn.answer.strip()]
    empty = len(picture.regions or ()) - len(regions) + len(picture.qas or ()) - len(turns)
    yield from [LeftOut("regions and questions without a word")] * empty
    name = _file_name(picture.id)
    if regions or turns:
        yield FileLabel(
            PictureFile(name),
            where,
            regions=tuple(
                PixelBox(region.phrase.strip(), (region.x, region.y, region.width, region.height)) for region in regions
            ),
            asked=tuple((turn.question.strip(), turn.answer.strip()) for turn in turns),
            size_wh=sizes.get(name),
        )


def _region(label: FileLabel, box: PixelBox, number: int) -> dict[str, object]:
    x, y, width, height = box.xywh_px
    return {
        "region_id": number,
        "width": width,
        "height": height,
        "image_id": _number(label),
        "phrase": box.label,
        "y": y,
        "x": x,
    }


def _file_name(image_id: int) -> str:
    return f"{image_id}.jpg"


def _number(label: FileLabel) -> int:
    return int(PurePosixPath(str(label.shown)).stem)
