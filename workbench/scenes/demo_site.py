"""Harbour Cold Store, the invented site of the demo: clips of three cameras with their true classes and captions.

On the day after, half the lamps over one camera have failed: what a check for drift is to find.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from workbench.errors import StorageError
from workbench.scenes.backdrop import Field
from workbench.scenes.camera import Camera
from workbench.scenes.canvas import Canvas, box, place
from workbench.scenes.clip_file import write_clip
from workbench.scenes.demo_fleet import draw_performer
from workbench.scenes.demo_script import CLASS_NAMES, CLEAR, PAUSES_S, Script, Track, write_script
from workbench.scenes.demo_views import VIEWS, View, draw_empty_view
from workbench.scenes.textures import noise_bank
from workbench.scenes.weather import field_to_image

SITE_NAME: Final = "Harbour Cold Store"
DEMO_SIZE_WH: Final = (480, 270)
FPS: Final = 5
LABELS_FILE: Final = "labels.csv"
NEXT_DAY_FOLDER: Final = "next-day"
NEXT_DAY_CAMERA: Final = "crossing"
LABEL_COLUMNS: Final = ("video", "time_s", "class", "caption")
_CRF: Final = 27
_QUIET_PAUSES_S: Final = (20.0, 60.0)
_HOURS: Final = (6, 9, 12, 15, 18)


@dataclass(frozen=True)
class DemoSiteReport:
    """What was written: the clips, those of the next day, the label file, and how many labels each class has."""

    clip_paths: tuple[Path, ...]
    next_day_paths: tuple[Path, ...]
    labels_path: Path
    labels_per_class: Mapping[str, int]
    total_bytes: int


@dataclass(frozen=True)
class DemoStill:
    """A moment of a clip as the camera saw it before any compression.

    Where one could argue about the truth, class and caption are empty.
    """

    camera: str
    clip_name: str
    taken_at: datetime
    class_name: str
    caption: str
    picture: Image.Image


@dataclass(frozen=True)
class _Light:
    """The light of one clip: brightness, warmth (red up, blue down) and sensor noise in grey levels."""

    gain: float
    warmth: float
    noise: float

    @classmethod
    def drawn(cls, rng: Random) -> "_Light":
        return cls(rng.uniform(0.82, 1.12), rng.uniform(-0.06, 0.06), rng.uniform(1.0, 3.0))


_FAILED_LAMPS: Final = _Light(gain=0.5, warmth=0.16, noise=2.0)


def render_demo_site(
    directory: Path, *, clips_per_camera: int = 5, size_wh: tuple[int, int] = DEMO_SIZE_WH
) -> DemoSiteReport:
    """Render the clips of every camera and ``labels.csv`` into ``directory``; the frames are the same every time.

    The next day's clips, of one camera and without labels, go into ``next-day/`` there.

    Args:
        directory: Made when missing; files of the same name are replaced.
        clips_per_camera: One to five a day; each clip plays every class.
        size_wh: Width and height of the clips in pixels, both even.

    Raises:
        StorageError: The folder cannot be made or a file in it cannot be written.
    """
    _make_folder(directory / NEXT_DAY_FOLDER)
    rows: list[tuple[str, str, str, str]] = []
    paths: list[Path] = []
    for view in VIEWS:
        for number in range(clips_per_camera):
            path, script = _render_clip(directory, view, number, size_wh)
            rows += _label_rows(path.name, script, view.camera(size_wh))
            paths.append(path)
    changed = next(view for view in VIEWS if view.camera_name == NEXT_DAY_CAMERA)
    later = tuple(
        _render_clip(directory / NEXT_DAY_FOLDER, changed, len(_HOURS) + number, size_wh, _FAILED_LAMPS)[0]
        for number in range(clips_per_camera)
    )
    labels_path = _write_labels(directory / LABELS_FILE, rows)
    tally = {name: sum(row[2] == name for row in rows) for name in CLASS_NAMES}
    total_bytes = sum(path.stat().st_size for path in (*paths, *later))
    return DemoSiteReport(tuple(paths), later, labels_path, MappingProxyType(tally), total_bytes)


def demo_stills(numbers: Iterable[int], *, size_wh: tuple[int, int] = DEMO_SIZE_WH) -> Iterator[DemoStill]:
    """Yield the labelled moments of every camera's clips of these numbers, five to a day, without making the clips."""
    for number in numbers:
        for view in VIEWS:
            script = _script(view, number)
            times_s = [float(time_s) for _, time_s, *_ in _label_rows("", script, view.camera(size_wh))]
            yield from _seen(view, number, script, times_s, size_wh)


def quiet_stills(
    numbers: Iterable[int], *, every_s: int, size_wh: tuple[int, int] = DEMO_SIZE_WH
) -> Iterator[DemoStill]:
    """Yield a still every ``every_s`` seconds of every camera on days like those of :func:`demo_stills`, but quieter.

    A number has the same episodes in the same light, with 20 to 60 s between two of them: six in seven of such stills
    show nothing.
    """
    for number in numbers:
        for view in VIEWS:
            script = _script(view, number, pauses_s=_QUIET_PAUSES_S)
            yield from _seen(view, number, script, range(0, int(script.length_s), every_s), size_wh)


def _seen(
    view: View, number: int, script: Script, times_s: Iterable[float], size_wh: tuple[int, int]
) -> Iterator[DemoStill]:
    """Yield what a view's camera sees of a script at these times, in the light of the clip of this number."""
    camera, rng = view.camera(size_wh), Random(f"light {view.camera_name} {number}")
    empty, light, start = draw_empty_view(view, size_wh, rng), _Light.drawn(rng), _start(view, number)
    for time_s in times_s:
        class_name, caption = script.label_at(time_s, camera) or ("", "")
        picture = _expose(_draw_moment(script, time_s, empty, camera), light, rng)
        taken_at = start + timedelta(seconds=time_s)
        yield DemoStill(view.camera_name, _clip_name(view, number), taken_at, class_name, caption, picture)


def _render_clip(
    directory: Path, view: View, number: int, size_wh: tuple[int, int], light: _Light | None = None
) -> tuple[Path, Script]:
    """Render a view's clip of this number into ``directory``; without ``light`` it has its own."""
    path = directory / _clip_name(view, number)
    script = _script(view, number)
    frames = _play(script, size_wh, Random(f"light {view.camera_name} {number}"), light)
    write_clip(path, frames, fps=FPS, size_wh=size_wh, crf=_CRF)
    return path, script


def _script(view: View, number: int, *, pauses_s: tuple[float, float] = PAUSES_S) -> Script:
    return write_script(view, Random(f"{view.camera_name} {number}"), pauses_s=pauses_s)


def _clip_name(view: View, number: int) -> str:
    return f"{view.camera_name}_{_start(view, number):%Y%m%dT%H%M%SZ}.mp4"


def _make_folder(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise StorageError(
            expected="a folder for the demo site's clips",
            found=f"that {directory} cannot be made ({exc.strerror})",
            remedy="name another folder",
        ) from exc


def _write_labels(path: Path, rows: list[tuple[str, str, str, str]]) -> Path:
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([LABEL_COLUMNS, *rows])
    except OSError as exc:
        raise StorageError(
            expected=f"to write the labels {path}",
            found=exc.strerror or str(exc),
            remedy="free some space there or name another folder",
        ) from exc
    return path


def _start(view: View, number: int) -> datetime:
    """Return when the clip of this number begins; each day has five."""
    days, hour = divmod(number, len(_HOURS))
    return datetime(2026, 3, 2, _HOURS[hour], 10 * VIEWS.index(view), tzinfo=UTC) + timedelta(days=days)


def _label_rows(video: str, script: Script, camera: Camera) -> list[tuple[str, str, str, str]]:
    """Return a row for each full second at which the truth is beyond doubt, every other one while nothing is there."""
    rows = []
    for time_s in range(int(script.length_s)):
        label = script.label_at(time_s, camera)
        is_repeated = label is not None and label[0] == CLEAR and time_s % 2 == 1
        if label is not None and not is_repeated:
            rows.append((video, f"{time_s:.1f}", *label))
    return rows


def _play(script: Script, size_wh: tuple[int, int], rng: Random, light: _Light | None) -> Iterator[Image.Image]:
    """Yield the frames of a clip."""
    camera = script.view.camera(size_wh)
    empty = draw_empty_view(script.view, size_wh, rng)
    light = light or _Light.drawn(rng)
    for number in range(int(script.length_s * FPS)):
        yield _expose(_draw_moment(script, number / FPS, empty, camera), light, rng)


def _draw_moment(script: Script, time_s: float, empty: Image.Image, camera: Camera) -> Image.Image:
    """Return the view at ``time_s`` with everybody who is there."""
    present = [
        (track, position, time_s - episode.start_s)
        for episode in script.episodes
        for track in episode.tracks
        if (position := track.position_at(time_s - episode.start_s)) is not None
        and track.seen_at(time_s - episode.start_s, camera) > 0
    ]
    if not present:
        return empty
    present.sort(key=lambda found: -found[1][1])
    canvas = Canvas(_shadowed(empty, [(track, position) for track, position, _ in present], camera), camera, -1.0)
    for track, position, offset_s in present:
        moving_s, lifted = offset_s, track.lifted_at(offset_s)
        draw_performer(canvas, track.performer, position, track.heading_rad, moving_s, lifted)
    return canvas.image.reduce(2)


def _shadowed(empty: Image.Image, present: list[tuple[Track, tuple[float, float]]], camera: Camera) -> Image.Image:
    mask = Image.new("L", empty.size)
    draw = ImageDraw.Draw(mask)
    for track, (x, y) in present:
        length, width, _ = track.performer.extent_m
        seen = [camera.project(px, py) for px, py in place(box(length * 1.08, width * 1.15), x, y, track.heading_rad)]
        draw.polygon([(p.u, p.v) for p in seen], fill=120)
    dark = Image.new("RGB", empty.size, (30, 40, 46))
    return Image.composite(dark, empty, mask.filter(ImageFilter.BoxBlur(3)))


def _expose(picture: Image.Image, light: _Light, rng: Random) -> Image.Image:
    """Return the picture under a clip's light, as a sensor records it."""
    width, height = picture.size
    gain = np.array([1 + light.warmth, 1.0, 1 - light.warmth], dtype=np.float32) * light.gain
    top, left = rng.randrange(1024 - height), rng.randrange(1024 - width)
    grain = noise_bank()[top : top + height, left : left + width, None]
    exposed: Field = np.asarray(picture, dtype=np.float32) * gain + light.noise * grain
    return field_to_image(exposed)
