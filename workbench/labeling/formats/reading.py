"""Which format labels are in, told from what they hold, and what they say."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from workbench.errors import LabelFileError
from workbench.labeling.formats.chat import load_chat
from workbench.labeling.formats.chat_earth_net import PICTURE_KEYS, load_chat_earth_net
from workbench.labeling.formats.class_folders import class_folder_pictures, load_class_folders
from workbench.labeling.formats.coco import load_coco
from workbench.labeling.formats.file_label import Entry, FileLabel, Problem
from workbench.labeling.formats.file_tree import FileTree, opened_tree
from workbench.labeling.formats.json_reading import MalformedError, first_keys, is_json
from workbench.labeling.formats.kinds import Format
from workbench.labeling.formats.labels_csv import is_header, load_csv
from workbench.labeling.formats.visual_genome import load_picture_sizes, load_visual_genome
from workbench.labeling.formats.yolo import load_yolo, names_file

__all__ = ["LabelSource", "find_labels", "read_labels", "refusal"]

_TEXT_SUFFIXES = frozenset((".csv", ".json", ".jsonl", ".txt"))
_PICTURE_SIZES = "image_data.json"
_HEADER_BYTES = 4_096
_LONGEST_LINE = 2**20
_PROBLEMS_TOLD = 20
_COCO_KEYS = frozenset(("annotations", "categories"))
_REGION_KEYS = frozenset(("regions", "qas"))


@dataclass(frozen=True)
class LabelSource:
    """Labels that are read together: one file, or a folder of them. ``entries`` reads them anew."""

    name: str
    format: Format
    entries: Callable[[], Iterator[Entry]]


def find_labels(tree: FileTree, asked: Format | None = None) -> list[LabelSource]:
    """Return where ``tree`` holds labels, of the format ``asked`` for or of any; LabelFileError when it holds none."""
    if asked is Format.YOLO or (asked is None and names_file(tree)):
        return [LabelSource(tree.name, Format.YOLO, partial(load_yolo, tree))]
    if asked is Format.CLASS_FOLDERS:
        return [LabelSource(tree.name, asked, partial(load_class_folders, tree))]
    candidates = [name for name in tree.names if _may_hold_labels(name)]
    if tree.names == [tree.name]:
        candidates = tree.names
    sources = [_source(tree, name, kind) for name in candidates if (kind := asked or _format_of(tree, name))]
    if not sources and asked is None and class_folder_pictures(tree):
        return [LabelSource(tree.name, Format.CLASS_FOLDERS, partial(load_class_folders, tree))]
    if not sources:
        raise LabelFileError(
            expected=f"labels in {tree.name} in one of the formats {', '.join(Format)}",
            found=f"none of them among {len(tree.names)} files",
            remedy="compare the file with docs/label-formats.md, or say with --format what it is",
        )
    return sources


def read_labels(path: Path) -> list[FileLabel]:
    """Return all that the files at ``path`` say; LabelFileError tells everything that is wrong with them."""
    with opened_tree(path) as tree:
        entries = [entry for source in find_labels(tree) for entry in source.entries()]
    if problems := [str(entry) for entry in entries if isinstance(entry, Problem)]:
        raise refusal(path.name, problems)
    return [entry for entry in entries if isinstance(entry, FileLabel)]


def refusal(name: str, problems: Sequence[str]) -> LabelFileError:
    """Return the error that tells the first of ``problems`` and how many there are."""
    told = "; ".join(problems[:_PROBLEMS_TOLD])
    more = f"; and {len(problems) - _PROBLEMS_TOLD} more" if len(problems) > _PROBLEMS_TOLD else ""
    return LabelFileError(
        expected=f"labels that can be used in {name}",
        found=told + more,
        remedy="correct the file and run the command again; nothing was written",
    )


def _may_hold_labels(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in _TEXT_SUFFIXES and path.name != _PICTURE_SIZES


def _source(tree: FileTree, name: str, kind: Format) -> LabelSource:
    loaders: dict[Format, Callable[[BinaryIO], Iterator[Entry]]] = {
        Format.CSV: _load_csv,
        Format.COCO: load_coco,
        Format.VISUAL_GENOME: lambda file: load_visual_genome(file, _picture_sizes(tree, name)),
        Format.CHAT_EARTH_NET: load_chat_earth_net,
        Format.CHAT: load_chat,
    }
    return LabelSource(name, kind, lambda: _entries(tree, name, loaders[kind]))


def _load_csv(file: BinaryIO) -> Iterator[Entry]:
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        yield from load_csv(_lines(text))


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise MalformedError(f"a line of more than {_LONGEST_LINE:,} characters")
        yield line


def _entries(tree: FileTree, name: str, load: Callable[[BinaryIO], Iterator[Entry]]) -> Iterator[Entry]:
    with tree.open(name) as file:
        try:
            yield from load(file)
        except UnicodeDecodeError:
            yield Problem("the file", "it is not in UTF-8; save it so, in Excel as 'CSV UTF-8'")
        except MalformedError as exc:
            yield Problem("the file is damaged", str(exc))


def _format_of(tree: FileTree, name: str) -> Format | None:
    """Return the format of a file, None where it is none of them."""
    with tree.open(name) as file:
        if not is_json(file):
            file.seek(0)
            first_line = file.read(_HEADER_BYTES).decode("utf-8-sig", errors="replace").partition("\n")[0]
            only = tree.names == [name] and not name.endswith(".txt")
            return Format.CSV if is_header(first_line) or only else None
        return _json_format(first_keys(file))


def _json_format(keys: Iterator[str]) -> Format | None:
    seen: set[str] = set()
    for key in keys:
        seen.add(key)
        if key == "conversations":
            return Format.CHAT
        if key in _REGION_KEYS:
            return Format.VISUAL_GENOME
        if key in _COCO_KEYS:
            return Format.COCO
    return Format.CHAT_EARTH_NET if "caption" in seen and seen & set(PICTURE_KEYS) else None


def _picture_sizes(tree: FileTree, beside: str) -> dict[str, tuple[int, int]]:
    """Return the picture sizes that an ``image_data.json`` in the same folder tells."""
    name = (PurePosixPath(beside).parent / _PICTURE_SIZES).as_posix()
    if name not in tree.openers:
        return {}
    with tree.open(name) as file:
        return load_picture_sizes(file)
