"""Which labelled frame goes to train, validation or test, so that near-equal neighbours never cross.

A camera's frames are cut into blocks wherever it took none for longer than its gap. Short blocks go to one split
whole. A block that holds much of its camera's frames may be cut in time (train, then validation, then test), and what
lies within the gap of a cut is dropped. Among these choices a seeded search looks for the one in which the splits'
sizes are as wanted and every class and camera occurs everywhere, as far as the blocks allow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.balance import Balance, choose
from workbench.datasets.timelines import (
    SPLITS,
    Block,
    FrameToSplit,
    blocks_of,
    conflicting_pins,
    keep_apart,
    sampling_gap_s,
)
from workbench.domain import Split

__all__ = ["FRACTIONS", "LEAST_GAP_S", "SplitPlan", "split_frames"]

FRACTIONS: Mapping[Split, float] = MappingProxyType({Split.TRAIN: 0.60, Split.VALIDATION: 0.15, Split.TEST: 0.25})
LEAST_GAP_S = 2.0
_LONG_SHARE = 0.25
_CUT_POSITIONS = 32


@dataclass(frozen=True)
class SplitPlan:
    """``splits`` by frame id; ``dropped`` are the frames that lay too near to another split; gaps by camera."""

    splits: Mapping[str, Split]
    dropped: tuple[str, ...]
    gaps_s: Mapping[str, float]
    problems: tuple[str, ...]


def split_frames(
    frames: Sequence[FrameToSplit],
    *,
    fractions: Mapping[Split, float] = FRACTIONS,
    least_gap_s: float = LEAST_GAP_S,
    seed: int = 0,
) -> SplitPlan:
    """Assign ``frames`` to splits: no two of one camera in different splits are within the gap of each other.

    A frame's pin is taken as given, and a validation or test split to which frames are pinned consists of these alone.
    The same frames and seed give the same plan, in whatever order they come.
    """
    cameras = sorted({frame.camera for frame in frames})
    gaps_s = {
        camera: sampling_gap_s([frame for frame in frames if frame.camera == camera], least_gap_s) for camera in cameras
    }
    blocks = blocks_of(frames, gaps_s)
    balance = Balance.of(frames, fractions)
    sizes = {camera: sum(frame.camera == camera for frame in frames) for camera in cameras}
    options = [_options(block, balance.open_splits, sizes[block.frames[0].camera]) for block in blocks]
    kept = [
        np.stack([keep_apart(block, splits) for splits in ways]) for block, ways in zip(blocks, options, strict=True)
    ]
    counts = [balance.counts(block.frames, ways, stay) for block, ways, stay in zip(blocks, options, kept, strict=True)]
    chosen = choose(balance, counts, seed=seed)
    splits: dict[str, Split] = {}
    dropped: list[str] = []
    for block, ways, stay, index in zip(blocks, options, kept, chosen, strict=True):
        for frame, split, stays in zip(block.frames, ways[index], stay[index], strict=True):
            if stays:
                splits[frame.frame_id] = SPLITS[split]
            else:
                dropped.append(frame.frame_id)
    return SplitPlan(splits, tuple(sorted(dropped)), gaps_s, tuple(_problems(blocks)))


def _options(block: Block, open_splits: Sequence[int], camera_size: int) -> NDArray[np.int64]:
    """Return the ways ``[options, frames]`` in which a block can be split, as indices into ``SPLITS``."""
    size = len(block.frames)
    ways: list[NDArray[np.int64]] = [np.full(size, split) for split in open_splits]
    if size > _LONG_SHARE * camera_size and (block.pinned < 0).any():
        positions = sorted({round(part) for part in np.linspace(0, size, min(size, _CUT_POSITIONS) + 1)})
        ways += [np.repeat(open_splits, np.diff([0, *cuts, size])) for cuts in _cuts(positions, len(open_splits) - 1)]
    return np.where(block.pinned >= 0, block.pinned, np.stack(ways))


def _cuts(positions: Sequence[int], how_many: int) -> list[tuple[int, ...]]:
    if how_many == 0:
        return []
    if how_many == 1:
        return [(position,) for position in positions]
    return [(first, second) for first in positions for second in positions if first <= second]


def _problems(blocks: Sequence[Block]) -> list[str]:
    conflicts: dict[str, int] = {}
    for block in blocks:
        if found := conflicting_pins(block):
            conflicts[block.frames[0].camera] = conflicts.get(block.frames[0].camera, 0) + found
    return [
        f"{found} pinned frames of camera {camera} are near-equal neighbours of frames pinned to another split; "
        "measured figures may flatter the model"
        for camera, found in conflicts.items()
    ]
