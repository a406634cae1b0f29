"""Rendered camera scenes with captions and questions whose answers are known to be true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final, Literal

from PIL import Image

from workbench.models.instructions import (
    CAPTION_INSTRUCTION,
    class_instruction,
    count_instruction,
    yes_no_instruction,
)
from workbench.scenes.captions import describe
from workbench.scenes.composition import draw_scene
from workbench.scenes.language import count_things, plural
from workbench.scenes.marks import Mark, marks_of
from workbench.scenes.palette import CLOTHES, PAINT
from workbench.scenes.people import Person
from workbench.scenes.staging import Staging, stage_scene
from workbench.scenes.statements import (
    Statement,
    colour_statements,
    condition_statements,
    gear_statements,
    place_statements,
    state_statements,
)

Task = Literal["caption", "class", "yes_no", "count"]
SIZE_WH: Final = (256, 144)


@dataclass(frozen=True)
class Question:
    """One instruction and the answer that is true of the image; ``choices`` are the options of a class question."""

    task: Task
    instruction: str
    answer: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """A rendered RGB image with everything that is known of it; ``marks`` tell what stands where."""

    image: Image.Image
    caption: str
    kind: str
    condition: str
    counts: Mapping[str, int]
    questions: tuple[Question, ...]
    marks: tuple[Mark, ...]


def render_scene(seed: int, *, size_wh: tuple[int, int] = SIZE_WH, is_lesson: bool = False) -> Scene:
    """Return the scene of this seed; equal arguments give equal pixels and words.

    Args:
        seed: Any integer; scenes of neighbouring seeds have nothing in common.
        size_wh: Width and height of the image in pixels.
        is_lesson: Whether to ask more about the same image: how many there are of every kind, and more of the rest.
    """
    rng = Random(seed)
    staging = stage_scene(rng, size_wh)
    words = Random(seed ^ 0x5EED)
    caption = describe(staging, words)
    questions = _ask(staging, words) + (_ask_more(staging, words) if is_lesson else [])
    return Scene(
        image=draw_scene(staging, rng),
        caption=caption,
        kind=staging.kind,
        condition=staging.conditions.name,
        counts=MappingProxyType(dict(count_things(staging))),
        questions=(Question("caption", CAPTION_INSTRUCTION, caption), *questions),
        marks=marks_of(staging),
    )


def _ask(staging: Staging, rng: Random) -> list[Question]:
    states = state_statements(staging)
    questions = [_class_question(states, rng)]
    if rng.random() < 0.75:
        questions.append(_class_question(_special_statements(staging, rng), rng))
    askable = states + (gear_statements(staging) if rng.random() < 0.5 else [])
    questions += [_yes_no_question(askable, rng) for _ in range(rng.choice((1, 2)))]
    questions += _count_questions(staging, rng)
    return questions


def _ask_more(staging: Staging, rng: Random) -> list[Question]:
    """Ask how many there are of each kind that is present, and a class and two yes/no questions more."""
    states = state_statements(staging)
    present = [kind for kind, number in count_things(staging).items() if number]
    counts = [_count_question(staging, kind, rng) for kind in present]
    return [*counts, _class_question(states, rng), _yes_no_question(states, rng), _yes_no_question(states, rng)]


def _special_statements(staging: Staging, rng: Random) -> list[Statement]:
    """Return the statements of one narrower subject that this scene allows."""
    looks = staging.actors[0].looks if len(staging.actors) == 1 else None
    colours = tuple(CLOTHES if isinstance(looks, Person) else PAINT)
    subjects = [place_statements(staging), condition_statements(staging), state_statements(staging)]
    subjects += [found for found in (gear_statements(staging), colour_statements(staging, colours)) if found]
    return rng.choice(subjects)


def _class_question(statements: Sequence[Statement], rng: Random) -> Question:
    """Ask for the one true option among false ones."""
    right = rng.choice([statement for statement in statements if statement.is_true])
    wrong = [statement for statement in statements if not statement.is_true]
    wrong = rng.sample(wrong, min(len(wrong), rng.randint(2, 5)))
    answer = rng.choice(right.class_texts)
    options = [answer, *(rng.choice(statement.class_texts) for statement in wrong)]
    rng.shuffle(options)
    return Question("class", class_instruction(options), answer, tuple(options))


def _yes_no_question(statements: Sequence[Statement], rng: Random) -> Question:
    wanted = rng.random() < 0.5
    fitting = [statement for statement in statements if statement.is_true == wanted]
    emptiness = statements[0]
    asks_emptiness = emptiness.is_true == wanted and rng.random() < 0.25
    chosen = emptiness if asks_emptiness else rng.choice(fitting)
    return Question("yes_no", yes_no_instruction(rng.choice(chosen.questions)), "yes" if wanted else "no")


def _count_questions(staging: Staging, rng: Random) -> list[Question]:
    counts = count_things(staging)
    present = [kind for kind, number in counts.items() if number]
    common = ["person", "vehicle", "car"]
    made = {}
    for _ in range(rng.choice((1, 2))):
        kind = rng.choice(present) if present and rng.random() < 0.85 else rng.choice([*common, *counts])
        question = _count_question(staging, kind, rng)
        made[question.instruction] = question
    return list(made.values())


def _count_question(staging: Staging, kind: str, rng: Random) -> Question:
    return Question("count", count_instruction(plural(rng, kind)), str(count_things(staging)[kind]))
