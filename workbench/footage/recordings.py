"""What every kind of footage looks like to the rest of the workbench: a video file, or a row of single pictures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.footage.start_times import StartTime
from workbench.footage.timeline import Timeline

__all__ = ["Grey", "Recording", "Still", "size_within"]

Grey = NDArray[np.uint8]
"""Brightness, ``[height, width]``."""


class Still(Protocol):
    """One picture of a recording, ``offset_s`` seconds after the recording's first."""

    @property
    def offset_s(self) -> float: ...

    def image(self, *, long_side_px: int | None = None) -> Image.Image:
        """Return the picture as RGB, upright, scaled down where it is longer than ``long_side_px``."""
        ...

    def grey(self, size_wh: tuple[int, int]) -> Grey:
        """Return the picture's brightness, upright and resized to ``size_wh``."""
        ...


class Recording(Protocol):
    """What ingest needs to know of footage, and the way to its stills.

    ``damage`` says in words what is missing, ``note`` what is good to know of footage that is in order.
    """

    @property
    def name(self) -> str: ...

    @property
    def timeline(self) -> Timeline: ...

    @property
    def size_wh(self) -> tuple[int, int]: ...

    @property
    def damage(self) -> str | None: ...

    @property
    def note(self) -> str | None: ...

    @property
    def picture_names(self) -> Mapping[float, str]:
        """By offset, the names of the files of which each still is the whole; none for a video."""
        ...

    def digest(self) -> str:
        """Return what stays the same when the same recording comes again: 64 hexadecimal digits."""
        ...

    def start(self, given: datetime | None = None) -> StartTime:
        """Return when the first picture was taken, and what told it: the user (``given``) comes first."""
        ...

    def stills(
        self, offsets_s: Sequence[float], *, on_damage: Callable[[str], None], keyframes_only: bool = False
    ) -> Iterator[tuple[float, Still]]:
        """Yield the stills at ``offsets_s`` (ascending, as the timeline gives them), each with its offset.

        One that cannot be had is left out and told to ``on_damage``. ``keyframes_only`` says that all of them are
        keyframes of the timeline; nothing else is decoded then.
        """
        ...


def size_within(size_wh: tuple[int, int], long_side_px: int) -> tuple[int, int]:
    """Return ``size_wh`` scaled down so that its longer side has at most ``long_side_px`` pixels."""
    longest_px = max(size_wh)
    if longest_px <= long_side_px:
        return size_wh
    width, height = (max(1, round(side_px * long_side_px / longest_px)) for side_px in size_wh)
    return width, height
