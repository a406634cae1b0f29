"""Frozen sets of annotated frames."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from workbench.domain.labels import Box

__all__ = ["DatasetVersion", "GoldenSet", "LabelledFrame", "Split"]


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
    replies: Mapping[str, str] = field(default_factory=dict)
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True)
class DatasetVersion:
    """A frozen set of annotated frames; ``id`` is the SHA-256 of its manifest."""

    id: str
    site: str
    parent_id: str | None
    path: str
    rows: Mapping[Split, int]
    created_at: datetime


@dataclass(frozen=True)
class GoldenSet:
    """Frames that decide on promotion and are never trained on; ``id`` is the SHA-256 of its manifest."""

    id: str
    site: str
    frames: int
    frozen_by: str
    frozen_at: datetime
    note: str
