"""What stands where: the words of each thing at its place on the image, for training that teaches where to look."""

from dataclasses import dataclass

from workbench.scenes.actors import MOTOR_VEHICLES, Actor
from workbench.scenes.camera import Point
from workbench.scenes.people import Person
from workbench.scenes.staging import Staging
from workbench.scenes.vehicles import Vehicle


@dataclass(frozen=True)
class Mark:
    """A thing's words at the middle of what is seen of it; ``u`` and ``v`` are parts of width and height, 0 to 1."""

    u: float
    v: float
    words: tuple[str, ...]


def marks_of(staging: Staging) -> tuple[Mark, ...]:
    """Return a mark for every actor, spill, smoke cloud and table of the scene."""
    things = [(staging.table_xy, "table"), (staging.spill_xy, "spill"), (staging.smoke_xy, "smoke")]
    placed = [_mark(staging, _ground(staging, spot), (word,)) for spot, word in things if spot]
    return (
        *placed,
        *(_mark(staging, _seen_middle(actor, staging), _words(actor, staging)) for actor in staging.actors),
    )


def _words(actor: Actor, staging: Staging) -> tuple[str, ...]:
    words = [actor.kind, f"faces {actor.direction}"]
    words += ["vehicle"] if actor.kind in MOTOR_VEHICLES else []
    words += [f"passage {actor.passage}"] if actor.passage else []
    words += [f"to table {actor.to_table}"] if actor.to_table else []
    words += ["at table"] if actor.at_table else []
    shows_colours = staging.conditions.name == "day" and not staging.conditions.greyscale
    looks = actor.looks
    if isinstance(looks, Person):
        words.append(f"pose {looks.pose}")
        words += [gear for gear, worn in (("vest", looks.has_vest), ("helmet", looks.has_helmet)) if worn]
        words += [f"wears {looks.top_colour}"] if shows_colours and not looks.has_vest else []
    elif isinstance(looks, Vehicle) and shows_colours:
        words.append(f"painted {looks.colour}")
    return tuple(words)


def _seen_middle(actor: Actor, staging: Staging) -> Point:
    """Return the middle of that part of the actor's outline which lies within the image, in pixels."""
    width, height = staging.camera.size_wh
    left, top, right, bottom = actor.bounds_xyxy
    return (max(left, 0) + min(right, width)) / 2, (max(top, 0) + min(bottom, height)) / 2


def _ground(staging: Staging, spot: Point) -> Point:
    seen = staging.camera.project(*spot)
    return seen.u, seen.v


def _mark(staging: Staging, middle_uv: Point, words: tuple[str, ...]) -> Mark:
    width, height = staging.camera.size_wh
    return Mark(middle_uv[0] / width, middle_uv[1] / height, words)
