"""Rendered scenes as frames of no site: what is mixed into a run so that the model keeps what it knew."""

import hashlib
import io
from collections.abc import Iterator
from random import Random

from workbench.progress import Progress, silent
from workbench.recipe import Recipe
from workbench.scenes import render_scene
from workbench.tuning.examples import GeneralFrame

__all__ = ["general_frames"]

FIRST_SCENE = 500_000_000
"""Far from the scenes that the base was trained on (from 1,000,000) and measured on (from 0)."""
_SCENES_PER_SEED = 1_000_000
_QUESTIONS_A_FRAME = 2


def general_frames(recipe: Recipe, *, progress: Progress = silent) -> list[GeneralFrame]:
    """Render the frames that the recipe's ``data.replay`` asks for; none where its share is 0.

    The same seed gives the same frames. Each asks two things, as a site's frames do: mostly one of classes, yes or no
    or a number, beside the caption.
    """
    replay = recipe.data.replay
    if not replay.share:
        return []
    first = FIRST_SCENE + recipe.training.seed * _SCENES_PER_SEED
    return list(_rendered(range(first, first + replay.frames), progress))


def _rendered(seeds: range, progress: Progress) -> Iterator[GeneralFrame]:
    for done, seed in enumerate(seeds):
        progress(done, len(seeds), "general frames rendered")
        scene = render_scene(seed)
        caption, *others = scene.questions
        asked = [caption, *Random(seed).sample(others, min(len(others), _QUESTIONS_A_FRAME - 1))]
        jpeg = io.BytesIO()
        scene.image.save(jpeg, "JPEG", quality=90)
        questions = tuple((question.instruction, question.answer) for question in asked)
        yield GeneralFrame(hashlib.sha256(jpeg.getvalue()).hexdigest(), jpeg.getvalue(), questions)
