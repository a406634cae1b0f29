"""Single pictures of one folder, as cameras leave them every few seconds, read like the frames of one recording."""

import hashlib
import itertools
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from workbench.errors import FootageError
from workbench.footage.files import file_sha256, natural_order, require_utf8
from workbench.footage.pictures import as_rgb
from workbench.footage.recordings import Grey, size_within
from workbench.footage.start_times import StartOrigin, StartTime, start_time_from_name
from workbench.footage.timeline import Timeline

__all__ = ["ImageSeries", "ImageStill", "open_images"]

MAX_PIXELS = 64_000_000
_COUNTED_S = 1.0
_LEAST_STEP_S = 0.001
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, struct.error)
_UPRIGHT_WHEN = (None, 0, 1, 2, 3, 4)


@dataclass(frozen=True)
class ImageStill:
    """A picture, RGB and upright, ``offset_s`` seconds after the first one."""

    offset_s: float
    decoded: Image.Image

    def image(self, *, long_side_px: int | None = None) -> Image.Image:
        """Return the picture, scaled down where it is longer than ``long_side_px``."""
        own_wh = self.decoded.size
        size_wh = own_wh if long_side_px is None else size_within(own_wh, long_side_px)
        return self.decoded if size_wh == own_wh else self.decoded.resize(size_wh, Image.Resampling.LANCZOS)

    def grey(self, size_wh: tuple[int, int]) -> Grey:
        """Return the picture's brightness, each pixel the mean of the area that it stands for."""
        return np.asarray(self.decoded.convert("L").resize(size_wh, Image.Resampling.BOX))


@dataclass(frozen=True)
class ImageSeries:
    """The pictures of one folder in the order of their times; ``damage`` names those that cannot be read."""

    name: str
    paths: tuple[Path, ...]
    own_names: tuple[str, ...]
    timeline: Timeline
    size_wh: tuple[int, int]
    damage: str | None
    found_start: StartTime
    note: None = None

    @property
    def picture_names(self) -> Mapping[float, str]:
        return dict(zip(self.timeline.offsets_s, self.own_names, strict=True))

    def digest(self) -> str:
        """Return a digest of the earliest picture: a folder that grows stays the same recording."""
        return hashlib.sha256(f"pictures {file_sha256(self.paths[0])}".encode()).hexdigest()

    def start(self, given: datetime | None = None) -> StartTime:
        return self.found_start if given is None else StartTime(given, StartOrigin.USER)

    def stills(
        self, offsets_s: Sequence[float], *, on_damage: Callable[[str], None], keyframes_only: bool = False
    ) -> Iterator[tuple[float, ImageStill]]:
        """Yield the pictures at ``offsets_s``; all of them are keyframes.

        One that cannot be decoded is left out and told to ``on_damage``.
        """
        path_at = dict(zip(self.timeline.offsets_s, self.paths, strict=True))
        for offset_s in offsets_s:
            try:
                with _opened(path_at[offset_s]) as image:
                    still = ImageStill(offset_s, as_rgb(ImageOps.exif_transpose(image)))
            except FootageError as error:
                on_damage(f"{self.name}: {error}")
            else:
                yield offset_s, still


@dataclass(frozen=True)
class _Picture:
    path: Path
    name: str
    size_wh: tuple[int, int]
    exif_time: datetime | None
    name_time: datetime | None
    file_time: datetime


def open_images(paths: Sequence[Path], *, name: str, names: Sequence[str] | None = None) -> ImageSeries:
    """Read the headers of the pictures at ``paths``; ``names`` are their own where the paths are those of copies.

    Their times are the first of these that every picture has: EXIF's DateTimeOriginal, what the name says, the file's
    time. File times that do not ascend with the names, as after copying, say nothing: the pictures then count as one
    a second. A time without a zone is UTC.

    Raises:
        FootageError: None of them can be read; it tells of the first.
    """
    pictures: list[_Picture] = []
    problems: list[FootageError] = []
    for path, own_name in sorted(
        zip(paths, names or [path.name for path in paths], strict=True), key=lambda pair: natural_order(pair[1])
    ):
        try:
            pictures.append(_read_header(path, own_name))
        except FootageError as error:
            problems.append(error)
    if not pictures:
        raise problems[0]
    times, origin = _times(pictures)
    order = sorted(range(len(pictures)), key=times.__getitem__)
    offsets_s = _offsets_s([times[index] for index in order])
    last_s = offsets_s[-1] - offsets_s[-2] if len(offsets_s) > 1 else _COUNTED_S
    return ImageSeries(
        name=name,
        paths=tuple(pictures[index].path for index in order),
        own_names=tuple(pictures[index].name for index in order),
        timeline=Timeline(offsets_s, offsets_s, last_s),
        size_wh=pictures[order[0]].size_wh,
        damage=f"{len(problems)} of its {len(paths)} pictures cannot be read: {problems[0]}" if problems else None,
        found_start=StartTime(times[order[0]], origin),
    )


def _times(pictures: Sequence[_Picture]) -> tuple[list[datetime], StartOrigin]:
    in_exif = [picture.exif_time for picture in pictures if picture.exif_time]
    if len(in_exif) == len(pictures):
        return in_exif, StartOrigin.HEADER
    in_names = [picture.name_time for picture in pictures if picture.name_time]
    if len(in_names) == len(pictures):
        return in_names, StartOrigin.NAME
    of_files = [picture.file_time for picture in pictures]
    if all(earlier < later for earlier, later in itertools.pairwise(of_files)):
        return of_files, StartOrigin.FILE
    first = min(of_files).replace(microsecond=0)
    return [first + timedelta(seconds=index * _COUNTED_S) for index in range(len(pictures))], StartOrigin.FILE


def _offsets_s(times: Sequence[datetime]) -> tuple[float, ...]:
    """Return ascending offsets; pictures of the same instant follow each other by a millisecond."""
    offsets_s: list[float] = []
    for time in times:
        offset_s = (time - times[0]).total_seconds()
        offsets_s.append(max(offset_s, offsets_s[-1] + _LEAST_STEP_S) if offsets_s else offset_s)
    return tuple(offsets_s)


def _read_header(path: Path, name: str) -> _Picture:
    require_utf8(name)
    with _opened(path) as image:
        exif = image.getexif()
        width, height = image.size
        is_upright = exif.get(ExifTags.Base.Orientation) in _UPRIGHT_WHEN
        return _Picture(
            path=path,
            name=PurePosixPath(name).name,
            size_wh=(width, height) if is_upright else (height, width),
            exif_time=_exif_time(exif),
            name_time=start_time_from_name(name),
            file_time=datetime.fromtimestamp(path.stat().st_mtime, tz=UTC),
        )


def _exif_time(exif: Image.Exif) -> datetime | None:
    """Return DateTimeOriginal with its fraction and zone (Exif 2.31), None where it says no instant."""
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    text = f"{tags.get(ExifTags.Base.DateTimeOriginal)}"[:19]
    fraction = f"{tags.get(ExifTags.Base.SubsecTimeOriginal, '')}".strip("\0 ")
    zone = f"{tags.get(ExifTags.Base.OffsetTimeOriginal, '')}".strip("\0 ")
    try:
        time = datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
        if zone:
            time = datetime.strptime(f"{text}{zone}", "%Y:%m:%d %H:%M:%S%z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return time.replace(microsecond=int(fraction[:6].ljust(6, "0"))) if fraction.isdecimal() else time


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise _too_large(path, f"{width} x {height}")
            yield image
    except Image.DecompressionBombError as exc:
        raise _too_large(path, "far more") from exc
    except _UNREADABLE as exc:
        raise FootageError(
            expected=f"a picture in {path.name} that can be decoded",
            found="other content" if isinstance(exc, UnidentifiedImageError) else "a damaged file",
            remedy="open it to see whether it is whole, and copy it again",
        ) from exc


def _too_large(path: Path, found: str) -> FootageError:
    return FootageError(
        expected=f"a picture of at most {MAX_PIXELS // 1_000_000} million pixels in {path.name}",
        found=found,
        remedy="scale it down before",
    )
