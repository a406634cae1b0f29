"""When the frames of a live stream were taken, and which of them a sampling asks for."""

__all__ = ["StreamClock", "due_after_keyframe_s", "is_due", "next_due_s"]

_LONGEST_LEAP_S = 10.0
_LARGEST_DRIFT_S = 60.0
_TOLERANCE_S = 0.001
_LARGEST_TREMBLE_S = 0.05


class StreamClock:
    """The offsets of one connection's frames; the first has ``base_s``.

    The camera's times rule, so that frames which arrive in bursts keep their distances. Of a live stream (not of a
    recording that is sent faster than it was taken) a step counts as the time that passed here instead when it leaps
    by more than 10 s, because the camera's clock was set, or would leave the clock here by more than 60 s, because the
    camera's clock is broken. A step back counts as that in any case: offsets never go back.
    """

    def __init__(self, *, base_s: float, is_live: bool) -> None:
        self._base_s = base_s
        self._is_live = is_live
        self._offset_s = base_s
        self._first_now_s: float | None = None
        self._last_camera_s = self._last_now_s = 0.0

    def offset_s(self, camera_s: float, now_s: float) -> float:
        """Return the offset of the next frame, taken at ``camera_s`` by its camera's clock and seen at ``now_s``."""
        if self._first_now_s is None:
            self._first_now_s = now_s
        else:
            step_s, passed_s = camera_s - self._last_camera_s, now_s - self._last_now_s
            drift_s = self._offset_s + step_s - (self._base_s + now_s - self._first_now_s)
            self._offset_s += step_s if self._is_credible(step_s, passed_s, drift_s) else passed_s
        self._last_camera_s, self._last_now_s = camera_s, now_s
        return self._offset_s

    def _is_credible(self, step_s: float, passed_s: float, drift_s: float) -> bool:
        if not self._is_live:
            return step_s >= 0
        return 0 <= step_s <= passed_s + _LONGEST_LEAP_S and abs(drift_s) <= _LARGEST_DRIFT_S


def is_due(offset_s: float, due_s: float) -> bool:
    return offset_s >= due_s - _TOLERANCE_S


def next_due_s(offset_s: float, every_s: float) -> float:
    """Return the first multiple of ``every_s`` that is later than ``offset_s``."""
    return ((offset_s + _TOLERANCE_S) // every_s + 1) * every_s


def due_after_keyframe_s(offset_s: float, every_s: float) -> float:
    """Return from when on a keyframe is far enough from the one at ``offset_s``.

    A distance that is short by a fiftieth, and 50 ms at most, passes: else a camera that sends a keyframe every two
    seconds, and whose clock trembles, would now and then give none for four.
    """
    return offset_s + every_s - min(every_s / 50, _LARGEST_TREMBLE_S)
