"""What is told of a stream while it is read, from the process that reads it to the one that waits for its stills."""

from dataclasses import dataclass

from workbench.errors import FootageError, LastingStreamError
from workbench.footage.pictures import Jpeg

__all__ = [
    "Alive",
    "Failure",
    "Finished",
    "Live",
    "LiveStill",
    "Message",
    "Seen",
    "Sending",
    "Started",
    "StreamProbe",
]


@dataclass(frozen=True)
class LiveStill:
    """A picture of a stream, ``offset_s`` seconds after the stream's first frame."""

    offset_s: float
    jpeg: Jpeg


@dataclass(frozen=True)
class StreamProbe:
    """What a stream showed when it was tried out; ``announced_fps`` is None where it says nothing of it.

    ``size_wh`` is the stream's own, upright, whatever became of the picture.
    """

    size_wh: tuple[int, int]
    codec_name: str
    announced_fps: float | None
    jpeg: Jpeg
    first_picture_s: float


@dataclass(frozen=True)
class Started:
    """The child runs and is about to connect."""


@dataclass(frozen=True)
class Live:
    """The connection's first frame came, at ``at_s`` of the monotonic clock."""

    at_s: float
    has_end: bool


@dataclass(frozen=True)
class Alive:
    """A frame came of which no still is sent."""


@dataclass(frozen=True)
class Sending:
    """The camera sends what is not wanted: what lies between two keyframes, or was seen before."""


@dataclass(frozen=True)
class Seen:
    """A frame came that the camera's own clock says was taken at ``camera_s``, and that may come again."""

    camera_s: float


@dataclass(frozen=True)
class Finished:
    """All was seen that was asked for, or that there is."""

    reason: str


@dataclass(frozen=True)
class Failure:
    """A FootageError of the child; ``is_lasting`` when another try will not mend it."""

    expected: str
    found: str
    remedy: str
    is_lasting: bool = False

    @classmethod
    def of(cls, error: FootageError) -> "Failure":
        return cls(error.expected, error.found, error.remedy, isinstance(error, LastingStreamError))

    def error(self) -> FootageError:
        kind = LastingStreamError if self.is_lasting else FootageError
        return kind(expected=self.expected, found=self.found, remedy=self.remedy)


Message = Started | Live | Alive | Sending | Seen | LiveStill | StreamProbe | Finished | Failure
