"""The loss is on the answer alone; a run that would do something else is refused before it costs anything."""

import dataclasses

import pytest

from tests.tuning.conftest import CAPTIONS, CLASS_NAMES, PrepareTuning
from workbench.errors import DatasetError, PreflightError
from workbench.recipe import Recipe
from workbench.tuning.collator import Collator, item_of
from workbench.tuning.preflight import prove_label_mask


def test_only_the_answer_and_its_end_are_learnt(prepare_tuning: PrepareTuning) -> None:
    caption, class_choice = prepare_tuning(Recipe()).preflight.masks
    assert (caption.answer, class_choice.answer) == (CAPTIONS[0], "bay clear")
    for mask in (caption, class_choice):
        prompt = [token.token for token in mask.tokens if not token.learnt]
        learnt = [token.token for token in mask.tokens if token.learnt]
        assert prompt.count("<image>") == 4
        assert learnt[-1] == "<end_of_utterance>"
        assert "".join(learnt[:-1]).replace("Ġ", " ").strip() == mask.answer


class LearnsEverything(Collator):
    def __call__(self, items):
        batch = super().__call__(items)
        return {**batch, "labels": batch["input_ids"]}


def test_a_mask_that_learns_the_prompt_is_refused(prepare_tuning: PrepareTuning, frames) -> None:
    vlm = prepare_tuning(Recipe()).vlm
    item = item_of(frames[0], CLASS_NAMES, Recipe().data)
    with pytest.raises(PreflightError, match="the loss on the answer"):
        prove_label_mask(item, LearnsEverything(vlm.processor, vlm.contract))


def test_frames_of_one_class_or_of_foreign_classes_are_refused(prepare_tuning: PrepareTuning, frames) -> None:
    with pytest.raises(DatasetError, match="at least two classes"):
        prepare_tuning(Recipe(), train=1)
    frames[0] = dataclasses.replace(original := frames[0], class_name="spill")
    try:
        with pytest.raises(DatasetError, match="spill"):
            prepare_tuning(Recipe())
    finally:
        frames[0] = original


def test_a_frame_whose_bytes_are_no_image_is_named(frames) -> None:
    broken = dataclasses.replace(frames[0], image_jpeg=b"not a jpeg")
    with pytest.raises(DatasetError, match=frames[0].frame_id[:12]):
        item_of(broken, CLASS_NAMES, Recipe().data)
