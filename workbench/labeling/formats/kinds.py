"""The formats that there are."""

from enum import StrEnum

__all__ = ["ExportFormat", "Format"]


class Format(StrEnum):
    """What labels may look like; class folders are pictures in folders named by their classes."""

    CSV = "csv"
    COCO = "coco"
    VISUAL_GENOME = "visual-genome"
    CHAT_EARTH_NET = "chatearthnet"
    CHAT = "chat"
    YOLO = "yolo"
    CLASS_FOLDERS = "class-folders"


class ExportFormat(StrEnum):
    """What a data set can be handed to others as: in one of the formats of labels, or as ``datasets`` on disk."""

    COCO = Format.COCO.value
    CHAT = Format.CHAT.value
    DATASETS = "datasets"
    CSV = Format.CSV.value
    VISUAL_GENOME = Format.VISUAL_GENOME.value
    CHAT_EARTH_NET = Format.CHAT_EARTH_NET.value
    YOLO = Format.YOLO.value
    CLASS_FOLDERS = Format.CLASS_FOLDERS.value
