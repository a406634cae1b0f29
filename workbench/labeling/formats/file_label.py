"""What files of existing labels say, whatever their format, before it is known what of it the site asks."""

from dataclasses import dataclass

from workbench.domain import Box
from workbench.labeling.formats.coordinates import Numbers, xywh_px_to_xyxy, xyxy_to_xywh_px

__all__ = ["Entry", "FileLabel", "Instant", "LeftOut", "PictureFile", "PixelBox", "Problem"]


@dataclass(frozen=True)
class Instant:
    """The frame ``time_s`` seconds into ``video`` (a file name)."""

    video: str
    time_s: float

    def __str__(self) -> str:
        return f"{self.video} at {self.time_s:g} s"


@dataclass(frozen=True)
class PictureFile:
    """A picture by its path as the file has it, with ``/``; some formats leave out the suffix."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True)
class PixelBox:
    """A labelled rectangle in pixels: left, top, width, height."""

    label: str
    xywh_px: Numbers

    def xyxy_in(self, size_wh: tuple[int, int]) -> Numbers:
        """Return left, top, right and bottom as parts of a picture of this size, which they may lie outside of."""
        return xywh_px_to_xyxy(self.xywh_px, size_wh)


@dataclass(frozen=True)
class FileLabel:
    """One thing that a file says about what is ``shown``; what it leaves open is empty.

    ``where`` is its place in the file, for messages. ``asked`` are questions with their answers, both in the file's
    words; the labels of ``regions`` are whatever the file says about parts of the picture. ``size_wh`` is the picture's
    size where the file tells it.
    """

    shown: Instant | PictureFile
    where: str
    class_name: str = ""
    caption: str = ""
    boxes: tuple[Box | PixelBox, ...] = ()
    regions: tuple[PixelBox, ...] = ()
    asked: tuple[tuple[str, str], ...] = ()
    size_wh: tuple[int, int] | None = None

    @property
    def pixel_boxes(self) -> tuple[PixelBox, ...]:
        """The rectangles in pixels; those in parts need the picture's size."""
        return tuple(box if isinstance(box, PixelBox) else self._in_pixels(box) for box in self.boxes)

    def _in_pixels(self, box: Box) -> PixelBox:
        assert self.size_wh is not None
        return PixelBox(box.label, xyxy_to_xywh_px(box.xyxy, self.size_wh))


@dataclass(frozen=True)
class Problem:
    """Something for which the whole file is refused."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True)
class LeftOut:
    """Something that is in order and yet gives no label, such as a crowd's rectangle; ``what`` names it in plural."""

    what: str


Entry = FileLabel | Problem | LeftOut
