"""Stretches of clips that labellers mark, and the runs of stills that they are shown for it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.errors import UsageError

__all__ = ["ClipPart", "Stretch"]


@dataclass(frozen=True)
class ClipPart:
    """A run of a clip's stills, by their offsets, that is shown as one video with a still a frame."""

    site: str
    clip_id: str
    offsets_s: tuple[float, ...]

    @property
    def id(self) -> str:
        """SHA-256 of what is shown; it stays when what a still hides changes."""
        content = "\n".join([self.site, self.clip_id, *map(repr, self.offsets_s)])
        return hashlib.sha256(content.encode()).hexdigest()

    def offsets_of(self, stretch: "Stretch") -> Sequence[float]:
        """Return the offsets of the stills in a stretch of this part."""
        return self.offsets_s[stretch.first - 1 : stretch.last]


@dataclass(frozen=True)
class Stretch:
    """The frames ``first`` to ``last`` of a part's video, counted from 1 and both included, show ``class_name``."""

    class_name: str
    first: int
    last: int

    def __post_init__(self) -> None:
        if not 1 <= self.first <= self.last:
            raise UsageError(
                expected="a stretch from frame 1 or later to that frame or a later one",
                found=f"{self.first} to {self.last}",
                remedy="correct it",
            )
