"""A thread that brings a journal's entries to MLflow, some seconds' worth at a time, and tries again while it is away.

The thread that trains only ever writes to the journal: neither a slow server nor an absent one costs it a step.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from workbench.errors import TrackingError
from workbench.tracking.connection import FAULTS, is_refusal, mlflow_errors
from workbench.tracking.journal import Entry, Journal

__all__ = ["CarryOut", "Courier", "deliver"]

_EVERY_S = 3.0
"""Seconds that metrics wait for others to go with."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _LAST_PAUSE_S = 0.5, 30.0, 2.0
"""Pauses between attempts while MLflow is away: at first, in the middle of a run, and once its end waits for them."""

_log = logging.getLogger(__name__)
CarryOut = Callable[[Sequence[Entry]], None]
"""Brings some entries to MLflow, several only where all of them are metrics."""


def deliver(journal: Journal, carry_out: CarryOut) -> TrackingError | None:
    """Bring what ``journal`` holds to MLflow in order; raise one of FAULTS where that is away.

    What MLflow refuses is left out, as it always would be; the first refusal is returned.
    """
    refusal = None
    while groups := list(_groups(journal.pending())):
        for position, entries in groups:
            try:
                carry_out(entries)
            except FAULTS as fault:
                if not is_refusal(fault):
                    raise
                refusal = refusal or _told(journal, fault)
            journal.mark_delivered(position)
    return refusal


class Courier:
    """Delivers ``journal``, which it closes at the end, through ``carry_out``."""

    def __init__(self, journal: Journal, carry_out: CarryOut) -> None:
        self._journal, self._carry_out = journal, carry_out
        self._state = threading.Condition()
        self._is_wanted = self._is_away = False
        self._ends_at: float | None = None
        self._refusal: TrackingError | None = None
        self._thread = threading.Thread(target=self._run, name="mlflow", daemon=True)
        self._thread.start()

    @property
    def is_drained(self) -> bool:
        """Tell whether MLflow has everything."""
        return self._journal.is_drained

    def deliver_now(self, timeout_s: float) -> bool:
        """Return whether MLflow has everything; where it is known to be away that is not waited for.

        Raises TrackingError when it refused something.
        """
        with self._state:
            self._is_wanted = True
            self._state.notify_all()
            self._state.wait_for(lambda: self.is_drained or self._is_away, timeout_s)
        self._raise_refusal()
        return self.is_drained

    def finish(self, patience_s: float) -> bool:
        """Deliver what is left, trying for ``patience_s``; what then remains stays in the journal."""
        with self._state:
            self._is_wanted = True
            self._ends_at = time.monotonic() + patience_s
            self._state.notify_all()
        self._thread.join(patience_s + _LAST_PAUSE_S)
        self._raise_refusal()
        if not self.is_drained:
            opening, folder = self._journal.opening, self._journal.folder
            _log.warning(
                "MLflow is away: what run %s logged is kept in %s and delivered later.", opening.run_id, folder
            )
        return self.is_drained

    def _run(self) -> None:
        pause_s = _EVERY_S
        while not self._has_ended():
            with self._state:
                self._state.wait_for(lambda: self._is_wanted, pause_s)
                self._is_wanted = False
            was_away = self._is_away
            self._attempt()
            pause_s = self._next_pause_s(pause_s if was_away else 0.0)
        self._journal.close(remove=self._journal.is_done)

    def _has_ended(self) -> bool:
        return self._ends_at is not None and (self.is_drained or time.monotonic() >= self._ends_at)

    def _attempt(self) -> None:
        refusal = fault = None
        try:
            refusal = deliver(self._journal, self._carry_out)
        except FAULTS as error:
            fault = error
        if fault is not None and not self._is_away:
            _log.warning(
                "%s Until then what the run logs is kept in %s.", _told(self._journal, fault), self._journal.folder
            )
        with self._state:
            self._is_away = fault is not None
            self._refusal = self._refusal or refusal
            self._state.notify_all()

    def _next_pause_s(self, pause_s: float) -> float:
        if not self._is_away:
            return _EVERY_S
        longest_s = _LONGEST_PAUSE_S if self._ends_at is None else _LAST_PAUSE_S
        return min(max(_FIRST_PAUSE_S, 2 * pause_s), longest_s)

    def _raise_refusal(self) -> None:
        with self._state:
            refusal, self._refusal = self._refusal, None
        if refusal is not None:
            raise refusal


def _groups(pending: Sequence[tuple[int, Entry]]) -> Iterator[tuple[int, list[Entry]]]:
    """Put metrics that follow each other together; yield where each group ends in the journal."""
    for is_metrics, group in groupby(pending, lambda found: found[1]["do"] == "metrics"):
        found = list(group)
        for some in [found] if is_metrics else [[one] for one in found]:
            yield some[-1][0], [entry for _, entry in some]


def _told(journal: Journal, fault: Exception) -> TrackingError:
    try:
        with mlflow_errors(journal.opening.uri):
            raise fault
    except TrackingError as told:
        return told
