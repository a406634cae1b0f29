"""What happens at the demo site: episodes of one class each, with the people and machines that play them."""

import math
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Final

from workbench.scenes.actors import visible_part
from workbench.scenes.camera import Camera, Point
from workbench.scenes.canvas import box, place
from workbench.scenes.demo_fleet import LOADS, SUITS, Performer, Picker, ReachTruck, RollCage, Tugger
from workbench.scenes.demo_views import View

CLEAR: Final = "bay_clear"
CLASS_NAMES: Final = (
    CLEAR,
    "reach_truck_loading",
    "keep_clear_blocked",
    "picker_on_foot",
    "tugger_passing",
)
_NUMBER_WORDS: Final = {1: "one trolley", 2: "two trolleys"}
PAUSES_S: Final = (0.8, 1.6)
_COMING_S: Final = 1.7
_SEEN_WELL: Final = 0.65
_SEEN_AT_ALL: Final = 0.02


@dataclass(frozen=True)
class Track:
    """A performer's way over the ground: positions in metres at seconds from the episode's start."""

    performer: Performer
    heading_rad: float
    keys: tuple[tuple[float, Point], ...]
    lift_from_s: float = 0.0
    lift_to_s: float = 0.0

    def position_at(self, offset_s: float) -> Point | None:
        """Return where the performer is, or None before its first and after its last key."""
        for (start_s, start), (end_s, end) in pairwise(self.keys):
            if start_s <= offset_s <= end_s:
                part = (offset_s - start_s) / max(1e-6, end_s - start_s)
                return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part
        return None

    def lifted_at(self, offset_s: float) -> float:
        """Return how far the forks are up, 0 to 1: they rise in the first and sink in the last quarter."""
        length = self.lift_to_s - self.lift_from_s
        if not length or not self.lift_from_s < offset_s < self.lift_to_s:
            return 0.0
        part = (offset_s - self.lift_from_s) / length
        return min(1.0, part * 4, (1 - part) * 4)

    def seen_at(self, offset_s: float, camera: Camera) -> float:
        """Return the part of the performer's outline that is within the image."""
        position = self.position_at(offset_s)
        if position is None:
            return 0.0
        length, width, height = self.performer.extent_m
        corners = place(box(length, width), *position, self.heading_rad)
        seen = [camera.project(x, y, z) for x, y in corners for z in (0.0, height)]
        bounds_xyxy = min(p.u for p in seen), min(p.v for p in seen), max(p.u for p in seen), max(p.v for p in seen)
        return visible_part(bounds_xyxy, camera.size_wh)


@dataclass(frozen=True)
class Episode:
    """A stretch of a clip in which one class is played; the first track is the one that decides it.

    The class holds from ``true_from_s`` to ``true_to_s`` (seconds from the episode's start), while its performer is
    seen well.
    """

    class_name: str
    caption: str
    start_s: float
    length_s: float
    tracks: tuple[Track, ...]
    true_from_s: float
    true_to_s: float


@dataclass(frozen=True)
class Script:
    """The episodes of one clip in order, with nothing happening between them."""

    view: View
    length_s: float
    episodes: tuple[Episode, ...]

    def label_at(self, time_s: float, camera: Camera) -> tuple[str, str] | None:
        """Return the class and the caption that are true at a time, or None where one could argue."""
        seen = [
            (track.seen_at(time_s - episode.start_s, camera), episode, track is episode.tracks[0])
            for episode in self.episodes
            for track in episode.tracks
        ]
        seen = [found for found in seen if found[0] > _SEEN_AT_ALL]
        if not seen:
            return CLEAR, f"{_capital(self.view.spoken_name)} is clear and its hatch zone is free."
        part, episode, is_leading = seen[0]
        offset_s = time_s - episode.start_s
        holds = episode.true_from_s <= offset_s <= episode.true_to_s
        if len(seen) == 1 and is_leading and part >= _SEEN_WELL and holds:
            return episode.class_name, episode.caption
        return None


def write_script(view: View, rng: Random, *, pauses_s: tuple[float, float] = PAUSES_S) -> Script:
    """Draw a clip in which every class is played once, in random order, with pauses of ``pauses_s`` between.

    The same ``rng`` gives the same episodes whatever the pauses.
    """
    writers = [_loading, _blocking, _walking, _towing]
    rng.shuffle(writers)
    time_s = rng.uniform(1.4, 2.4)
    episodes = []
    for write in writers:
        episode = write(view, rng, time_s)
        episodes.append(episode)
        time_s += episode.length_s + rng.uniform(*pauses_s)
    return Script(view, math.ceil(time_s + 0.5), tuple(episodes))


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _choose_way(view: View, rng: Random) -> tuple[int, float]:
    """Return which way something goes (0 along the lane, 1 back) and its heading."""
    way = rng.randint(0, 1)
    return way, view.lane_rad + way * math.pi


def _out_of_view(view: View, spot: Point, heading_rad: float, length_m: float) -> Point:
    """Return the point behind ``spot`` against the heading at which a thing of this length is just out of view."""
    ahead_x, ahead_y = math.cos(heading_rad), math.sin(heading_rad)
    along_m = (spot[0] - view.lane_xy[0]) * ahead_x + (spot[1] - view.lane_xy[1]) * ahead_y
    back_m = view.half_view_m + length_m / 2 + 0.4 + along_m
    return spot[0] - ahead_x * back_m, spot[1] - ahead_y * back_m


def _pass_by(view: View, rng: Random, performer: Performer, aside_m: float, length_s: float) -> tuple[int, Track]:
    """Return which way a performer goes, and its track from one end of the view to the other."""
    way, heading = _choose_way(view, rng)
    x = view.lane_xy[0] - math.sin(view.lane_rad) * aside_m
    y = view.lane_xy[1] + math.cos(view.lane_rad) * aside_m
    length_m = performer.extent_m[0]
    begin = _out_of_view(view, (x, y), heading, length_m)
    end = _out_of_view(view, (x, y), heading + math.pi, length_m)
    return way, Track(performer, heading, ((0.0, begin), (length_s, end)))


def _walking(view: View, rng: Random, start_s: float) -> Episode:
    suit = rng.choice(tuple(SUITS))
    picker = Picker(suit, rng.random() < 0.4, rng.uniform(1.66, 1.86))
    length = rng.uniform(6.0, 7.0)
    way, track = _pass_by(view, rng, picker, rng.uniform(-1.0, 0.9), length)
    carrying = " with a carton" if picker.carries_carton else ""
    article = "an" if suit == "orange" else "a"
    caption = f"A picker in {article} {suit} freezer suit walks {view.ways[way]} past {view.spoken_name}{carrying}."
    return Episode("picker_on_foot", caption, start_s, length, (track,), 0.0, length)


def _towing(view: View, rng: Random, start_s: float) -> Episode:
    tugger = Tugger(rng.randint(1, 2), rng.choice(tuple(LOADS)))
    length = rng.uniform(7.5, 8.5)
    way, track = _pass_by(view, rng, tugger, rng.uniform(-0.5, 0.7), length)
    train = f"{_NUMBER_WORDS[tugger.trolleys]} of {tugger.load}"
    caption = f"A tugger pulls {train} {view.ways[way]} past {view.spoken_name}."
    return Episode("tugger_passing", caption, start_s, length, (track,), 0.0, length)


def _loading(view: View, rng: Random, start_s: float) -> Episode:
    load = rng.choice(tuple(LOADS))
    truck = ReachTruck(load, rng.uniform(0.9, 1.4))
    _, heading = _choose_way(view, rng)
    stop = (view.stop_xy[0] + rng.uniform(-0.5, 0.5), view.stop_xy[1] + rng.uniform(-0.4, 0.4))
    away = _out_of_view(view, stop, heading, truck.extent_m[0])
    stops_s, leaves_s = _COMING_S, _COMING_S + rng.uniform(4.4, 5.6)
    end_s = leaves_s + _COMING_S
    keys = ((0.0, away), (stops_s, stop), (leaves_s, stop), (end_s, away))
    track = Track(truck, heading, keys, lift_from_s=stops_s, lift_to_s=leaves_s)
    caption = f"A violet reach truck lifts {load} at {view.spoken_name}."
    return Episode("reach_truck_loading", caption, start_s, end_s, (track,), stops_s, leaves_s)


def _blocking(view: View, rng: Random, start_s: float) -> Episode:
    """A picker pushes a roll cage into the zone, leaves it there, and comes back for it."""
    load = rng.choice(tuple(LOADS))
    x, y = view.zone_middle_xy
    spot = (x + rng.uniform(-0.7, 0.7), y + rng.uniform(-0.5, 0.5))
    _, heading = _choose_way(view, rng)
    away = _out_of_view(view, spot, heading, 1.6)
    behind = (spot[0] - math.cos(heading) * 0.8, spot[1] - math.sin(heading) * 0.8)
    placed_s = _COMING_S
    gone_s = placed_s + _COMING_S
    returning_s = gone_s + rng.uniform(4.2, 5.4)
    fetched_s = returning_s + _COMING_S
    end_s = fetched_s + _COMING_S
    picker = Picker(rng.choice(tuple(SUITS)), False, 1.75)
    tracks = (
        Track(RollCage(load), heading, ((0.0, away), (placed_s, spot), (fetched_s, spot), (end_s, away))),
        Track(picker, heading, ((0.0, away), (placed_s, behind))),
        Track(picker, heading + math.pi, ((placed_s, behind), (gone_s, away))),
        Track(picker, heading, ((returning_s, away), (fetched_s, behind))),
        Track(picker, heading + math.pi, ((fetched_s, behind), (end_s, away))),
    )
    caption = f"A roll cage of {load} blocks the hatch zone at {view.spoken_name}."
    return Episode("keep_clear_blocked", caption, start_s, end_s, tracks, placed_s, fetched_s)
