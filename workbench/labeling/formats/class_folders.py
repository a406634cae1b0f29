"""Pictures in folders named by their classes, as YOLO classifies them.

The layout is that of https://docs.ultralytics.com/datasets/classify: ``train/person/a.jpg``.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

from workbench.labeling.formats.file_label import FileLabel, PictureFile
from workbench.labeling.formats.file_tree import FileTree

__all__ = ["class_folder_pictures", "load_class_folders"]

_SUFFIXES = frozenset([".avif", ".bmp", ".heic", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"])


def class_folder_pictures(tree: FileTree) -> list[str]:
    return [name for name in tree.names if "/" in name and PurePosixPath(name).suffix.lower() in _SUFFIXES]


def load_class_folders(tree: FileTree) -> Iterator[FileLabel]:
    for name in class_folder_pictures(tree):
        yield FileLabel(PictureFile(name), name, class_name=PurePosixPath(name).parent.name)
