"""What happens on a live stream, kept for a reader who may be slow; bounded."""

import threading
from collections import deque
from dataclasses import dataclass

from workbench.footage.stream_messages import LiveStill
from workbench.footage.stream_supervisor import StreamState

__all__ = ["Mailbox", "Pause"]

_WAITING_STATES = 64


@dataclass(frozen=True)
class Pause:
    """Nothing happened for a while."""


class Mailbox:
    """Events in their order, of which the oldest still, or the oldest state, makes room for the newest."""

    def __init__(self, *, waiting_stills: int) -> None:
        self._limits = {LiveStill: waiting_stills, StreamState: _WAITING_STATES}
        self._events: deque[LiveStill | StreamState] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._error: BaseException | None = None
        self.stills_dropped = 0

    def put(self, event: LiveStill | StreamState, *, may_drop: bool) -> None:
        """Add ``event``; where nothing may be dropped, wait for room until the mailbox is closed."""
        with self._changed:
            if not may_drop:
                self._changed.wait_for(lambda: self._is_closed or not self._is_full(type(event)))
            elif self._is_full(type(event)):
                self._events.remove(next(old for old in self._events if type(old) is type(event)))
                self.stills_dropped += isinstance(event, LiveStill)
            self._events.append(event)
            self._changed.notify_all()

    def take(self, patience_s: float | None = None) -> LiveStill | StreamState | Pause | None:
        """Return the oldest event, a pause when none came for ``patience_s``; once closed and empty, raise or None."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._events or self._is_closed, patience_s):
                return Pause()
            if self._events:
                self._changed.notify_all()
                return self._events.popleft()
            if self._error is not None:
                raise self._error
            return None

    def close(self, error: BaseException | None = None) -> None:
        """Say that nothing more comes, or that nobody waits for more."""
        with self._changed:
            self._is_closed, self._error = True, self._error or error
            self._changed.notify_all()

    def _is_full(self, kind: type) -> bool:
        return sum(type(event) is kind for event in self._events) >= self._limits[kind]
