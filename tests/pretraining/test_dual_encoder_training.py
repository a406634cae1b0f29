"""The dual encoder starts with the VLM's eyes, and learns to tell captions apart."""

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from workbench.errors import ModelError
from workbench.pretraining.architecture import ClipShape, VlmShape, new_clip, new_vlm
from workbench.pretraining.clip_training import contrastive_loss, recall_at
from workbench.pretraining.tokenizer import train_tokenizer
from workbench.pretraining.vision_transfer import adopt_vision_tower
from workbench.pretraining.word_loss import CaptionWords, teaching_share, word_loss

VLM = VlmShape(
    image_px=32,
    patch_px=8,
    vision_width=32,
    vision_layers=2,
    vision_heads=2,
    text_width=64,
    text_layers=1,
    text_heads=2,
)
CLIP = ClipShape(image_px=32, patch_px=8, vision_width=32, vision_layers=2, text_width=32, text_layers=1, heads=2)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(["a red car", "a blue car", "nobody"] * 3)


def test_adopted_eyes_see_what_the_vlm_sees(tokenizer: PreTrainedTokenizerFast) -> None:
    vlm, clip = new_vlm(VLM, tokenizer, seed=1).eval(), new_clip(CLIP, tokenizer, seed=2).eval()
    pixels = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        theirs = vlm.model.vision_model(pixel_values=pixels).last_hidden_state
        before = clip.vision_model(pixel_values=pixels).last_hidden_state[:, 1:]
        adopt_vision_tower(clip, vlm)
        after = clip.vision_model(pixel_values=pixels).last_hidden_state[:, 1:]
    similarity = torch.nn.functional.cosine_similarity
    assert similarity(theirs, after, dim=-1).mean() > 0.7
    assert similarity(theirs, before, dim=-1).mean() < 0.3


def test_eyes_of_another_shape_are_refused(tokenizer: PreTrainedTokenizerFast) -> None:
    clip = new_clip(ClipShape(image_px=32, vision_width=32, vision_layers=1, heads=2), tokenizer, seed=0)
    with pytest.raises(ModelError, match="num_hidden_layers"):
        adopt_vision_tower(clip, new_vlm(VLM, tokenizer, seed=0))


def test_scenes_of_one_caption_do_not_count_against_each_other(tokenizer: PreTrainedTokenizerFast) -> None:
    clip = new_clip(CLIP, tokenizer, seed=0).eval()
    pixels = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)).repeat(2, 1, 1, 1)
    tokens = torch.tensor([[*tokenizer("a red car")["input_ids"], tokenizer.eos_token_id]] * 2)
    texts = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
    with torch.inference_mode():
        same = contrastive_loss(clip, pixels, texts, ["a red car"] * 2)
    assert same.item() == pytest.approx(np.log(2), abs=1e-3)


def test_recall_counts_any_scene_of_the_caption() -> None:
    images = np.eye(3, dtype=np.float32)
    texts = np.array([[0, 1, 0], [1, 0, 0], [0.9, 0, 0.5]], dtype=np.float32)
    recall = recall_at(images, texts, ["one", "one", "other"], (1, 2))
    assert recall == {1: pytest.approx(2 / 3), 2: 1.0}


def test_word_loss_wants_the_rare_words_of_the_caption(tokenizer: PreTrainedTokenizerFast) -> None:
    words = CaptionWords(tokenizer, ["a red car", "a blue car", "a car"])
    target = words.targets([0])
    red = tokenizer(" red")["input_ids"][0]
    assert target.sum().item() == pytest.approx(1)
    assert target[0].argmax().item() == red
    logits = torch.zeros(1, 4, len(tokenizer))
    silent = word_loss(logits, target)
    logits[0, 2, red] = 5
    assert word_loss(logits, target) < silent
    assert [teaching_share(step) for step in (0, 600, 1200, 5000)] == [1.0, 0.5, 0.0, 0.0]
