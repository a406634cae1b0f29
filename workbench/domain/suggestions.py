"""What people make of models' suggestions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from workbench.domain.labels import Answer

__all__ = ["Basis", "Response"]


class Basis(StrEnum):
    """By what it is known with which suggestion an answer began: Label Studio's word, or what was shown at the time."""

    PARENT = "parent"
    SHOWN = "shown"
    NONE = "none"


@dataclass(frozen=True)
class Response:
    """A model's suggestion and the answer that began with it; ``said`` is None where the labeller skipped the frame."""

    model_version: str
    basis: Basis
    suggested: Answer
    said: Answer | None
    at: datetime
    camera: str
    clip_id: str
    taken_at: datetime
