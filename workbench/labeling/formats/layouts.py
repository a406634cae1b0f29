"""The files of a data set that is handed to others: where its pictures lie, and its labels in one of the formats."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from workbench.labeling.formats.chat import save_chat
from workbench.labeling.formats.chat_earth_net import save_chat_earth_net
from workbench.labeling.formats.coco import save_coco_captions, save_coco_classes, save_coco_instances
from workbench.labeling.formats.file_label import FileLabel, PictureFile, PixelBox
from workbench.labeling.formats.kinds import Format
from workbench.labeling.formats.labels_csv import save_csv
from workbench.labeling.formats.visual_genome import save_picture_sizes, save_question_answers, save_region_descriptions
from workbench.labeling.formats.yolo import save_yolo

__all__ = ["Layout", "Said", "laid_out"]

Splits = Mapping[str, Sequence[FileLabel]]
Texts = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class Said:
    """What is said about the picture ``name``, the ``number``-th of its data set, of the part ``split``.

    ``label`` knows the picture's size. Its ``asked`` are the workbench's own conversations, ``questions`` the site's.
    """

    name: str
    number: int
    split: str
    label: FileLabel
    questions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Layout:
    """Paths below the data set's folder: of each picture by its name, and of texts with what they hold."""

    pictures: Mapping[str, str]
    texts: Mapping[str, str]


def laid_out(kind: Format, said: Sequence[Said], *, class_names: Sequence[str], boxes: Sequence[str]) -> Layout:
    """Return the files of a data set; ``boxes`` are the labels of its boxes."""
    path = _PATHS[kind]
    pictures = {one.name: path(one) for one in said}
    splits: dict[str, list[FileLabel]] = {}
    for one in said:
        label = replace(one.label, shown=PictureFile(pictures[one.name]))
        splits.setdefault(one.split, []).append(_in_regions(one, label) if kind is Format.VISUAL_GENOME else label)
    return Layout(pictures, dict(_texts(kind, splits, class_names, boxes)))


_PATHS: Mapping[Format, Callable[[Said], str]] = {
    Format.CSV: lambda one: f"images/{one.name}.jpg",
    Format.COCO: lambda one: f"{one.split}/{one.name}.jpg",
    Format.VISUAL_GENOME: lambda one: f"VG_100K/{one.number}.jpg",
    Format.CHAT_EARTH_NET: lambda one: f"images/{one.name}.jpg",
    Format.CHAT: lambda one: f"images/{one.name}.jpg",
    Format.YOLO: lambda one: f"images/{one.split}/{one.name}.jpg",
    Format.CLASS_FOLDERS: lambda one: f"{one.split}/{one.label.class_name}/{one.name}.jpg",
}


def _texts(kind: Format, splits: Splits, class_names: Sequence[str], boxes: Sequence[str]) -> Texts:
    if kind is Format.YOLO:
        yield from save_yolo([label for labels in splits.values() for label in labels], boxes).items()
        return
    for split, labels in splits.items():
        match kind:
            case Format.CSV:
                yield f"{split}.csv", save_csv(labels)
            case Format.CHAT:
                yield f"{split}.jsonl", save_chat([part for label in labels for part in _each_asked(label)])
            case Format.CHAT_EARTH_NET:
                yield f"{split}.json", save_chat_earth_net(labels)
            case Format.COCO:
                yield from _coco(split, [_in_own_folder(label) for label in labels], class_names, boxes)
            case Format.VISUAL_GENOME:
                yield f"{split}/region_descriptions.json", save_region_descriptions(labels)
                yield f"{split}/question_answers.json", save_question_answers(labels)
                yield f"{split}/image_data.json", save_picture_sizes(labels)


def _coco(split: str, labels: Sequence[FileLabel], class_names: Sequence[str], boxes: Sequence[str]) -> Texts:
    yield f"annotations/captions_{split}.json", save_coco_captions(labels)
    yield f"annotations/classes_{split}.json", save_coco_classes(labels, class_names)
    if boxes:
        yield f"annotations/instances_{split}.json", save_coco_instances(labels, boxes)


def _in_regions(one: Said, label: FileLabel) -> FileLabel:
    """Return the label with what it says as regions: its caption is about all of the picture."""
    width, height = label.size_wh or (0, 0)
    whole = [PixelBox(label.caption, (0, 0, width, height))] if label.caption else []
    return replace(label, regions=(*whole, *label.pixel_boxes), asked=one.questions)


def _in_own_folder(label: FileLabel) -> FileLabel:
    return replace(label, shown=PictureFile(PurePosixPath(str(label.shown)).name))


def _each_asked(label: FileLabel) -> list[FileLabel]:
    """Return a label a question, as every question is asked in a conversation of its own."""
    return [replace(label, asked=(pair,)) for pair in label.asked]
