"""Which frames of a video file to take, and under which instants the catalogue is to find each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.footage.video import VideoFile

__all__ = ["SamplingPlan", "plan_at", "plan_every"]


@dataclass(frozen=True)
class SamplingPlan:
    """By offset of each frame to take: the instants (seconds after the clip's start) at which it is to be found."""

    video: VideoFile
    instants_s: Mapping[float, frozenset[float]]


def plan_every(video: VideoFile, every_s: float, *, until_s: float | None) -> SamplingPlan:
    offsets_s = video.timeline.every(every_s, until_s=until_s)
    return SamplingPlan(video, {offset_s: frozenset({offset_s}) for offset_s in offsets_s})


def plan_at(video: VideoFile, times_s: Sequence[float]) -> SamplingPlan:
    """Plan the frames nearest to ``times_s``, to be found under the times asked for too: labels name those."""
    instants_s: dict[float, frozenset[float]] = {}
    for time_s in times_s:
        offset_s = video.timeline.nearest(time_s)
        instants_s[offset_s] = instants_s.get(offset_s, frozenset({offset_s})) | {time_s}
    return SamplingPlan(video, instants_s)
