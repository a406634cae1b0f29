"""Neighbours in time: which labelled frames hang together, and which must go so that splits stay apart."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from workbench.domain import Split

__all__ = ["SPLITS", "Block", "FrameToSplit", "blocks_of", "keep_apart", "sampling_gap_s"]

SPLITS = (Split.TRAIN, Split.VALIDATION, Split.TEST)
_LONG = 1 / 4
_PIECE = 1 / 32
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
    """Frames of one camera in the order of time: whole clips, and no frame of another block is within ``gap_us``.

    ``times_us`` is ``[frames]`` in microseconds; ``pinned`` is ``[frames]``, an index into ``SPLITS`` or -1;
    ``segments`` is ``[frames]``, numbered from 0: frames of one segment go to one split, unless they are pinned.
    """

    frames: tuple[FrameToSplit, ...]
    times_us: NDArray[np.int64]
    pinned: NDArray[np.int8]
    segments: NDArray[np.int64]
    gap_us: int

    @property
    def camera(self) -> str:
        return self.frames[0].camera

    def only(self, chosen: NDArray[np.bool_]) -> "Block":
        """Return the frames where ``chosen`` (``[frames]``) holds, in the same segments."""
        frames = tuple(frame for frame, is_chosen in zip(self.frames, chosen, strict=True) if is_chosen)
        return Block(frames, self.times_us[chosen], self.pinned[chosen], self.segments[chosen], self.gap_us)

    def droppable(self) -> NDArray[np.bool_]:
        """Return which frames ``[frames]`` have another segment's or a pinned frame within the gap."""
        if not self.segments[-1] and (self.pinned < 0).all():
            return np.zeros(len(self.frames), dtype=bool)
        first, beyond = _window(self.times_us, self.times_us, self.gap_us)
        pins = np.pad((self.pinned >= 0).cumsum(), (1, 0))
        alone = (self.segments[first] == self.segments) & (self.segments[beyond - 1] == self.segments)
        droppable: NDArray[np.bool_] = ~alone | (pins[beyond] > pins[first])
        return droppable

    def frame_splits(self, of_segments: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the split of each frame ``[..., frames]`` for the splits of the segments ``[..., segments]``."""
        return np.where(self.pinned >= 0, self.pinned, of_segments[..., self.segments])


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
    """Cut each camera's frames into blocks between clips, where nothing was taken for more than the camera's gap."""
    ordered = sorted(frames, key=lambda frame: (frame.camera, frame.taken_at, frame.frame_id))
    return [
        block
        for camera, of_camera in groupby(ordered, key=lambda frame: frame.camera)
        for block in _cut(tuple(of_camera), round(gaps_s[camera] * 1_000_000))
    ]


def keep_apart(block: Block, splits: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return which frames stay, so that frames in different splits are more than the gap apart.

    ``splits`` and what is returned are ``[options, frames]``. Where two are too near, the one stays that is pinned,
    else that of test before validation before train. Two pinned frames both stay.
    """
    if (splits == splits[:, :1]).all():
        return np.ones(splits.shape, dtype=bool)
    first, beyond = _window(block.times_us, block.times_us, block.gap_us)
    pinned = block.pinned >= 0
    crowded = np.zeros(splits.shape, dtype=bool)
    for split in range(len(SPLITS)):
        held = splits == split
        for winners, losers in ((held, splits < split), (held & pinned, ~held)):
            seen = np.pad(winners.cumsum(axis=1, dtype=np.int32), ((0, 0), (1, 0)))
            crowded |= losers & (seen[:, beyond] > seen[:, first])
    kept: NDArray[np.bool_] = ~crowded | pinned
    return kept


def _window(
    times_us: NDArray[np.int64], others_us: NDArray[np.int64], gap_us: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each time where the others within the gap begin and where they end."""
    return others_us.searchsorted(times_us - gap_us, side="left"), others_us.searchsorted(times_us + gap_us, "right")


def _cut(frames: tuple[FrameToSplit, ...], gap_us: int) -> Iterator[Block]:
    times_us = np.array([(frame.taken_at - _EPOCH) // _MICROSECOND for frame in frames], dtype=np.int64)
    pinned = np.array([-1 if frame.pinned_to is None else SPLITS.index(frame.pinned_to) for frame in frames], np.int8)
    paused = np.diff(times_us, prepend=times_us[0]) > gap_us
    last_of_clip = {frame.clip_id: index for index, frame in enumerate(frames)}
    clips_end = np.maximum.accumulate([last_of_clip[frame.clip_id] for frame in frames])
    between_clips = np.arange(1, len(frames)) > clips_end[:-1]
    bounds = [0, *(np.flatnonzero(paused[1:] & between_clips) + 1).tolist(), len(frames)]
    for start, end in pairwise(bounds):
        segments = _segments(frames[start:end], paused[start:end], len(frames))
        yield Block(frames[start:end], times_us[start:end], pinned[start:end], segments, gap_us)


def _segments(frames: Sequence[FrameToSplit], paused: NDArray[np.bool_], camera_size: int) -> NDArray[np.int64]:
    """Number the segments of a block: all of it, unless it holds more than a quarter of its camera's frames.

    Such a long one may be cut at a pause; where the class changes, since something else is seen from there on; and
    anywhere in a run of one class that is itself that long. No segment but the last holds less than 1/32 of the
    camera's frames.
    """
    starts = np.zeros(len(frames), dtype=np.int64)
    piece = math.ceil(_PIECE * camera_size)
    latest = run_start = 0
    if len(frames) > _LONG * camera_size:
        runs = zip(paused.cumsum(), (frame.class_name for frame in frames), strict=True)
        for _, run in groupby(runs):
            run_end = run_start + len(list(run))
            step = piece if run_end - run_start > _LONG * camera_size else run_end - run_start
            for position in range(run_start, run_end, step):
                if position - latest >= piece:
                    starts[position], latest = 1, position
            run_start = run_end
    return starts.cumsum()
