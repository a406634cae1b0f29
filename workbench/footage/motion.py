"""Has the view changed? What a static camera shows at night is told from somebody who walks through it.

A picture is compared, cell by cell, by the contrast and structure terms of SSIM (Wang et al., "Image quality
assessment: from error visibility to structural similarity", IEEE TIP 2004), which do not see brightness and hardly see
gain: a drifting exposure is no change. The constant of those terms follows the noise that each cell shows from look to
look, so that noise, and leaves that never rest, are no change either. A view is new only when it differs from each of
the last few that were taken: a lamp that flickers has two views and gives two pictures. What a camera's masks hide is
not looked at.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.domain import Mask
from workbench.errors import FootageError
from workbench.footage.outlines import hidden_pixels
from workbench.footage.recordings import Grey, Still, size_within

__all__ = ["ChangeDetection", "ChangeWatch", "ViewMemory", "changed_stills", "thumbnail_size"]

Floats = NDArray[np.float32]
AnyStill = TypeVar("AnyStill", bound=Still)
AnyPixel = TypeVar("AnyPixel", np.uint8, np.bool_)

SAME_CELL = 0.5
"""A cell has changed when its likeness to each remembered view is below this; 1 is the same, 0 is nothing in common."""

_LONG_SIDE_PX = 320
_CELL_PX = 8
_VIEWS = 4
_LOOKS = 16
_LOOKS_FOR_A_CELL = 5
_LEAST_CONSTANT = 16.0
_NOISE_FACTOR = 8.0
_MOST_NOISE = 12.0**2


@dataclass(frozen=True)
class ChangeDetection:
    """Look every ``look_every_s`` seconds; take what has changed in at least ``changed_share`` of the view's area.

    The smaller ``changed_share``, the more pictures: 0.005 sees a person who is a fifth of the picture's height, 0.001
    one in the distance. After ``longest_s`` without a picture one is taken anyway.
    """

    look_every_s: float = 1.0
    changed_share: float = 0.005
    longest_s: float = 1800.0

    def __post_init__(self) -> None:
        if self.look_every_s <= 0 or self.longest_s <= 0 or not 0 < self.changed_share <= 1:
            raise FootageError(
                expected="times above 0 seconds and a share of the view above 0 and up to 1",
                found=f"{self.look_every_s:g} s, {self.longest_s:g} s and {self.changed_share:g}",
                remedy="leave them out to have the usual ones",
            )


def thumbnail_size(size_wh: tuple[int, int]) -> tuple[int, int]:
    """Return the size at which pictures of ``size_wh`` are compared: whole cells, at most 320 pixels long.

    It is at most half of the picture's, so that the noise of neighbouring pixels averages out.
    """
    small_wh = size_within(size_wh, min(_LONG_SIDE_PX, max(size_wh) // 2))
    width, height = (_CELL_PX * max(1, side_px // _CELL_PX) for side_px in small_wh)
    return width, height


class ViewMemory:
    """The last views that were taken, and how much each cell trembles.

    ``hidden`` ``[height, width]`` is true where nothing is looked at.
    """

    def __init__(self, hidden: NDArray[np.bool_]) -> None:
        shown = _in_cells(~hidden)
        self._cell_count = len(shown)
        self._is_watched = shown.any(axis=1)
        self._shown = shown[self._is_watched].astype(np.float32)
        self._views: deque[Floats] = deque(maxlen=_VIEWS)
        self._tremor: deque[Floats] = deque(maxlen=_LOOKS)
        self._last: Floats | None = None

    def look(self, grey: Grey) -> float:
        """Return the share of cells in which ``grey`` differs from every view taken; 1 when none was taken yet.

        Hidden cells never differ, but count: a mask makes nothing before it larger.
        """
        cells = self._cells(grey)
        if self._last is not None:
            self._tremor.append((cells - self._last).var(axis=1) / 2)
        self._last = cells
        if not self._views:
            return 1.0
        if not cells.size:
            return 0.0
        constant = self._constant()
        likeness = np.max([_likeness(view, cells, constant) for view in self._views], axis=0)
        return float((likeness < SAME_CELL).sum() / self._cell_count)

    def take(self) -> None:
        """Remember what was looked at last as a view that was taken."""
        assert self._last is not None
        self._views.append(self._last)

    def _cells(self, grey: Grey) -> Floats:
        """Return ``[n_cells, pixels]`` of the cells that show something, each one's mean taken off, 0 where hidden."""
        cells: Floats = _in_cells(grey)[self._is_watched].astype(np.float32)
        cells -= np.average(cells, axis=1, weights=self._shown, keepdims=True)
        cells *= self._shown
        return cells

    def _constant(self) -> Floats:
        usual = np.median(np.stack(self._tremor), axis=0)
        noise = np.full_like(usual, np.median(usual))
        if len(self._tremor) >= _LOOKS_FOR_A_CELL:
            noise = np.maximum(noise, usual)
        constant: Floats = np.maximum(_LEAST_CONSTANT, _NOISE_FACTOR * np.minimum(noise, _MOST_NOISE))
        return constant


class ChangeWatch:
    """Tells of one look after the other whether to take its still; looks are at pictures of ``size_wh``."""

    def __init__(self, size_wh: tuple[int, int], detection: ChangeDetection, masks: Sequence[Mask] = ()) -> None:
        self._small_wh = thumbnail_size(size_wh)
        self._memory = ViewMemory(hidden_pixels(masks, self._small_wh))
        self._detection = detection
        self._last_taken_s = -float("inf")

    def takes(self, offset_s: float, still: Still) -> bool:
        share = self._memory.look(still.grey(self._small_wh))
        waited_s = offset_s - self._last_taken_s
        if share < self._detection.changed_share and waited_s < self._detection.longest_s:
            return False
        self._memory.take()
        self._last_taken_s = offset_s
        return True


def changed_stills(
    looks: Iterable[tuple[float, AnyStill]],
    size_wh: tuple[int, int],
    detection: ChangeDetection,
    masks: Sequence[Mask] = (),
) -> Iterator[tuple[float, AnyStill]]:
    """Yield those of ``looks`` (offsets with their stills, of a recording of ``size_wh``) that show a changed view.

    What moves behind one of ``masks`` is no change.
    """
    watch = ChangeWatch(size_wh, detection, masks)
    for offset_s, still in looks:
        if watch.takes(offset_s, still):
            yield offset_s, still


def _in_cells(pixels: NDArray[AnyPixel]) -> NDArray[AnyPixel]:
    """Return ``[n_cells, pixels]`` of a picture ``[height, width]``."""
    rows, columns = (side_px // _CELL_PX for side_px in pixels.shape)
    return pixels.reshape(rows, _CELL_PX, columns, _CELL_PX).swapaxes(1, 2).reshape(rows * columns, -1)


def _likeness(one: Floats, other: Floats, constant: Floats) -> Floats:
    """Return SSIM's contrast times structure of each pair of cells, ``[n_cells]``."""
    shared = (one * other).mean(axis=1)
    own = (one * one).mean(axis=1) + (other * other).mean(axis=1)
    likeness: Floats = (2 * shared + constant) / (own + constant)
    return likeness
