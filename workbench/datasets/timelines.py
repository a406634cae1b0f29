"""Neighbours in time: which labelled frames hang together, and which must go so that splits stay apart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from workbench.domain import Split

__all__ = ["SPLITS", "Block", "FrameToSplit", "blocks_of", "conflicting_pins", "keep_apart", "sampling_gap_s"]

SPLITS = (Split.TRAIN, Split.VALIDATION, Split.TEST)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class FrameToSplit:
    frame_id: str
    camera: str
    clip_id: str
    taken_at: datetime
    class_name: str
    pinned_to: Split | None = None


@dataclass(frozen=True, eq=False)
class Block:
    """Frames of one camera in the order of time, each within ``gap_us`` of the next; no other frame is that near.

    ``times_us`` is ``[frames]`` in microseconds; ``pinned`` is ``[frames]``, an index into ``SPLITS`` or -1.
    """

    frames: tuple[FrameToSplit, ...]
    times_us: NDArray[np.int64]
    pinned: NDArray[np.int64]
    gap_us: int


def sampling_gap_s(frames: Sequence[FrameToSplit], least_s: float) -> float:
    """Return how far apart frames of one camera must be in different splits.

    That is ``least_s`` or twice the median distance of neighbours within a clip, whichever is larger.
    """
    by_clip = sorted(frames, key=lambda frame: (frame.clip_id, frame.taken_at))
    steps_s = [
        (later.taken_at - earlier.taken_at).total_seconds()
        for earlier, later in pairwise(by_clip)
        if earlier.clip_id == later.clip_id and later.taken_at > earlier.taken_at
    ]
    return max(least_s, 2 * median(steps_s)) if steps_s else least_s


def blocks_of(frames: Sequence[FrameToSplit], gaps_s: Mapping[str, float]) -> list[Block]:
    """Cut each camera's frames into blocks wherever nothing was taken for more than the camera's gap."""
    ordered = sorted(frames, key=lambda frame: (frame.camera, frame.taken_at, frame.frame_id))
    return [
        block
        for camera, of_camera in groupby(ordered, key=lambda frame: frame.camera)
        for block in _cut(tuple(of_camera), round(gaps_s[camera] * 1_000_000))
    ]


def keep_apart(block: Block, splits: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which frames ``[frames]`` stay, so that frames in different splits are more than the gap apart.

    Where two are too near, the one stays that is pinned, else that of test before validation before train. Two pinned
    frames both stay: see :func:`conflicting_pins`.
    """
    kept = block.pinned >= 0
    for split in reversed(range(len(SPLITS))):
        others_us = block.times_us[kept & (splits != split)]
        candidates = (block.pinned < 0) & (splits == split)
        kept |= candidates & ~_near(block.times_us, others_us, block.gap_us)
    return kept


def conflicting_pins(block: Block) -> int:
    """Return how many pinned frames have a frame pinned to another split within the gap."""
    conflicts = np.zeros(len(block.frames), dtype=bool)
    for split in range(len(SPLITS)):
        others_us = block.times_us[(block.pinned >= 0) & (block.pinned != split)]
        conflicts |= (block.pinned == split) & _near(block.times_us, others_us, block.gap_us)
    return int(conflicts.sum())


def _near(times_us: NDArray[np.int64], others_us: NDArray[np.int64], gap_us: int) -> NDArray[np.bool_]:
    first_within = np.searchsorted(others_us, times_us - gap_us, side="left")
    first_beyond = np.searchsorted(others_us, times_us + gap_us, side="right")
    near: NDArray[np.bool_] = first_within < first_beyond
    return near


def _cut(frames: tuple[FrameToSplit, ...], gap_us: int) -> Iterator[Block]:
    times_us = np.array([(frame.taken_at - _EPOCH) // _MICROSECOND for frame in frames], dtype=np.int64)
    pinned = np.array([-1 if frame.pinned_to is None else SPLITS.index(frame.pinned_to) for frame in frames])
    bounds = [0, *(np.flatnonzero(np.diff(times_us) > gap_us) + 1).tolist(), len(frames)]
    for start, end in pairwise(bounds):
        yield Block(frames[start:end], times_us[start:end], pinned[start:end], gap_us)
