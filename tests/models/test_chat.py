"""The loss sees answers alone, and training and production see the same prompt."""

import dataclasses
import json
from pathlib import Path

import pytest
from PIL.Image import Image

from workbench.errors import ModelError
from workbench.models.chat import CONTRACT_FILE, IGNORED_LABEL, ChatContract, answer_tokens, encode, encode_prompts
from workbench.models.vlm import Vlm, load_vlm

INSTRUCTIONS = ["Which class fits this image? Choose one: free, person at table.", "Is it night? Answer yes or no."]
ANSWERS = ["person at table", "no"]


def test_labels_keep_the_answer_and_its_end_token_and_nothing_else(vlm: Vlm, images: list[Image]) -> None:
    batch = encode(vlm.processor, vlm.contract, images[:2], INSTRUCTIONS, ANSWERS)
    tokenizer = vlm.processor.tokenizer
    for row, answer in enumerate(ANSWERS):
        labels, tokens = batch["labels"][row].tolist(), batch["input_ids"][row].tolist()
        kept = [place for place, label in enumerate(labels) if label != IGNORED_LABEL]
        assert [labels[place] for place in kept] == [tokens[place] for place in kept]
        assert kept == list(range(kept[0], kept[0] + len(kept)))
        assert tokens[kept[-1]] == tokenizer.eos_token_id
        assert tokenizer.decode(tokens[kept[0] : kept[-1]]).strip() == answer
        assert tokenizer.decode(tokens[: kept[0]]).endswith(f"{INSTRUCTIONS[row]}<end_of_utterance>\nAssistant:")
        assert vlm.processor.image_token_id not in [tokens[place] for place in kept]
        assert all(batch["attention_mask"][row, kept[-1] + 1 :] == 0)


def test_generation_starts_from_the_very_tokens_that_training_did_not_learn(vlm: Vlm, images: list[Image]) -> None:
    batch = encode(vlm.processor, vlm.contract, images[:2], INSTRUCTIONS, ANSWERS)
    prompts = encode_prompts(vlm.processor, vlm.contract, images[:2], INSTRUCTIONS)
    for row in range(2):
        learnt = (batch["labels"][row] != IGNORED_LABEL).nonzero()[0].item()
        prompt = prompts["input_ids"][row][prompts["attention_mask"][row] == 1]
        assert prompt.tolist() == batch["input_ids"][row, :learnt].tolist()
    assert (prompts["pixel_values"] == batch["pixel_values"]).all()


def test_nothing_is_truncated(vlm: Vlm, images: list[Image]) -> None:
    batch = encode(vlm.processor, vlm.contract, images[:1], ["why " * 500], ["because " * 300])
    image_tokens = (batch["input_ids"] == vlm.processor.image_token_id).sum().item()
    assert image_tokens == vlm.processor.image_seq_len
    assert batch["input_ids"].shape[1] > 800


def test_system_prompt_stands_before_the_question(vlm: Vlm) -> None:
    contract = dataclasses.replace(vlm.contract, system_prompt="You watch a gate.")
    assert answer_tokens(vlm.processor, contract, "Who?", "nobody") == answer_tokens(
        vlm.processor, vlm.contract, "Who?", "nobody"
    )
    assert contract.digest != vlm.contract.digest


def test_empty_answer_and_broken_template_are_refused(vlm: Vlm) -> None:
    with pytest.raises(ModelError, match="not empty"):
        answer_tokens(vlm.processor, vlm.contract, "Who?", "")
    endless = dataclasses.replace(
        vlm.contract, chat_template=vlm.contract.chat_template.replace("<end_of_utterance>", "")
    )
    with pytest.raises(ModelError, match="chat template"):
        answer_tokens(vlm.processor, endless, "Who?", "nobody")


def test_contract_survives_its_file_and_refuses_an_altered_one(vlm: Vlm, tmp_path: Path) -> None:
    contract = ChatContract.of(vlm.processor, class_names=("free", "person_at_table"))
    path = contract.save(tmp_path)
    assert ChatContract.load(tmp_path) == contract
    stored = json.loads(path.read_text())
    stored["class_names"].append("truck")
    path.write_text(json.dumps(stored))
    with pytest.raises(ModelError, match="digest"):
        ChatContract.load(tmp_path)
    (tmp_path / CONTRACT_FILE).unlink()
    with pytest.raises(ModelError, match=r"chat_contract\.json"):
        ChatContract.load(tmp_path)


@pytest.mark.parametrize(
    "change", [{"system_prompt": "x"}, {"class_names": ("a",)}, {"image_settings_json": '{"do_resize": true}'}]
)
def test_digest_follows_every_part(vlm: Vlm, change: dict[str, object]) -> None:
    assert dataclasses.replace(vlm.contract, **change).digest != vlm.contract.digest


def test_applied_contract_decides_the_pixels(vlm: Vlm, vlm_dir: Path, images: list[Image]) -> None:
    other = load_vlm(vlm_dir, image_settings={"image_mean": [0.0, 0.0, 0.0]})
    assert other.contract.digest != vlm.contract.digest
    pixels = encode_prompts(other.processor, other.contract, images[:1], ["Who?"])["pixel_values"]
    vlm.contract.apply(other.processor)
    again = encode_prompts(other.processor, vlm.contract, images[:1], ["Who?"])["pixel_values"]
    expected = encode_prompts(vlm.processor, vlm.contract, images[:1], ["Who?"])["pixel_values"]
    assert not (pixels == expected).all()
    assert (again == expected).all()
