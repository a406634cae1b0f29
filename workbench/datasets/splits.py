"""Which labelled frame goes to train, validation or test, so that near-equal neighbours never cross.

1. A camera's frames are cut into *blocks*: clips, together with those that follow within the gap. A block goes to one
   split whole, unless it holds more than a quarter of its camera's frames: then it is one long clip that has to serve
   several splits, and is cut into *segments* of time, at pauses or where the class changes (:mod:`timelines`).
2. Whatever lies within the gap of a frame of another split is dropped: train gives way to validation, both to test.
3. The splits are to hold their shares of all frames, of each camera, each class and each class at each camera
   (:mod:`shares`). A search that starts with test last in time looks for the nearest division (:mod:`division`).
4. Where a share could not be reached, a sentence says so and why (:mod:`shortfalls`).

Cameras that are held out are in test with all their frames; 1 to 4 concern the others.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from workbench.datasets.division import divide
from workbench.datasets.shares import Shares
from workbench.datasets.shortfalls import shortfalls
from workbench.datasets.timelines import SPLITS, FrameToSplit, blocks_of, keep_apart, sampling_gap_s
from workbench.domain import Split
from workbench.errors import DatasetError

__all__ = ["FRACTIONS", "LEAST_GAP_S", "SplitPlan", "split_frames"]

FRACTIONS: Mapping[Split, float] = MappingProxyType({Split.TRAIN: 0.60, Split.VALIDATION: 0.15, Split.TEST: 0.25})
LEAST_GAP_S = 2.0


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
    held_out_cameras: Collection[str] = (),
) -> SplitPlan:
    """Assign ``frames`` to splits: no two of one camera in different splits are within the gap of each other.

    A frame's pin is taken as given, also where that puts neighbours into different splits, and a validation or test
    split to which frames are pinned consists of these alone, beside the held-out cameras. The same frames and seed give
    the same plan, in whatever order they come. DatasetError when a frame of a held-out camera is pinned elsewhere.
    """
    by_camera: defaultdict[str, list[FrameToSplit]] = defaultdict(list)
    for frame in frames:
        by_camera[frame.camera].append(frame)
    gaps_s = {camera: sampling_gap_s(taken, least_gap_s) for camera, taken in sorted(by_camera.items())}
    held_out = {frame.frame_id: Split.TEST for frame in frames if frame.camera in held_out_cameras}
    _require_unpinned([frame for frame in frames if frame.frame_id in held_out])
    frames = [frame for frame in frames if frame.frame_id not in held_out]
    if not frames:
        return SplitPlan(held_out, (), gaps_s, ())
    blocks = blocks_of(frames, gaps_s)
    shares = Shares.of(frames, fractions)
    splits: dict[str, Split] = {}
    for block, of_segments in zip(blocks, divide(blocks, shares, seed=seed), strict=True):
        of_frames = block.frame_splits(of_segments)
        kept = keep_apart(block, of_frames[None])[0]
        splits |= {
            frame.frame_id: SPLITS[split]
            for frame, split, stays in zip(block.frames, of_frames, kept, strict=True)
            if stays
        }
    dropped = sorted({frame.frame_id for frame in frames} - set(splits))
    problems = tuple(shortfalls(frames, splits, shares, gaps_s))
    return SplitPlan({**splits, **held_out}, tuple(dropped), gaps_s, problems)


def _require_unpinned(frames: Sequence[FrameToSplit]) -> None:
    elsewhere = [frame for frame in frames if frame.pinned_to not in (None, Split.TEST)]
    if elsewhere:
        raise DatasetError(
            expected=f"no pinned frames at the held-out camera {elsewhere[0].camera}",
            found=f"{len(elsewhere)} of them, one pinned to {elsewhere[0].pinned_to}",
            remedy="hold out another camera, or pin these frames to test by importing their labels again",
        )
