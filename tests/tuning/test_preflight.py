"""The loss is on the answer alone; a run that would do something else is refused before it costs anything."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.tuning.conftest import CAPTIONS, CLASS_NAMES, PrepareTuning
from workbench.errors import DatasetError, ModelError, PreflightError, RecipeError
from workbench.models.chat import MAX_NEW_TOKENS, ChatContract, answer_tokens
from workbench.models.instructions import CAPTION_INSTRUCTION
from workbench.models.opinions import form_opinions
from workbench.models.vlm import Vlm
from workbench.recipe import Base, Data, Part, Recipe, Replay, Training
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


def test_a_sign_of_the_model_in_the_system_prompt_is_refused(prepare_tuning: PrepareTuning) -> None:
    with pytest.raises(ModelError, match=r"words alone in base\.system_prompt, but found <image>"):
        prepare_tuning(Recipe(base=Base(system_prompt="look <image>")))


def test_a_revision_of_a_folder_is_refused(prepare_tuning: PrepareTuning) -> None:
    with pytest.raises(RecipeError, match=r"as base\.revision names a version of one, but found the folder"):
        prepare_tuning(Recipe(base=Base(revision="main")))


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"max_steps": 100_000_000}, "5,000,000 times at most, but found one that does so 8e"),
        ({"num_train_epochs": 1e6}, "5,000,000 times at most, but found one that does so 6e"),
        ({"max_steps": 2, "warmup_steps": 2}, r"fewer steps than the 2 of the run, but found training\.warmup_steps 2"),
    ],
)
def test_a_run_that_cannot_go_as_planned_is_refused(prepare_tuning: PrepareTuning, chosen, told: str) -> None:
    with pytest.raises(PreflightError, match=told):
        prepare_tuning(Recipe(training=Training(**chosen)))


def test_a_replay_of_no_frame_is_refused(prepare_tuning: PrepareTuning) -> None:
    recipe = Recipe(data=Data(replay=Replay(share=0.01)), training=Training(max_steps=4, per_device_train_batch_size=2))
    with pytest.raises(PreflightError, match=r"among the 8 of the run, but found 0\.01; raise it to 0\.13 or more"):
        prepare_tuning(recipe)


def test_what_a_run_will_not_do_is_told_before_it(prepare_tuning: PrepareTuning) -> None:
    short = Training(max_steps=4, eval_steps=2, early_stopping_patience=1, optim="paged_adamw_8bit")
    parts = {**Recipe().parts, "text_model": Part(path="model.text_model", train="frozen", learning_rate=0.1)}
    left, patience, optim = prepare_tuning(Recipe(parts=parts, training=short)).preflight.notes
    assert left == "parts.text_model.learning_rate has no effect, as the part is frozen."
    assert patience.startswith(
        "training.early_stopping_patience has no effect, as a run of 4 steps is measured 2 times"
    )
    assert optim.startswith("training.optim is adamw_bnb_8bit here")
    (alone,) = prepare_tuning(Recipe(training=Training(max_steps=4)), validation=0).preflight.notes
    assert alone.startswith("There is no validation split")
    long = Training(max_steps=4, eval_steps=1, early_stopping_patience=2)
    assert prepare_tuning(Recipe(training=long)).preflight.notes == ()


def test_float16_is_refused_where_it_cannot_be_mixed(prepare_tuning: PrepareTuning) -> None:
    with pytest.raises(PreflightError, match="weights in float32 or bfloat16 on a CPU"):
        prepare_tuning(Recipe(base=Base(dtype="float16")))
