"""YOLO's folder of detections: a text file of rectangles a picture, and the names of their classes.

The layout is that of https://docs.ultralytics.com/datasets/detect: ``labels/train/a.txt`` belongs to the picture
``images/train/a.jpg`` (or ``train/labels`` to ``train/images``), each line is a class number with the rectangle's
centre, width and height as parts of the picture's, and ``data.yaml`` names the classes in order. Without it, the lines
of ``classes.txt`` do.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import yaml

from workbench.domain import Box
from workbench.labeling.formats.coordinates import clipped, cxcywh_to_xyxy, xyxy_to_cxcywh
from workbench.labeling.formats.file_label import Entry, FileLabel, LeftOut, PictureFile, Problem
from workbench.labeling.formats.file_tree import FileTree

__all__ = ["load_yolo", "names_file", "save_yolo"]

_LABELS, _PICTURES = "labels", "images"
_CLASSES = "classes.txt"
_YAML = (".yaml", ".yml")


def names_file(tree: FileTree) -> str | None:
    """Return the file that names the classes, nearest to the top; None where there is none."""
    by_depth = sorted(tree.names, key=lambda name: (name.count("/"), name))
    files = [name for name in by_depth if name.endswith(_YAML)] + [
        name for name in by_depth if PurePosixPath(name).name == _CLASSES
    ]
    return next(iter(files), None) if any(_is_label_file(name) for name in tree.names) else None


def load_yolo(tree: FileTree) -> Iterator[Entry]:
    """Yield one label a text file; a picture without a rectangle has none."""
    source = names_file(tree)
    names = _class_names(tree.text(source), source) if source else Problem("the folder", "no data.yaml or classes.txt")
    if isinstance(names, Problem):
        yield names
        return
    for name in tree.names:
        if _is_label_file(name):
            yield from _entries(name, tree.text(name), names)


def save_yolo(labels: Sequence[FileLabel], names: Sequence[str]) -> dict[str, str]:
    """Return the files by path: ``data.yaml`` and one a label whose picture lies below ``images``."""
    folders = sorted({PurePosixPath(str(label.shown)).parent.as_posix() for label in labels})
    splits = {PurePosixPath(folder).name.replace("validation", "val"): folder for folder in folders}
    data = {"path": ".", **splits, "names": dict(enumerate(names))}
    numbers = {name: number for number, name in enumerate(names)}
    files = {"data.yaml": yaml.safe_dump(data, sort_keys=False, allow_unicode=True)}
    for label in labels:
        lines = [_line(numbers[box.label], box) for box in label.boxes if isinstance(box, Box)]
        files[_label_path(str(label.shown))] = "".join(lines)
    return files


def _is_label_file(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix == ".txt" and _LABELS in path.parts[:-1] and path.name != _CLASSES


def _class_names(text: str, source: str) -> Mapping[int, str] | Problem:
    if source.endswith(_YAML):
        try:
            content = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as exc:  # ValueError: what looks like a day and is none
            return Problem(source, str(exc).splitlines()[0])
        names = content.get("names") if isinstance(content, dict) else None
    else:
        names = [line.strip() for line in text.splitlines() if line.strip()]
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or any(
        not isinstance(number, int) or isinstance(name, list | dict) for number, name in names.items()
    ):
        return Problem(source, "no names of classes")
    return {number: str(name) for number, name in names.items()}


def _entries(name: str, text: str, names: Mapping[int, str]) -> Iterator[Entry]:
    boxes: list[Box] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        box = _box(line, names)
        if isinstance(box, str):
            yield Problem(f"{name}, line {number}", box)
        elif box is None:
            yield LeftOut("boxes without an area")
        else:
            boxes.append(box)
    if boxes:
        yield FileLabel(PictureFile(_picture_path(name)), name, boxes=tuple(boxes))


def _box(line: str, names: Mapping[int, str]) -> Box | str | None:
    """Return the rectangle of a line, what is wrong with the line, or None for one outside the picture."""
    words = line.split()
    if len(words) != 5:
        return f"{len(words)} numbers instead of 5 (class, centre x, centre y, width, height)"
    try:
        number, (x, y, width, height) = int(words[0]), (float(word) for word in words[1:])
    except ValueError:
        return f"'{line.strip()[:60]}' is not five numbers"
    if number not in names:
        return f"class {number} has no name"
    if not all(0 <= part <= 1 for part in (x, y, width, height)):
        return f"'{line.strip()[:60]}' is not given in parts from 0 to 1"
    xyxy = clipped(cxcywh_to_xyxy((x, y, width, height)))
    return None if xyxy is None else Box(names[number], xyxy)


def _line(number: int, box: Box) -> str:
    return f"{number} " + " ".join(f"{part:.6f}" for part in xyxy_to_cxcywh(box.xyxy)) + "\n"


def _label_path(picture: str) -> str:
    path = PurePosixPath(picture)
    return path.with_suffix(".txt").as_posix().replace(_PICTURES, _LABELS, 1)


def _picture_path(label: str) -> str:
    """Return the path of a label file's picture without its suffix, which the label file does not tell."""
    parts = list(PurePosixPath(label).with_suffix("").parts)
    last = len(parts) - 2 - parts[-2::-1].index(_LABELS)
    return "/".join([*parts[:last], _PICTURES, *parts[last + 1 :]])
