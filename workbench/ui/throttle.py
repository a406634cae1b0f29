"""Slowing down whoever guesses passwords."""

import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Throttle"]

_FREE_FAILURES = 3
_LONGEST_WAIT_S = 300.0
_FORGET_AFTER_S = 3600.0


@dataclass(frozen=True)
class _Failures:
    count: int
    last_at_s: float


class Throttle:
    """After three failures in a row, every further try has to wait twice as long as the one before, up to 5 minutes.

    ``key`` is what the failures are counted for (a user name, a client address). Failures are forgotten an hour after
    the last one, so that the table stays small.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._failures: dict[str, _Failures] = {}

    def wait_s(self, key: str) -> float:
        """Return how many seconds ``key`` still has to wait before its next try."""
        failures = self._failures.get(key)
        if failures is None or failures.count < _FREE_FAILURES:
            return 0.0
        pause_s = min(_LONGEST_WAIT_S, 2.0 ** (failures.count - _FREE_FAILURES))
        return max(0.0, failures.last_at_s + pause_s - self._now_s())

    def failed(self, key: str) -> None:
        self._forget_old()
        known = self._failures.get(key)
        self._failures[key] = _Failures(1 + (known.count if known else 0), self._now_s())

    def succeeded(self, key: str) -> None:
        self._failures.pop(key, None)

    def _forget_old(self) -> None:
        oldest_s = self._now_s() - _FORGET_AFTER_S
        self._failures = {key: known for key, known in self._failures.items() if known.last_at_s >= oldest_s}
