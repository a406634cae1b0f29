"""Statements about a scene that are true or false: the stuff of class and yes/no questions."""

from dataclasses import dataclass

from workbench.scenes.actors import MOTOR_VEHICLES
from workbench.scenes.language import (
    NUMBERS,
    PLACE_WORDS,
    PLURALS,
    SINGULARS,
    count_things,
    is_between_sides,
    side_of,
    with_article,
)
from workbench.scenes.people import Person
from workbench.scenes.staging import Staging
from workbench.scenes.vehicles import Vehicle


@dataclass(frozen=True)
class Statement:
    """A thing that is true or false of a scene: short class texts for it, and questions that ask for it."""

    is_true: bool
    class_texts: tuple[str, ...]
    questions: tuple[str, ...]


def place_statements(staging: Staging) -> list[Statement]:
    """Return what may be said of the kind of place."""
    return [
        Statement(kind == staging.kind, words, tuple(f"Is this {with_article(word)}?" for word in words))
        for kind, words in PLACE_WORDS.items()
    ]


def condition_statements(staging: Staging) -> list[Statement]:
    """Return what may be said of the light and the weather."""
    name = staging.conditions.name
    texts = {
        "day": (("daylight", "by day"), ("Is it daytime?",)),
        "night": (("night", "dark"), ("Is it night?", "Is it dark?")),
        "dusk": (("dusk", "evening"), ("Is it dusk?",)),
        "rain": (("rain", "rainy"), ("Is it raining?",)),
        "fog": (("fog", "foggy"), ("Is there fog?", "Is it foggy?")),
    }
    return [Statement(name == key, texts[key][0], texts[key][1]) for key in texts]


def state_statements(staging: Staging) -> list[Statement]:
    """Return what may be said of who and what is there and what they do; several can be true at once."""
    actors, counts = staging.actors, count_things(staging)
    people, vehicles = counts["person"], counts["vehicle"]
    hazard = bool(staging.spill_xy or staging.smoke_xy)
    made = [
        Statement(
            not actors and not hazard,
            ("clear", "empty", "nothing there", "free", "no one there"),
            ("Is the place empty?", "Is the view clear?", "Is nothing there?"),
        ),
        _number("person", people, 1, ("one person", "single person", "a person alone")),
        _number("person", people, 2, ("two people", "two persons", "pair of people")),
        Statement(people > 2, ("several people", "group of people", "crowd"), ("Are there several people?",)),
        _number("vehicle", vehicles, 1, ("one vehicle", "single vehicle", "a vehicle")),
        _number("vehicle", vehicles, 2, ("two vehicles", "pair of vehicles")),
        Statement(vehicles > 2, ("several vehicles", "many vehicles"), ("Are there several vehicles?",)),
        Statement(
            people > 0 and vehicles > 0,
            ("people and vehicles", "person and vehicle", "person near vehicle"),
            ("Are there both people and vehicles?",),
        ),
        Statement(
            staging.spill_xy is not None,
            ("spill", "spilled liquid", "wet floor", "puddle"),
            ("Is there a spill on the floor?", "Is the floor wet from a spill?"),
        ),
        Statement(staging.smoke_xy is not None, ("smoke", "smoke cloud"), ("Is there smoke?", "Can smoke be seen?")),
    ]
    for kind in ("person", "car", "van", "truck", "forklift", "bicycle", "pallet", "boxes"):
        names = SINGULARS.get(kind, (kind,))
        made.append(
            Statement(
                counts[kind] > 0,
                tuple(text for name in names for text in (name, f"{name} present")),
                tuple(f"Is there {with_article(name)}?" for name in names),
            )
        )
    return made + _activity_statements(staging)


def _number(noun: str, found: int, asked: int, texts: tuple[str, ...]) -> Statement:
    things = noun if asked == 1 else PLURALS[noun][0]
    verb = "Is" if asked == 1 else "Are"
    return Statement(found == asked, texts, (f"{verb} there exactly {NUMBERS[asked]} {things}?",))


def _activity_statements(staging: Staging) -> list[Statement]:
    people = [actor for actor in staging.actors if isinstance(actor.looks, Person)]
    motors = [actor for actor in staging.actors if actor.kind in MOTOR_VEHICLES]
    poses = [actor.looks.pose for actor in people if isinstance(actor.looks, Person)]
    made = [
        Statement(
            any(actor.at_table for actor in people),
            ("person at table", "someone at the table", "standing at table", "table in use"),
            ("Is there a person at the table?", "Is someone standing at the table?"),
        ),
        Statement(
            "walk" in poses,
            ("person walking", "someone walking", "walking person"),
            ("Is a person walking?", "Is someone walking?"),
        ),
        Statement(
            any(pose != "walk" for pose in poses), ("person standing", "standing person"), ("Is a person standing?",)
        ),
        Statement("carry" in poses, ("person carrying box", "carrying goods"), ("Is someone carrying a box?",)),
        Statement(
            any(actor.to_table == "towards" for actor in people),
            ("person approaching table", "person approaching", "approaching the table"),
            ("Is someone walking towards the table?", "Is a person approaching the table?"),
        ),
        Statement(
            any(actor.passage == "enters" for actor in people),
            ("person entering", "someone entering"),
            ("Is a person entering the view?",),
        ),
        Statement(
            any(actor.passage == "enters" for actor in motors),
            ("vehicle entering", "vehicle arriving"),
            ("Is a vehicle entering the view?",),
        ),
        Statement(
            any(actor.passage == "leaves" for actor in motors),
            ("vehicle leaving", "vehicle departing"),
            ("Is a vehicle leaving the view?",),
        ),
    ]
    leaves = any(actor.to_table == "away" or actor.passage == "leaves" for actor in people)
    if leaves or not any(actor.direction == "away" for actor in people):
        texts = ("person leaving", "someone leaving", "person going away")
        made.append(Statement(leaves, texts, ("Is a person leaving?", "Is someone going away?")))
    if any(is_between_sides(actor, staging) for actor in staging.actors):
        return made
    for side, words in (("left", "on the left"), ("right", "on the right"), ("middle", "in the middle")):
        for actors, noun in ((people, "person"), (motors, "vehicle")):
            made.append(
                Statement(
                    any(side_of(actor.middle_uv[0], staging) == side for actor in actors),
                    (f"{noun} {words}", f"{noun} {side}"),
                    (f"Is there a {noun} {words}?",),
                )
            )
    return made


def gear_statements(staging: Staging) -> list[Statement]:
    """Return what may be said of a single person's safety gear and clothes; empty unless one person is there."""
    people = [actor.looks for actor in staging.actors if isinstance(actor.looks, Person)]
    if len(people) != 1:
        return []
    person = people[0]
    both, none = person.has_helmet and person.has_vest, not person.has_helmet and not person.has_vest
    return [
        Statement(both, ("helmet and vest", "full safety gear"), ("Is the person wearing a helmet and a vest?",)),
        Statement(none, ("no helmet and no vest", "no safety gear"), ("Is the person without safety gear?",)),
        Statement(
            person.has_helmet and not person.has_vest,
            ("helmet but no vest", "no vest"),
            ("Is the person wearing a helmet but no vest?",),
        ),
        Statement(
            person.has_vest and not person.has_helmet,
            ("vest but no helmet", "no helmet"),
            ("Is the person wearing a vest but no helmet?",),
        ),
    ]


def colour_statements(staging: Staging, names: tuple[str, ...]) -> list[Statement]:
    """Return what may be said of the colour of a single vehicle or a single person's clothes; empty if unclear."""
    if len(staging.actors) != 1 or staging.conditions.name != "day" or staging.conditions.greyscale:
        return []
    looks = staging.actors[0].looks
    if isinstance(looks, Vehicle):
        colour, noun = looks.colour, staging.actors[0].kind
        question = "Is the {noun} {name}?"
    elif isinstance(looks, Person) and not looks.has_vest:
        colour, noun = looks.top_colour, "person"
        question = "Is the {noun} dressed in {name}?"
    else:
        return []
    return [
        Statement(name == colour, (f"{name} {noun}", name), (question.format(noun=noun, name=name),)) for name in names
    ]
