"""A window of one camera's frames, cut into blocks that may be taken as independent of one another.

Neighbouring frames are near copies, so that a test which shuffles single frames raises an alarm on nearly every window.
The tests of this stage shuffle blocks: stretches of one clip, long enough that frames that far apart are no more alike
than any two frames of the window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import comb
from typing import Any

import numpy as np

__all__ = ["Floats", "Integers", "Window", "block_permutations", "cut_blocks", "smallest_p"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]

_FORGOTTEN_CORRELATION = 0.15
_LONGEST_LAG = 64
_LAGS_PER_BLOCK = 5


@dataclass(frozen=True)
class Window:
    """Frames of one camera: ``embeddings`` is ``[n_frames, width]``, ``classes`` are the model's answers."""

    embeddings: Floats
    classes: tuple[str, ...]
    clip_ids: tuple[str, ...]
    taken_at: tuple[datetime, ...]

    def __len__(self) -> int:
        return len(self.classes)

    def in_order(self) -> "Window":
        """Return the same frames by clip and time."""
        return self._of_rows(sorted(range(len(self)), key=lambda row: (self.clip_ids[row], self.taken_at[row])))

    def thinned(self, most_frames: int) -> "Window":
        """Return at most ``most_frames`` of the frames, evenly spread."""
        rows = np.linspace(0, len(self) - 1, min(len(self), most_frames)).round().astype(int)
        return self._of_rows(rows.tolist())

    def _of_rows(self, rows: Sequence[int]) -> "Window":
        return Window(
            self.embeddings[rows],
            tuple(self.classes[row] for row in rows),
            tuple(self.clip_ids[row] for row in rows),
            tuple(self.taken_at[row] for row in rows),
        )


def cut_blocks(windows: Sequence[Window]) -> list[Integers]:
    """Return for each window the block of each of its frames, numbered on through all windows.

    All windows get the same block length in frames: five times the lag at which pictures and answers of a clip are no
    longer alike, so that what neighbouring blocks share at their borders does not matter; often that is a whole clip. A
    window's frames must be in order (:meth:`Window.in_order`).
    """
    length = _LAGS_PER_BLOCK * max(
        _forgetting_lag(window, series) for window in windows for series in (window.embeddings, _indicators(window))
    )
    blocks: list[Integers] = []
    started = 0
    for window in windows:
        numbers = np.zeros(len(window), dtype=np.int64)
        for rows in _clips(window):
            n_blocks = max(1, round(len(rows) / length))
            numbers[rows] = started + np.arange(len(rows)) * n_blocks // len(rows)
            started += n_blocks
        blocks.append(numbers)
    return blocks


def block_permutations(n_reference: int, n_current: int, permutations: int, seed: int) -> Floats:
    """Return 0/1 ``[permutations + 1, n_blocks]``: which blocks are taken for current; the first row is the truth."""
    truth = np.repeat([0.0, 1.0], [n_reference, n_current])
    shuffled = np.random.default_rng(seed).permuted(np.tile(truth, (permutations, 1)), axis=1)
    return np.concatenate([truth[None], shuffled])


def smallest_p(n_reference: int, n_current: int) -> float:
    """Return the smallest p-value that so few blocks can give."""
    return 1 / comb(n_reference + n_current, n_current)


def _forgetting_lag(window: Window, series: Floats) -> int:
    """Return the first lag, in frames, at which the mean correlation within clips of ``[n_frames, k]`` is small."""
    centred = series - series.mean(axis=0)
    variance = float((centred**2).sum(axis=1).mean())
    if variance == 0:
        return 1
    longest = max(len(rows) for rows in _clips(window))
    for lag in range(1, min(longest, _LONGEST_LAG)):
        products = [(centred[rows[:-lag]] * centred[rows[lag:]]).sum(axis=1) for rows in _clips(window)]
        if float(np.concatenate(products).mean()) / variance < _FORGOTTEN_CORRELATION:
            return lag
    return min(longest, _LONGEST_LAG)


def _indicators(window: Window) -> Floats:
    """Return 0/1 ``[n_frames, n_classes]``: which class was answered."""
    names, places = np.unique(np.array(window.classes), return_inverse=True)
    indicators: Floats = np.eye(len(names))[places]
    return indicators


def _clips(window: Window) -> list[Integers]:
    """Return the rows of each clip."""
    names = np.array(window.clip_ids)
    starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]))
    return np.split(np.arange(len(window)), starts[1:])
