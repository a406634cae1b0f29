"""What a training step learns from: some scenes' pixels, their questions packed, their captions' words, their marks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import Idefics3Processor

from workbench.models.chat import ChatContract
from workbench.models.packing import EncodedQuestion, PackedBatch, PackedImage, pack
from workbench.pretraining.augmentation import augment
from workbench.pretraining.questions import QuestionEncoder
from workbench.pretraining.scene_cache import CachedMark, SceneCache, step_scenes, to_pixels
from workbench.pretraining.word_loss import CaptionWords


@dataclass(frozen=True)
class SceneBatch:
    """``pixels``: float32 ``[scenes, 3, height, width]``; ``words``: float32 ``[scenes, vocabulary]``."""

    pixels: torch.Tensor
    questions: PackedBatch
    words: torch.Tensor
    marks: tuple[tuple[CachedMark, ...], ...]


class SceneBatches:
    """The batches of every step, each a function of the seed and the step's number alone."""

    def __init__(
        self,
        cache: SceneCache,
        processor: Idefics3Processor,
        *,
        scenes_per_step: int,
        questions_per_scene: int,
        seed: int,
    ) -> None:
        self._cache, self._seed = cache, seed
        self._scenes_per_step, self._questions_per_scene = scenes_per_step, questions_per_scene
        self._encoder = QuestionEncoder(processor, ChatContract.of(processor))
        self._words = CaptionWords(processor.tokenizer, cache.captions)

    def draw(self, step: int) -> SceneBatch:
        indices = step_scenes(len(self._cache), self._scenes_per_step, self._seed, step)
        rng = np.random.default_rng((self._seed, step, 1))
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + step)
        return SceneBatch(
            pixels=augment(to_pixels(self._cache.pixels(indices)), generator),
            questions=pack([PackedImage(self._encoder.prefix, self._choose(index, rng)) for index in indices]),
            words=self._words.targets(indices),
            marks=tuple(self._cache.marks[index] for index in indices),
        )

    def _choose(self, index: int, rng: np.random.Generator) -> Sequence[EncodedQuestion]:
        questions = self._cache.questions[index]
        chosen = rng.permutation(len(questions))[: self._questions_per_scene]
        return [self._encoder.encode(questions[place]) for place in chosen]
