"""Frozen sets of annotated frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["DatasetVersion", "LabelledFrame", "Split"]


class Split(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True)
class LabelledFrame:
    """One row of a dataset version: a frame's stored JPEG with what a person said about it."""

    frame_id: str
    camera: str
    clip_id: str
    taken_at: datetime
    class_name: str
    caption: str
    image_jpeg: bytes


@dataclass(frozen=True)
class DatasetVersion:
    """A frozen set of annotated frames; ``id`` is the SHA-256 of its manifest."""

    id: str
    site: str
    parent_id: str | None
    path: str
    rows: Mapping[Split, int]
    created_at: datetime
