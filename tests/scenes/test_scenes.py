"""Rendered scenes: the same every time, and nothing asked of them has a wrong answer."""

import re
from collections import Counter

import numpy as np
import pytest

from workbench.models.instructions import CAPTION_INSTRUCTION
from workbench.scenes import Question, Scene, render_scene

SMALL_WH = (96, 54)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    """Render 300 small scenes once."""
    return [render_scene(seed, size_wh=SMALL_WH) for seed in range(300)]


def questions_of(scenes: list[Scene], task: str) -> list[tuple[Scene, Question]]:
    """Return all questions of one task with their scenes."""
    return [(scene, question) for scene in scenes for question in scene.questions if question.task == task]


def test_a_seed_gives_one_scene() -> None:
    first, second = render_scene(17, size_wh=SMALL_WH), render_scene(17, size_wh=SMALL_WH)
    assert first.image.tobytes() == second.image.tobytes()
    assert (first.caption, first.counts, first.questions) == (second.caption, second.counts, second.questions)


def test_neighbouring_seeds_differ(scenes: list[Scene]) -> None:
    assert len({scene.image.tobytes() for scene in scenes}) == len(scenes)


@pytest.mark.parametrize("size_wh", [(256, 144), (160, 160)])
def test_images_have_the_size_asked_for(size_wh: tuple[int, int]) -> None:
    image = render_scene(3, size_wh=size_wh).image
    assert (image.size, image.mode) == (size_wh, "RGB")


def test_every_kind_of_place_and_weather_comes_up(scenes: list[Scene]) -> None:
    assert {scene.kind for scene in scenes} == {"yard", "dock", "aisle", "gate", "car park", "corridor", "room"}
    assert {scene.condition for scene in scenes} == {"day", "dusk", "night", "rain", "fog"}


def test_pictures_are_neither_black_nor_flat(scenes: list[Scene]) -> None:
    for scene in scenes:
        grey = np.asarray(scene.image.convert("L"))
        assert int(grey.max()) - int(grey.min()) > 20


def test_each_scene_asks_four_to_seven_things_and_starts_with_the_caption(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert 4 <= len(scene.questions) <= 7
        caption = scene.questions[0]
        assert (caption.task, caption.instruction, caption.answer) == ("caption", CAPTION_INSTRUCTION, scene.caption)


def test_captions_are_short_sentences(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert re.fullmatch(r"[A-Z][^.]+\.", scene.caption), scene.caption
        assert 3 <= len(scene.caption.split()) <= 25, scene.caption


def test_class_answers_are_one_of_distinct_choices_that_the_instruction_lists(scenes: list[Scene]) -> None:
    for _, question in questions_of(scenes, "class"):
        assert question.choices.count(question.answer) == 1
        assert 3 <= len(set(question.choices)) == len(question.choices) <= 6
        assert ", ".join(question.choices) in question.instruction


def test_class_questions_speak_many_vocabularies(scenes: list[Scene]) -> None:
    assert len({question.answer for _, question in questions_of(scenes, "class")}) > 80


def test_the_right_option_stands_anywhere(scenes: list[Scene]) -> None:
    places = Counter(question.choices.index(question.answer) for _, question in questions_of(scenes, "class"))
    assert all(places[place] > 50 for place in range(3))


def test_yes_and_no_are_balanced(scenes: list[Scene]) -> None:
    answers = Counter(question.answer for _, question in questions_of(scenes, "yes_no"))
    assert set(answers) == {"yes", "no"}
    assert 0.42 < answers["yes"] / answers.total() < 0.58


def test_counts_answer_the_truth(scenes: list[Scene]) -> None:
    nouns = {"people": "person", "persons": "person", "cars": "car", "vehicles": "vehicle", "forklifts": "forklift"}
    checked = 0
    for scene, question in questions_of(scenes, "count"):
        noun = question.instruction.removeprefix("How many ").split(" are ")[0]
        if noun in nouns:
            assert question.answer == str(scene.counts[nouns[noun]])
            checked += 1
    assert checked > 100


def test_vehicles_are_the_sum_of_their_kinds(scenes: list[Scene]) -> None:
    for scene in scenes:
        counts = scene.counts
        assert counts["vehicle"] == counts["car"] + counts["van"] + counts["truck"] + counts["forklift"]


def test_empty_and_full_scenes_are_both_common(scenes: list[Scene]) -> None:
    empty = sum(not any(scene.counts.values()) for scene in scenes)
    assert 0.2 < empty / len(scenes) < 0.45
    assert max(scene.counts["person"] for scene in scenes) >= 3


def test_a_picture_without_colours_is_told_without_colours(scenes: list[Scene]) -> None:
    grey = [scene for scene in scenes if np.ptp(np.asarray(scene.image), axis=2).max() < 12]
    assert grey
    assert not any(re.search(r"\b(red|blue|green|yellow|orange|pink|teal)\b", scene.caption) for scene in grey)


def test_a_lesson_asks_more_about_the_same_picture() -> None:
    for seed in range(20):
        scene, lesson = render_scene(seed), render_scene(seed, is_lesson=True)
        assert scene.image.tobytes() == lesson.image.tobytes()
        assert lesson.questions[: len(scene.questions)] == scene.questions
        counted = [asked.answer for asked in lesson.questions if asked.task == "count"]
        present = [number for number in scene.counts.values() if number]
        assert set(map(str, present)) <= set(counted)


def test_marks_tell_what_is_counted_and_where(scenes: list[Scene]) -> None:
    for scene in scenes:
        for kind, number in scene.counts.items():
            assert sum(kind in mark.words for mark in scene.marks) == number
        assert all(0 <= mark.u <= 1 and 0 <= mark.v <= 1 for mark in scene.marks if "table" not in mark.words)
