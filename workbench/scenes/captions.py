"""Captions: one sentence that says what is to be seen."""

from collections import Counter
from random import Random
from typing import Final

from workbench.scenes.actors import MOTOR_VEHICLES, Actor
from workbench.scenes.language import NUMBERS, PLACE_WORDS, PLURALS, SINGULARS, side_of, with_article
from workbench.scenes.people import Person
from workbench.scenes.staging import Staging
from workbench.scenes.vehicles import Vehicle

_LONGEST_PAIR_WORDS: Final = 20


def describe(staging: Staging, rng: Random) -> str:
    """Return one sentence on what is to be seen."""
    actors = staging.actors
    if staging.spill_xy or staging.smoke_xy:
        sentence = _hazard_sentence(staging, rng)
    elif not actors:
        sentence = _empty_sentence(staging, rng)
    elif len(actors) == 1:
        sentence = f"{_subject(actors[0], staging, rng)} {_predicate(actors[0], staging, rng)}"
    else:
        sentence = _group_sentence(staging, actors, rng)
    sentence = sentence[0].upper() + sentence[1:]
    return f"{sentence}{_weather_words(staging, rng)}."


def _weather_words(staging: Staging, rng: Random) -> str:
    name = staging.conditions.name
    words = {
        "night": (" at night", " at night", " in the dark"),
        "dusk": (" at dusk",),
        "rain": (" in the rain",),
        "fog": (" in fog", " in the fog"),
        "day": ("",),
    }[name]
    return rng.choice(words)


def _place(staging: Staging, rng: Random) -> str:
    return rng.choice(PLACE_WORDS[staging.kind])


def _empty_sentence(staging: Staging, rng: Random) -> str:
    place = _place(staging, rng)
    if staging.table_xy:
        shape = "round" if staging.table_is_round else "rectangular"
        side = side_of(staging.camera.project(*staging.table_xy).u, staging)
        where = {"left": "on the left", "right": "on the right", "middle": "in the middle"}[side]
        return rng.choice(
            (
                f"the {place} is empty; the {shape} table stands {where}",
                f"nobody is in the {place}; a {shape} table stands {where}",
            )
        )
    empty = rng.choice(("empty", "clear", "deserted"))
    return rng.choice((f"the {place} is {empty}", f"the {place} is {empty} and nobody is there", f"an empty {place}"))


def _hazard_sentence(staging: Staging, rng: Random) -> str:
    place = _place(staging, rng)
    spot = staging.spill_xy or staging.smoke_xy
    side = side_of(staging.camera.project(*spot).u, staging) if spot else "middle"
    where = {"left": "on the left", "right": "on the right", "middle": "in the middle"}[side]
    if staging.spill_xy:
        hazard = rng.choice(("a puddle of spilled liquid lies", "a spill lies", "a wet spill covers the floor"))
    else:
        hazard = rng.choice(("smoke rises", "grey smoke rises", "a cloud of smoke rises"))
    company = ""
    if len(staging.actors) == 1:
        company = f" and {_bare_noun(staging.actors[0], rng)} is near"
    elif staging.actors:
        company = " and others are near"
    return f"{hazard} {where} of the {place}{company}"


def _has_colours(staging: Staging) -> bool:
    return not staging.conditions.greyscale and staging.conditions.name != "night"


def _bare_noun(actor: Actor, rng: Random) -> str:
    if isinstance(actor.looks, Person):
        return "a woman" if actor.looks.is_woman else "a man"
    return with_article(rng.choice(SINGULARS.get(actor.kind, (actor.kind,))))


def _subject(actor: Actor, staging: Staging, rng: Random) -> str:
    if isinstance(actor.looks, Person):
        return _person_words(actor.looks, staging, rng)
    if isinstance(actor.looks, Vehicle):
        noun = rng.choice(SINGULARS.get(actor.kind, (actor.kind,)))
        if actor.kind == "car":
            noun = rng.choice(("car", "car", actor.looks.body))
        return with_article(f"{actor.looks.colour} {noun}" if _has_colours(staging) else noun)
    return _bare_noun(actor, rng)


def _person_words(person: Person, staging: Staging, rng: Random) -> str:
    noun = "woman" if person.is_woman else "man"
    if person.has_helmet or person.has_vest:
        gear = " and ".join(
            word for word, worn in (("a helmet", person.has_helmet), ("a safety vest", person.has_vest)) if worn
        )
        return f"a {rng.choice((noun, 'worker', 'worker'))} {rng.choice(('with', 'wearing', 'in'))} {gear}"
    if not _has_colours(staging):
        return f"a {noun} in a {person.garment}"
    clothes = rng.choice(
        (f"in {with_article(f'{person.top_colour} {person.garment}')}", f"dressed in {person.top_colour}")
    )
    if person.is_woman and rng.random() < 0.5:
        return f"a woman with long {person.hair_colour} hair {clothes}"
    return f"a {noun} {clothes}"


def _where(actor: Actor, staging: Staging, rng: Random) -> str:
    side = side_of(actor.middle_uv[0], staging)
    place = _place(staging, rng)
    return {
        "left": rng.choice(("on the left", f"on the left of the {place}", "at the left side")),
        "right": rng.choice(("on the right", f"on the right of the {place}", "at the right side")),
        "middle": rng.choice((f"in the middle of the {place}", "in the middle", "in the centre of the view")),
    }[side]


def _predicate(actor: Actor, staging: Staging, rng: Random) -> str:
    if isinstance(actor.looks, Person):
        return _person_predicate(actor, actor.looks, staging, rng)
    if actor.kind in MOTOR_VEHICLES:
        return _vehicle_predicate(actor, staging, rng)
    return f"{rng.choice(('stands', 'is'))} {_where(actor, staging, rng)}"


def _person_predicate(actor: Actor, person: Person, staging: Staging, rng: Random) -> str:
    shape = "round" if staging.table_is_round else "rectangular"
    if actor.at_table:
        return rng.choice((f"stands at the {shape} table", "stands at the table", f"is at the {shape} table"))
    if person.pose == "carry":
        return f"carries a box {_where(actor, staging, rng)}"
    if person.pose != "walk":
        return f"stands {_where(actor, staging, rng)}"
    if actor.passage:
        preposition = {"enters": "from", "leaves": "to"}[actor.passage]
        return (
            f"{actor.passage} {preposition} the {actor.side}"
            if actor.side in ("left", "right")
            else (f"{actor.passage} at the {actor.side} of the view")
        )
    if actor.to_table:
        return (
            rng.choice(("walks", "goes"))
            + {
                "towards": f" towards the {shape} table",
                "away": f" away from the {shape} table",
            }[actor.to_table]
        )
    way = {
        "left": "to the left",
        "right": "to the right",
        "away": "away from the camera",
        "towards": "towards the camera",
    }[actor.direction]
    return f"walks {way} {_where(actor, staging, rng)}"


def _vehicle_predicate(actor: Actor, staging: Staging, rng: Random) -> str:
    place = _place(staging, rng)
    if actor.passage:
        edge = rng.choice((f"at the {actor.side}", f"at the {actor.side} of the view"))
        return f"{actor.passage} the {place} {edge}" if rng.random() < 0.3 else f"{actor.passage} {edge}"
    if staging.kind in ("gate", "car park"):
        way = {"away": "up the lane", "towards": "down the lane", "left": "to the left", "right": "to the right"}
        return f"drives {way[actor.direction]} {_where(actor, staging, rng)}"
    facing = {"away": "away", "towards": "the camera", "left": "left", "right": "right"}[actor.direction]
    return rng.choice((f"stands {_where(actor, staging, rng)}", f"faces {facing} {_where(actor, staging, rng)}"))


def _group_sentence(staging: Staging, actors: tuple[Actor, ...], rng: Random) -> str:
    ordered = sorted(actors, key=lambda actor: actor.middle_uv[0])
    if len(actors) == 2 and rng.random() < 0.6:
        first, second = ordered
        verbs = [_predicate(actor, staging, rng) for actor in ordered]
        sentence = f"{_subject(first, staging, rng)} {verbs[0]} and {_subject(second, staging, rng)} {verbs[1]}"
        if len(sentence.split()) <= _LONGEST_PAIR_WORDS:
            return sentence
    tally = Counter(actor.kind for actor in actors)
    parts = []
    for kind, number in sorted(tally.items()):
        single = with_article(rng.choice(SINGULARS.get(kind, (kind,))))
        parts.append(single if number == 1 else f"{NUMBERS[number]} {PLURALS[kind][0]}")
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{listed} are {'at' if staging.kind == 'gate' else 'in'} the {_place(staging, rng)}"
