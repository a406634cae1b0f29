"""Recordings, live streams and the stills that were taken from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Clip", "Frame", "LiveRecording", "Sampling", "SelectionStep", "StreamKind", "Taking"]


@dataclass(frozen=True)
class Clip:
    """A stretch of footage; ``id`` is the SHA-256 of the file's bytes, or of the stream's URL and start."""

    id: str
    site: str
    camera: str
    name: str
    started_at: datetime
    duration_s: float
    size_wh: tuple[int, int]


@dataclass(frozen=True)
class Frame:
    """One still; ``id`` is the SHA-256 of its stored bytes (JPEG)."""

    id: str
    site: str
    camera: str
    clip_id: str
    clip_name: str
    offset_s: float
    taken_at: datetime
    size_wh: tuple[int, int]


class Taking(StrEnum):
    """Which stills of footage are taken: at even intervals, keyframes alone, or those that show a changed view."""

    EVERY = "every"
    KEYFRAMES = "keyframes"
    CHANGES = "changes"


@dataclass(frozen=True)
class SelectionStep:
    """What one step left of the stills that it was given; ``reason`` says why the others were dropped."""

    name: str
    kept: int
    dropped: int
    reason: str


@dataclass(frozen=True)
class Sampling:
    """What came of taking stills from a source once.

    ``clips`` are names, ``since`` and ``until`` the first and last instant kept, ``frames_known`` those kept whose
    pictures the catalogue held already. ``starts`` counts the recordings by what told when they began. ``notes`` say
    what is good to know of footage that is in order, ``problems`` what could not be had.
    """

    site: str
    camera: str
    source: str
    actor: str
    at: datetime
    seconds: float
    clips: tuple[str, ...]
    since: datetime | None
    until: datetime | None
    frames_found: int
    frames_added: int
    frames_known: int
    steps: tuple[SelectionStep, ...]
    starts: Mapping[str, int]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


class StreamKind(StrEnum):
    """How a live stream is doing."""

    CONNECTING = "connecting"
    LIVE = "live"
    WAITING = "waiting"
    ENDED = "ended"


@dataclass(frozen=True)
class LiveRecording:
    """How a camera's stream is doing, as the process that records it (``pid``, born at ``born_at``) told last.

    ``reason`` is a sentence without credentials; ``retry_in_s`` counts from ``since`` while the stream is waited for.
    """

    site: str
    camera: str
    kind: StreamKind
    since: datetime
    reason: str
    retry_in_s: float | None
    reconnects: int
    stills_taken: int
    stills_dropped: int
    pid: int
    born_at: datetime
