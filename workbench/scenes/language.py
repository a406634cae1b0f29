"""The vocabulary in which scenes are told, and the few facts that captions and questions share."""

from collections.abc import Mapping
from random import Random
from typing import Final

from workbench.scenes.actors import MOTOR_VEHICLES, Actor
from workbench.scenes.staging import Staging

PLACE_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "yard": ("yard", "storage yard", "work yard"),
    "dock": ("loading dock", "dock", "loading bay"),
    "aisle": ("aisle", "shop aisle", "store aisle"),
    "gate": ("gate", "entrance gate", "site gate"),
    "car park": ("car park", "parking lot", "car park lane"),
    "corridor": ("corridor", "hallway", "passage"),
    "room": ("room", "hall", "indoor room"),
}
NUMBERS: Final = ("no", "one", "two", "three", "four", "five")
PLURALS: Final = {
    "person": ("people", "persons"),
    "car": ("cars",),
    "van": ("vans",),
    "truck": ("trucks", "lorries"),
    "forklift": ("forklifts",),
    "bicycle": ("bicycles", "bikes"),
    "pallet": ("pallets",),
    "boxes": ("stacks of boxes", "box stacks"),
    "vehicle": ("vehicles", "motor vehicles"),
}
SINGULARS: Final = {"truck": ("truck", "lorry"), "bicycle": ("bicycle", "bike"), "boxes": ("stack of boxes",)}


def count_things(staging: Staging) -> Mapping[str, int]:
    """Return how many of each kind are to be seen; ``vehicle`` counts cars, vans, trucks and forklifts together."""
    counts = dict.fromkeys((*PLURALS,), 0)
    for actor in staging.actors:
        counts[actor.kind] += 1
        counts["vehicle"] += actor.kind in MOTOR_VEHICLES
    return counts


def plural(rng: Random, kind: str) -> str:
    """Return one of the plural nouns for a counted kind."""
    return rng.choice(PLURALS[kind])


def with_article(words: str) -> str:
    """Return ``words`` after *a* or *an*."""
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def side_of(u: float, staging: Staging) -> str:
    """Return whether pixel column ``u`` lies on the left, in the middle or on the right of the image."""
    part = u / staging.camera.size_wh[0]
    return "left" if part < 0.38 else "right" if part > 0.62 else "middle"


def is_between_sides(actor: Actor, staging: Staging) -> bool:
    """Tell whether an actor is so near the border of two sides that either word could be said."""
    part = actor.middle_uv[0] / staging.camera.size_wh[0]
    return min(abs(part - 0.38), abs(part - 0.62)) < 0.035
