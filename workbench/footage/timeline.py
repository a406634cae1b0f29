"""When the frames of a clip are shown, and which of them a sampling asks for."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, takewhile

from workbench.errors import FootageError

__all__ = ["Timeline"]

_EPSILON_S = 1e-6


@dataclass(frozen=True)
class Timeline:
    """Seconds after a clip's first frame at which each frame is shown, ascending; the first is 0.

    ``keyframes_s`` are those of them from which decoding can begin, ``last_interval_s`` is how long the last is shown.
    """

    offsets_s: tuple[float, ...]
    keyframes_s: tuple[float, ...]
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
        """Return the offsets of the frames nearest to 0, ``interval_s``, 2 ``interval_s`` … before ``until_s``."""
        if interval_s <= 0:
            raise FootageError(
                expected="a sampling interval above 0 seconds",
                found=f"{interval_s:g} s",
                remedy="give one as --every 1s",
            )
        end_s = self.duration_s if until_s is None else min(until_s, self.duration_s)
        times_s = takewhile(lambda time_s: time_s < end_s - _EPSILON_S, (step * interval_s for step in count()))
        return sorted({self.nearest(time_s) for time_s in times_s})

    def beyond_end(self, times_s: Sequence[float]) -> list[float]:
        """Return those of ``times_s`` at which the clip shows nothing: before its start or after its end."""
        return [time_s for time_s in times_s if not 0 <= time_s <= self.duration_s + _EPSILON_S]

    def keyframe_before(self, offset_s: float) -> float:
        """Return the last keyframe at or before ``offset_s``; 0 when there is none."""
        index = bisect_right(self.keyframes_s, offset_s + _EPSILON_S)
        return self.keyframes_s[index - 1] if index else 0.0
