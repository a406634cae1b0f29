"""COCO's captions and detections, with classes of whole pictures as detections without a rectangle.

The layout is that of https://cocodataset.org/#format-data, as in ``captions_val2017.json`` and
``instances_val2017.json``. Rectangles are left, top, width and height in pixels.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from pydantic import BaseModel, FiniteFloat, PositiveInt

from workbench.labeling.formats.file_label import Entry, FileLabel, LeftOut, PictureFile, PixelBox, Problem
from workbench.labeling.formats.json_reading import checked, items

__all__ = ["load_coco", "save_coco_captions", "save_coco_classes", "save_coco_instances"]

_Id = int | str


class _Image(BaseModel):
    id: _Id
    file_name: str
    width: PositiveInt | None = None
    height: PositiveInt | None = None

    @property
    def size_wh(self) -> tuple[int, int] | None:
        return (self.width, self.height) if self.width and self.height else None


class _Category(BaseModel):
    id: _Id
    name: str


class _Annotation(BaseModel):
    image_id: _Id
    caption: str | None = None
    category_id: _Id | None = None
    bbox: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] | tuple[()] | None = None
    iscrowd: int = 0


def load_coco(file: BinaryIO) -> Iterator[Entry]:
    """Yield what each annotation of a captions or instances file says.

    The file is read three times, as the categories stand behind what refers to them.
    """
    images: dict[_Id, _Image] = {}
    for number, value in enumerate(items(file, "images.item"), start=1):
        image = checked(_Image, value, f"image {number}")
        if isinstance(image, Problem):
            yield image
        else:
            images[image.id] = image
    names: dict[_Id, str] = {}
    for number, value in enumerate(items(file, "categories.item"), start=1):
        category = checked(_Category, value, f"category {number}")
        if isinstance(category, Problem):
            yield category
        else:
            names[category.id] = category.name.strip()
    for number, value in enumerate(items(file, "annotations.item"), start=1):
        where = f"annotation {number}"
        annotation = checked(_Annotation, value, where)
        if isinstance(annotation, Problem):
            yield annotation
        elif annotation.image_id not in images:
            yield Problem(where, f"image_id {annotation.image_id} is no image of the file")
        elif annotation.category_id is not None and annotation.category_id not in names:
            yield Problem(where, f"category_id {annotation.category_id} is no category of the file")
        else:
            yield _entry(annotation, images[annotation.image_id], names, where)


def save_coco_captions(labels: Sequence[FileLabel]) -> str:
    """Return the captions among ``labels`` as a file; its images are numbered in their order."""
    numbers = _numbers(labels)
    captions = [(label, label.caption) for label in labels if label.caption]
    annotations = [
        {"image_id": numbers[str(label.shown)], "id": number, "caption": caption}
        for number, (label, caption) in enumerate(captions, start=1)
    ]
    return _document(labels, annotations)


def save_coco_instances(labels: Sequence[FileLabel], categories: Sequence[str]) -> str:
    """Return the rectangles among ``labels``, each of which has the picture's size, as a file."""
    numbers, ids = _numbers(labels), _category_ids(categories)
    boxes = [(label, box) for label in labels for box in label.pixel_boxes]
    annotations = [
        {
            "segmentation": [],
            "area": round(box.xywh_px[2] * box.xywh_px[3], 2),
            "iscrowd": 0,
            "image_id": numbers[str(label.shown)],
            "bbox": list(box.xywh_px),
            "category_id": ids[box.label],
            "id": number,
        }
        for number, (label, box) in enumerate(boxes, start=1)
    ]
    return _document(labels, annotations, categories)


def save_coco_classes(labels: Sequence[FileLabel], categories: Sequence[str]) -> str:
    """Return the classes of pictures among ``labels`` as detections without a rectangle."""
    numbers, ids = _numbers(labels), _category_ids(categories)
    classed = [label for label in labels if label.class_name]
    annotations = [
        {"image_id": numbers[str(label.shown)], "category_id": ids[label.class_name], "id": number}
        for number, label in enumerate(classed, start=1)
    ]
    return _document(labels, annotations, categories)


def _entry(annotation: _Annotation, image: _Image, names: dict[_Id, str], where: str) -> Entry:
    shown = PictureFile(image.file_name)
    if annotation.caption is not None:
        caption = annotation.caption.strip()
        return FileLabel(shown, where, caption=caption) if caption else LeftOut("captions without a word")
    if annotation.category_id is None:
        return LeftOut("annotations with neither caption nor category")
    name = names[annotation.category_id]
    if not annotation.bbox:
        return FileLabel(shown, where, class_name=name)
    if annotation.iscrowd:
        return LeftOut("boxes around crowds")
    return FileLabel(shown, where, boxes=(PixelBox(name, annotation.bbox),), size_wh=image.size_wh)


def _numbers(labels: Sequence[FileLabel]) -> dict[str, int]:
    names = dict.fromkeys(str(label.shown) for label in labels)
    return {name: number for number, name in enumerate(names, start=1)}


def _category_ids(categories: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(categories, start=1)}


def _document(
    labels: Sequence[FileLabel], annotations: Sequence[Mapping[str, object]], categories: Sequence[str] = ()
) -> str:
    sizes: dict[str, tuple[int, int]] = {}
    for label in labels:
        if label.size_wh:
            sizes[str(label.shown)] = label.size_wh
    images = [
        {
            "id": number,
            "file_name": name,
            **({"width": sizes[name][0], "height": sizes[name][1]} if name in sizes else {}),
        }
        for name, number in _numbers(labels).items()
    ]
    named = [{"supercategory": name, "id": number, "name": name} for name, number in _category_ids(categories).items()]
    document = {"info": {}, "licenses": [], "images": images, "annotations": annotations}
    return json.dumps(document | ({"categories": named} if categories else {}), ensure_ascii=False)
