"""The demo site's three fixed cameras: where they hang, what they always see, along which lines things move."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from PIL import Image

from workbench.scenes.backdrop import Surface, Surroundings, render_backdrop, smooth_field
from workbench.scenes.camera import Camera, Point
from workbench.scenes.canvas import Canvas, Colour, box, place, shade
from workbench.scenes.demo_fleet import LOADS, RollCage, draw_roll_cage
from workbench.scenes.weather import field_to_image

_MAGENTA: Final[Colour] = (214, 30, 122)
_WHITE: Final[Colour] = (240, 240, 240)


@dataclass(frozen=True)
class View:
    """A camera of the demo site.

    ``zone_xyxy`` is the hatched keep-clear zone on the ground (left, near, right, far, in metres). Things travel along
    the line through ``lane_xy`` in the direction ``lane_rad`` or back (``ways`` are the words for both), of which the
    camera sees about ``half_view_m`` to each side. ``stop_xy`` is where the reach truck loads.
    """

    camera_name: str
    spoken_name: str
    height_m: float
    tilt_deg: float
    focal_widths: float
    surroundings: Surroundings
    zone_xyxy: tuple[float, float, float, float]
    lane_xy: Point
    lane_rad: float
    half_view_m: float
    stop_xy: Point
    ways: tuple[str, str]
    furnish: Callable[[Canvas], None]
    parked_cages_xy: tuple[Point, ...]

    def camera(self, size_wh: tuple[int, int]) -> Camera:
        """Return the camera for pictures of this size."""
        return Camera(size_wh, self.height_m, math.radians(self.tilt_deg), self.focal_widths * size_wh[0])

    @property
    def zone_middle_xy(self) -> Point:
        """The middle of the keep-clear zone."""
        left, near, right, far = self.zone_xyxy
        return (left + right) / 2, (near + far) / 2


def draw_empty_view(view: View, size_wh: tuple[int, int], rng: Random) -> Image.Image:
    """Return the view without anybody in it, RGB of ``size_wh``; ``rng`` draws what changes between clips."""
    camera = view.camera(size_wh)
    field = render_backdrop(camera, view.surroundings, Random(view.camera_name))
    field = field * smooth_field(Random(view.camera_name), (4, 3), 0.88, 1.1, size_wh)[..., None]
    canvas = Canvas(field_to_image(field), camera, light_rad=-1.0)
    view.furnish(canvas)
    _hatch(canvas, view.zone_xyxy)
    for spot in rng.sample(view.parked_cages_xy, rng.randint(0, 2)):
        load = rng.choice(tuple(LOADS))
        draw_roll_cage(canvas, RollCage(load), spot, rng.uniform(-0.2, 0.2))
    return canvas.image.reduce(2)


def _hatch(canvas: Canvas, zone_xyxy: tuple[float, float, float, float]) -> None:
    """Paint the keep-clear zone: magenta stripes on white in a magenta frame."""
    left, near, right, far = zone_xyxy
    canvas.ground([(left, near), (right, near), (right, far), (left, far)], _MAGENTA)
    rim = 0.12
    left, near, right, far = left + rim, near + rim, right - rim, far - rim
    width, depth = right - left, far - near
    step = 0.5
    for stripe in range(int((width + depth) / step / 2) + 1):
        start, end = stripe * 2 * step, stripe * 2 * step + step
        canvas.ground(_diagonal(left, near, width, depth, start, end), _WHITE)


def _diagonal(left: float, near: float, width: float, depth: float, start: float, end: float) -> list[Point]:
    """Return the part of a rectangle between the diagonals x + y = start and x + y = end."""
    low = [(min(start, width), max(0.0, start - width)), (min(end, width), max(0.0, end - width))]
    high = [(max(0.0, end - depth), min(end, depth)), (max(0.0, start - depth), min(start, depth))]
    corner = [(width, 0.0)] if start < width < end else []
    far_corner = [(0.0, depth)] if start < depth < end else []
    points = [low[0], *corner, low[1], high[0], *far_corner, high[1]]
    return [(left + x, near + y) for x, y in points if y <= depth + 1e-6 and x <= width + 1e-6]


def _furnish_bay(canvas: Canvas) -> None:
    depth = 11.0
    for left, number in ((-5.6, 2), (-1.5, 3), (2.6, 4)):
        _wall_panel(canvas, depth, left - 0.25, 0, left + 3.25, 3.5, (250, 190, 60))
        _wall_panel(canvas, depth, left, 0, left + 3.0, 3.2, (206, 222, 226))
        for slat in range(1, 8):
            _wall_panel(canvas, depth, left, slat * 0.4, left + 3.0, slat * 0.4 + 0.06, (150, 170, 178))
        for light in range(number):
            _wall_panel(canvas, depth, left + 0.3 * light, 3.6, left + 0.3 * light + 0.2, 3.8, (60, 200, 120))
    _wall_panel(canvas, depth, -9, 4.1, 9, 4.4, (122, 52, 172))


def _furnish_rack(canvas: Canvas) -> None:
    depth = 9.0
    for level, tone in ((0.1, (90, 150, 190)), (1.6, (214, 220, 224)), (3.1, (110, 170, 140))):
        _wall_panel(canvas, depth, -9, level + 1.32, 9, level + 1.5, (122, 52, 172))
        for number in range(-6, 7):
            left = number * 1.35
            colour = shade(tone, 0.8 + 0.13 * ((number * 7 + int(level)) % 3))
            _wall_panel(canvas, depth, left, level, left + 1.1, level + 0.75 + 0.2 * ((number * 5) % 3), colour)
    for number in range(-3, 4):
        _wall_panel(canvas, depth, number * 2.7 - 0.15, 0, number * 2.7, 5, (236, 238, 240))


def _furnish_crossing(canvas: Canvas) -> None:
    for side in (-2.4, 2.4):
        canvas.ground(place(box(24, 0.14), side, 6, math.pi / 2), (120, 200, 70))
    for along in (1.6, 8.6):
        for step in range(-5, 6):
            canvas.ground(place(box(0.45, 0.9), step * 0.9, along, 0), (236, 240, 240))
    for x, y in ((-4.4, 7.8), (4.6, 8.4), (-4.6, 1.9)):
        canvas.solid(place(box(0.35, 0.35), x, y, 0.4), 0, 1.1, (250, 190, 60))


def _wall_panel(
    canvas: Canvas, depth_m: float, left: float, low: float, right: float, high: float, colour: Colour
) -> None:
    y = depth_m - 0.01
    canvas.surface([(left, y, low), (right, y, low), (right, y, high), (left, y, high)], colour)


_PANELS: Final = Surface("panels", (168, 184, 190), (236, 246, 248), 5.0)
_RESIN: Final = Surface("concrete", (112, 146, 150), (186, 214, 212), 7.0)
_CEILING: Final = Surface("panels", (120, 130, 134), (190, 198, 200), 5.0)
_BACK_OF_RACK: Final = Surface("corrugated", (40, 48, 58), (76, 88, 98), 6.0)
_WET_RESIN: Final = Surface("tiles", (92, 108, 138), (164, 182, 206), 9.0, 0.4)
_SLAB: Final = Surface("asphalt", (84, 112, 104), (170, 196, 184), 7.0, 0.2)

VIEWS: Final[tuple[View, ...]] = (
    View(
        camera_name="bay",
        spoken_name="bay four",
        height_m=4.4,
        tilt_deg=26,
        focal_widths=0.92,
        surroundings=Surroundings(_RESIN, _PANELS, _CEILING, 11.0, 6.0),
        zone_xyxy=(1.0, 6.6, 4.0, 9.2),
        lane_xy=(0.0, 6.2),
        lane_rad=0.0,
        half_view_m=4.3,
        stop_xy=(-1.6, 7.4),
        ways=("right", "left"),
        furnish=_furnish_bay,
        parked_cages_xy=((-5.4, 10.2), (-4.3, 10.3), (5.2, 10.2), (-0.9, 10.3)),
    ),
    View(
        camera_name="rack",
        spoken_name="rack nine",
        height_m=3.3,
        tilt_deg=21,
        focal_widths=0.85,
        surroundings=Surroundings(_WET_RESIN, _BACK_OF_RACK, _CEILING, 9.0, 7.0),
        zone_xyxy=(-3.4, 5.6, -0.6, 8.0),
        lane_xy=(0.0, 5.6),
        lane_rad=0.0,
        half_view_m=3.9,
        stop_xy=(1.7, 6.8),
        ways=("right", "left"),
        furnish=_furnish_rack,
        parked_cages_xy=((4.3, 8.3), (3.2, 8.4), (-4.6, 8.3), (0.6, 8.4)),
    ),
    View(
        camera_name="crossing",
        spoken_name="the cold crossing",
        height_m=7.4,
        tilt_deg=58,
        focal_widths=0.82,
        surroundings=Surroundings(_SLAB, _PANELS, _CEILING, 14.0, 6.0),
        zone_xyxy=(-3.9, 3.2, -0.7, 6.0),
        lane_xy=(0.7, 5.4),
        lane_rad=math.pi / 2,
        half_view_m=4.4,
        stop_xy=(1.7, 4.6),
        ways=("up", "down"),
        furnish=_furnish_crossing,
        parked_cages_xy=((-4.6, 8.9), (4.7, 6.9), (4.9, 2.2), (-3.4, 9.3)),
    ),
)
