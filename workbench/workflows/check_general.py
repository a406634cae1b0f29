"""What a model can do that has nothing to do with the site: rendered scenes that neither it nor its base has learnt."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from PIL.Image import Image

from workbench.evaluation import score_captions
from workbench.evaluation.beside import Measurement
from workbench.evaluation.checks import Check
from workbench.evaluation.report import Assessment
from workbench.models.vlm import Vlm
from workbench.progress import Progress
from workbench.scenes import Question, Scene, render_scene
from workbench.statistics.statistic import mean_of
from workbench.workflows.checks import Finding

__all__ = ["GENERAL_SCENES", "GeneralSkills"]

FIRST_SCENE = 400_000_000
"""Apart from the scenes that the base was trained on, measured on, and that replay mixes into runs."""
GENERAL_SCENES = 64
_MAX_NEW_TOKENS = 6


class GeneralSkills:
    """Classes, yes or no, numbers and captions of the same 64 scenes, always."""

    check = Check.GENERAL

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    @property
    def asked(self) -> int:
        return GENERAL_SCENES

    def measure(self, vlm: Vlm, assessment: Assessment) -> Finding:
        asked = [(number, one) for number, scene in enumerate(self._scenes) for one in scene.questions]
        measured = []
        for task in ("class", "count", "yes_no"):
            those = [(number, one) for number, one in asked if one.task == task]
            self._progress(0, None, f"{len(those)} questions about general scenes asked of {vlm.version}")
            images, questions = [self._scenes[number].image for number, _ in those], [one for _, one in those]
            answers = _chosen(vlm, images, questions) if task == "class" else _said(vlm, images, questions)
            hits = [float(answer == one.answer) for answer, one in zip(answers, questions, strict=True)]
            clusters = np.array([number for number, _ in those])
            measured.append(Measurement(mean_of(f"{task}_accuracy", np.array(hits), is_share=True), clusters))
        said = vlm.generate_captions([scene.image for scene in self._scenes])
        scores = score_captions(said, [[scene.caption] for scene in self._scenes])
        cider = next(one for one in scores.statistics if one.name == "cider")
        return [*measured, Measurement(cider, np.arange(GENERAL_SCENES))], {}

    @cached_property
    def _scenes(self) -> list[Scene]:
        scenes = []
        for number in range(GENERAL_SCENES):
            self._progress(number, GENERAL_SCENES, "general scenes rendered")
            scenes.append(render_scene(FIRST_SCENE + number))
        return scenes


def _chosen(vlm: Vlm, images: Sequence[Image], questions: Sequence[Question]) -> list[str]:
    chosen = []
    for image, question in zip(images, questions, strict=True):
        scores = vlm.choice_log_likelihoods([image], question.instruction, question.choices)
        chosen.append(question.choices[int(scores.argmax())])
    return chosen


def _said(vlm: Vlm, images: Sequence[Image], questions: Sequence[Question]) -> list[str]:
    instructions = [question.instruction for question in questions]
    return vlm.answer(images, instructions, max_new_tokens=_MAX_NEW_TOKENS)
