"""When the frames of a clip are shown, and which of them a sampling asks for."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from workbench.errors import FootageError

__all__ = ["Timeline", "timeline_of_count", "timeline_of_times"]

_EPSILON_S = 1e-6


@dataclass(frozen=True)
class Timeline:
    """Seconds after a clip's first frame at which each frame is shown, ascending; the first is 0.

    ``keyframes_s`` are those of them from which decoding can begin, ``last_interval_s`` is how long the last is shown.
    """

    offsets_s: Sequence[float]
    keyframes_s: Sequence[float]
    last_interval_s: float

    @property
    def duration_s(self) -> float:
        return self.offsets_s[-1] + self.last_interval_s

    def nearest(self, time_s: float) -> float:
        """Return the offset of the frame shown nearest to ``time_s``."""
        after = bisect_left(self.offsets_s, time_s)
        around = self.offsets_s[max(after - 1, 0) : after + 1]
        return min(around, key=lambda offset_s: abs(offset_s - time_s))

    def every(self, interval_s: float, *, until_s: float | None = None) -> list[float]:
        """Return the offsets of the frames nearest to 0, ``interval_s``, 2 ``interval_s`` … before ``until_s``.

        Each frame counts for the nearest of these instants alone: in a stretch without frames none is taken.
        """
        _require_interval(interval_s)
        offsets_s = np.asarray(self.offsets_s)
        steps = np.floor(offsets_s / interval_s + 0.5)
        nearest_first = np.lexsort((np.abs(offsets_s - steps * interval_s), steps))
        taken_steps, firsts = np.unique(steps[nearest_first], return_index=True)
        is_before_end = taken_steps * interval_s < self._end_s(until_s) - _EPSILON_S
        taken: list[float] = offsets_s[nearest_first[firsts[is_before_end]]].tolist()
        return taken

    def keyframes_every(self, interval_s: float | None = None, *, until_s: float | None = None) -> list[float]:
        """Return the offsets of the keyframes before ``until_s``, those nearer than ``interval_s`` left out.

        A distance that is short by less than half a frame's time passes, as cameras' clocks tremble.
        """
        if interval_s is not None:
            _require_interval(interval_s)
        end_s = self._end_s(until_s)
        least_s = max(_EPSILON_S, (interval_s or 0.0) - self.last_interval_s / 2)
        taken: list[float] = []
        for offset_s in self.keyframes_s:
            if offset_s < end_s - _EPSILON_S and (not taken or offset_s - taken[-1] >= least_s):
                taken.append(offset_s)
        return taken

    def beyond_end(self, times_s: Sequence[float]) -> list[float]:
        """Return those of ``times_s`` at which the clip shows nothing: before its start or after its end."""
        return [time_s for time_s in times_s if not 0 <= time_s <= self.duration_s + _EPSILON_S]

    def keyframe_before(self, offset_s: float) -> float:
        """Return the last keyframe at or before ``offset_s``; 0 when there is none."""
        index = bisect_right(self.keyframes_s, offset_s + _EPSILON_S)
        return self.keyframes_s[index - 1] if index else 0.0

    def _end_s(self, until_s: float | None) -> float:
        return self.duration_s if until_s is None else min(until_s, self.duration_s)


def timeline_of_times(
    pts: NDArray[np.int64], is_keyframe: NDArray[np.bool_], time_base: Fraction, *, nominal_s: float | None
) -> Timeline:
    """Return the timeline of frames shown at ``pts`` ``[n_frames]`` ticks of ``time_base`` seconds, in any order."""
    times = np.unique(pts)
    offsets_s = _seconds(times - times[0], time_base)
    keyframes_s = _seconds(np.unique(pts[is_keyframe]) - times[0], time_base)
    last_interval_s = offsets_s[-1] - offsets_s[-2] if len(offsets_s) > 1 else nominal_s or 0.0
    return Timeline(offsets_s, keyframes_s, last_interval_s)


def timeline_of_count(is_keyframe: NDArray[np.bool_], *, nominal_s: float) -> Timeline:
    """Return the timeline of frames without times, one every ``nominal_s`` seconds."""
    offsets_s = np.arange(len(is_keyframe)) * nominal_s
    return Timeline(array("d", offsets_s.tobytes()), array("d", offsets_s[is_keyframe].tobytes()), nominal_s)


def _seconds(ticks: NDArray[np.int64], time_base: Fraction) -> Sequence[float]:
    return array("d", (ticks.astype(np.float64) * time_base.numerator / time_base.denominator).tobytes())


def _require_interval(interval_s: float) -> None:
    if interval_s <= 0:
        raise FootageError(
            expected="a sampling interval above 0 seconds",
            found=f"{interval_s:g} s",
            remedy="give one as --every 1s",
        )
