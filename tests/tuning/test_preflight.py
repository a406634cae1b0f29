"""The loss is on the answer alone; a run that would do something else is refused before it costs anything."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.tuning.conftest import CAPTIONS, CLASS_NAMES, PrepareTuning
from workbench.errors import DatasetError, PreflightError
from workbench.models.chat import MAX_NEW_TOKENS, ChatContract, answer_tokens
from workbench.models.instructions import CAPTION_INSTRUCTION
from workbench.models.opinions import form_opinions
from workbench.models.vlm import Vlm
from workbench.recipe import Base, Recipe
from workbench.tuning.collator import Collator, collate_packed
from workbench.tuning.encoding import FrameEncoder, decode, item_of
from workbench.tuning.preflight import prove_label_mask
from workbench.tuning.tuner import prepare


def test_only_the_answer_and_its_end_are_learnt(prepare_tuning: PrepareTuning) -> None:
    caption, class_choice = prepare_tuning(Recipe()).preflight.masks
    assert (caption.answer, class_choice.answer) == (CAPTIONS[0], "bay clear")
    for mask in (caption, class_choice):
        prompt = [token.token for token in mask.tokens if not token.learnt]
        learnt = [token.token for token in mask.tokens if token.learnt]
        assert prompt.count("<image>") == 4
        assert learnt[-1] == "<end_of_utterance>"
        assert "".join(learnt[:-1]).replace("Ġ", " ").strip() == mask.answer


def test_a_mask_that_learns_the_prompt_is_refused(prepare_tuning: PrepareTuning, frames) -> None:
    prepared = prepare_tuning(Recipe())
    item = item_of(prepared.taught[0])
    processor, contract = prepared.vlm.processor, prepared.vlm.contract
    by_row = Collator(processor, contract)([item])
    packed = collate_packed([FrameEncoder(processor, contract).encode(item)])
    for batch in (by_row, packed):
        prove_label_mask(batch, item.examples, processor)
    everything = {**by_row, "labels": by_row["input_ids"]}
    shifted = replace(packed["packed"], targets=packed["packed"].input_ids)
    for batch in (everything, {**packed, "packed": shifted}):
        with pytest.raises(PreflightError, match="the loss on the answer"):
            prove_label_mask(batch, item.examples, processor)


def test_frames_of_one_class_or_of_foreign_classes_are_refused(prepare_tuning: PrepareTuning, frames) -> None:
    with pytest.raises(DatasetError, match="at least two classes"):
        prepare_tuning(Recipe(), train=1)
    frames[0] = replace(original := frames[0], class_name="spill")
    try:
        with pytest.raises(DatasetError, match="spill"):
            prepare_tuning(Recipe())
        frames[0], frames[7] = original, replace(held_out := frames[7], class_name="spill")
        with pytest.raises(DatasetError, match="spill"):
            prepare_tuning(Recipe())
        frames[7] = held_out
    finally:
        frames[0] = original


def test_a_frame_whose_bytes_are_no_image_is_named(frames) -> None:
    broken = replace(frames[0], image_jpeg=b"not a jpeg")
    with pytest.raises(DatasetError, match=frames[0].frame_id[:12]):
        decode(broken.frame_id, broken.image_jpeg)


@pytest.mark.parametrize("caption", ["", " ", "<image> of a dock.", "It is clear.<end_of_utterance> Or not."])
@pytest.mark.parametrize("place", [3, 7])
def test_an_answer_that_is_no_text_is_refused_with_its_frame(
    caption: str, place: int, prepare_tuning: PrepareTuning, frames
) -> None:
    frames[place] = replace(original := frames[place], caption=caption)
    try:
        with pytest.raises(DatasetError, match=f"words as the caption of frame {original.frame_id[:12]}"):
            prepare_tuning(Recipe())
    finally:
        frames[place] = original


def test_an_answer_has_room_for_the_longest_caption(
    prepare_tuning: PrepareTuning, base_dir: Path, frames, tmp_path: Path
) -> None:
    assert prepare_tuning(Recipe()).vlm.contract.max_new_tokens == MAX_NEW_TOKENS
    wordy = replace(frames[7], caption=" ".join([frames[7].caption] * 12))
    vlm = prepare(Recipe(), str(base_dir), CLASS_NAMES, frames[:6], [wordy]).vlm
    spoken = len(answer_tokens(vlm.processor, vlm.contract, CAPTION_INSTRUCTION, wordy.caption))
    assert MAX_NEW_TOKENS < spoken < vlm.contract.max_new_tokens < 1.3 * spoken
    vlm.contract.save(tmp_path)
    assert ChatContract.load(tmp_path) == vlm.contract
    image = Image.new("RGB", (64, 36))
    at_most = GenerationLengths(vlm)
    vlm.generate_captions([image])
    form_opinions(vlm, [image], CLASS_NAMES, captions=True)
    assert at_most.seen == [vlm.contract.max_new_tokens] * 2


class GenerationLengths:
    """Hears how many tokens a model is asked for."""

    def __init__(self, vlm: Vlm) -> None:
        self.seen: list[int] = []
        generate = vlm.model.generate

        def heard(**arguments):
            self.seen.append(arguments["max_new_tokens"])
            return generate(**arguments)

        vlm.model.generate = heard


def test_a_prompt_that_leaves_no_room_for_an_answer_is_refused(prepare_tuning: PrepareTuning) -> None:
    with pytest.raises(PreflightError, match=r"40 of the model's 1024 tokens .* shorten base\.system_prompt"):
        prepare_tuning(Recipe(base=Base(system_prompt="bay " * 1000)))


def test_float16_is_refused_where_it_cannot_be_mixed(prepare_tuning: PrepareTuning) -> None:
    with pytest.raises(PreflightError, match="weights in float32 or bfloat16 on a CPU"):
        prepare_tuning(Recipe(base=Base(dtype="float16")))
