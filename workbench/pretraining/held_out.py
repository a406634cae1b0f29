"""What a base VLM answers on scenes that it was not trained on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from workbench.models.vlm import Vlm
from workbench.pretraining.scene_cache import CachedQuestion, SceneCache

TASKS = ("class", "yes_no", "count")
_AT_ONCE = 32


@dataclass(frozen=True)
class TaskAnswers:
    """For every question of one task: the scene it was about and whether the model was right."""

    scenes: tuple[int, ...]
    right: tuple[bool, ...]

    @property
    def share_right(self) -> float:
        return sum(self.right) / len(self.right)


@dataclass(frozen=True)
class HeldOutAnswers:
    """The model's answers by task, and its captions beside the true ones."""

    by_task: dict[str, TaskAnswers]
    captions: tuple[str, ...]
    true_captions: tuple[str, ...]


def answer_held_out(vlm: Vlm, cache: SceneCache) -> HeldOutAnswers:
    """Ask ``vlm`` every question of ``cache``: classes by likelihood among the choices, the rest by greedy decoding."""
    images = [Image.fromarray(cache.pixels([index])[0]) for index in range(len(cache))]
    return HeldOutAnswers(
        by_task={task: _answer_task(vlm, images, cache, task) for task in TASKS},
        captions=tuple(vlm.generate_captions(images, batch_size=_AT_ONCE)),
        true_captions=cache.captions,
    )


def commonest_answer_share(cache: SceneCache, task: str) -> float:
    """Return the share that would be right without looking: always the task's commonest answer, or a guessed class."""
    questions = [question for asked in cache.questions for question in asked if question.task == task]
    if task == "class":
        return sum(1 / len(question.choices) for question in questions) / len(questions)
    return Counter(question.answer for question in questions).most_common(1)[0][1] / len(questions)


def _answer_task(vlm: Vlm, images: Sequence[Image.Image], cache: SceneCache, task: str) -> TaskAnswers:
    asked = [(scene, question) for scene, all_of in enumerate(cache.questions) for question in all_of]
    asked = [(scene, question) for scene, question in asked if question.task == task]
    scenes = tuple(scene for scene, _ in asked)
    about = [images[scene] for scene in scenes]
    questions = [question for _, question in asked]
    answers = _choose(vlm, about, questions) if task == "class" else _say(vlm, about, questions)
    right = tuple(answer == question.answer for answer, question in zip(answers, questions, strict=True))
    return TaskAnswers(scenes, right)


def _choose(vlm: Vlm, images: Sequence[Image.Image], questions: Sequence[CachedQuestion]) -> list[str]:
    chosen = []
    for image, question in zip(images, questions, strict=True):
        scores = vlm.choice_log_likelihoods([image], question.instruction, question.choices)
        chosen.append(question.choices[int(scores.argmax())])
    return chosen


def _say(vlm: Vlm, images: Sequence[Image.Image], questions: Sequence[CachedQuestion]) -> list[str]:
    instructions = [question.instruction for question in questions]
    return vlm.answer(images, instructions, max_new_tokens=4, batch_size=_AT_ONCE)
