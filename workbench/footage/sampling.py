"""Which stills of a recording to take, and under which instants the catalogue is to find each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workbench.domain import Mask
from workbench.footage.motion import ChangeDetection, changed_stills
from workbench.footage.recordings import Recording, Still

__all__ = ["SamplingPlan", "plan_at", "plan_changes", "plan_every", "plan_keyframes"]


@dataclass(frozen=True)
class SamplingPlan:
    """By offset of each still to look at: the instants (seconds after the recording's start) at which it is found.

    ``keyframes_only`` decodes nothing else; with ``change`` those stills alone are taken that show a changed view
    where no one of ``masks`` hides it.
    """

    video: Recording
    instants_s: Mapping[float, frozenset[float]]
    keyframes_only: bool = False
    change: ChangeDetection | None = None
    masks: Sequence[Mask] = ()

    def stills(
        self, *, on_damage: Callable[[str], None], on_look: Callable[[int], None] = lambda count: None
    ) -> Iterator[tuple[float, Still]]:
        """Yield the stills with their offsets, ascending.

        ``on_look`` hears how many of ``instants_s`` were looked at so far, ``on_damage`` what cannot be had.
        """
        looks = self._looks(on_damage, on_look)
        return looks if self.change is None else changed_stills(looks, self.video.size_wh, self.change, self.masks)

    def _looks(self, on_damage: Callable[[str], None], on_look: Callable[[int], None]) -> Iterator[tuple[float, Still]]:
        stills = self.video.stills(sorted(self.instants_s), on_damage=on_damage, keyframes_only=self.keyframes_only)
        for count, (offset_s, still) in enumerate(stills, start=1):
            yield offset_s, still
            on_look(count)


def plan_every(video: Recording, every_s: float, *, until_s: float | None) -> SamplingPlan:
    return SamplingPlan(video, _at_themselves(video.timeline.every(every_s, until_s=until_s)))


def plan_keyframes(video: Recording, every_s: float | None = None, *, until_s: float | None = None) -> SamplingPlan:
    """Plan the keyframes, at least ``every_s`` seconds apart where that is given: fast, as nothing else is decoded."""
    offsets_s = video.timeline.keyframes_every(every_s, until_s=until_s)
    return SamplingPlan(video, _at_themselves(offsets_s), keyframes_only=True)


def plan_changes(
    video: Recording,
    change: ChangeDetection,
    *,
    until_s: float | None = None,
    keyframes_only: bool = False,
    masks: Sequence[Mask] = (),
) -> SamplingPlan:
    """Plan looks by which the stills with a changed view are found; at keyframes alone it costs no full decode.

    What moves behind one of ``masks`` is no change.
    """
    if keyframes_only:
        offsets_s = video.timeline.keyframes_every(change.look_every_s, until_s=until_s)
    else:
        offsets_s = video.timeline.every(change.look_every_s, until_s=until_s)
    return SamplingPlan(video, _at_themselves(offsets_s), keyframes_only, change, tuple(masks))


def plan_at(video: Recording, times_s: Sequence[float]) -> SamplingPlan:
    """Plan the frames nearest to ``times_s``, to be found under the times asked for too: labels name those."""
    instants_s: dict[float, frozenset[float]] = {}
    for time_s in times_s:
        offset_s = video.timeline.nearest(time_s)
        instants_s[offset_s] = instants_s.get(offset_s, frozenset({offset_s})) | {time_s}
    return SamplingPlan(video, instants_s)


def _at_themselves(offsets_s: Sequence[float]) -> dict[float, frozenset[float]]:
    return {offset_s: frozenset({offset_s}) for offset_s in offsets_s}
