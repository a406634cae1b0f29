"""Progress for a log file: a line where a stage starts and where it ends, and now and then one between them."""

import time
from collections.abc import Callable

__all__ = ["PAUSE_S", "ProgressLines"]

PAUSE_S = 5.0
"""Seconds that pass at least between two lines about one stage."""


class ProgressLines:
    """A ``Progress`` that writes lines such as ``training steps: 25 of 60, after 12 s``.

    A stage ends with its last unit, or else where the next one starts or ``end`` is called.
    """

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._write, self._clock = write, clock
        self._what = ""
        self._done = 0
        self._total: int | None = None
        self._started_s = self._told_s = 0.0
        self._is_over = True

    def __call__(self, done: int, total: int | None, what: str) -> None:
        starts = what != self._what or done < self._done
        if starts:
            self.end()
            self._what, self._started_s, self._is_over = what, self._clock(), False
        self._done, self._total = done, total
        if done == total:
            self.end()
        elif starts:
            self._tell("begun")
        elif self._clock() - self._told_s >= PAUSE_S:
            self._tell(f"after {self._elapsed_s:.0f} s")

    def end(self) -> None:
        """Say that the stage is over, unless that was said already."""
        if not self._is_over:
            self._is_over = True
            self._tell(f"ended after {self._elapsed_s:.0f} s")

    @property
    def _elapsed_s(self) -> float:
        return self._clock() - self._started_s

    def _tell(self, word: str) -> None:
        self._told_s = self._clock()
        count = str(self._done or "") if self._total is None else f"{self._done} of {self._total}"
        self._write(f"{self._what}: {', '.join(filter(None, (count, word)))}")
