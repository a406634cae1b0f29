"""A tiny Qwen3-VL with one layer that hands pictures to deeper layers of the language model."""

import torch
from transformers import (
    Qwen2VLImageProcessorPil,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

from tests.models.families.tiny import PIXELS, TEXT, Tiny, ids, settle, train_tokenizer

BEGINNING, END, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
NAMED = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "vision_start_token": "<|vision_start|>",
    "vision_end_token": "<|vision_end|>",
}
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
PATCH_PX = 8
BUDGET = {"shortest_edge": 16 * 16, "longest_edge": 64 * 48}
VISION = {
    "depth": 2,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_heads": 4,
    "patch_size": PATCH_PX,
    "out_hidden_size": 64,
}
ROTATION = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2]}


def build() -> Tiny:
    tokenizer = train_tokenizer([BEGINNING], eos=END, pad=PAD, named=NAMED)
    config = Qwen3VLConfig(
        **{f"{name}_id": tokenizer.convert_tokens_to_ids(token) for name, token in NAMED.items()},
        vision_config={**VISION, "num_position_embeddings": 64, "deepstack_visual_indexes": [0]},
        text_config={**TEXT, **ids(tokenizer), "vocab_size": len(tokenizer), "rope_parameters": ROTATION},
    )
    torch.manual_seed(0)
    model = settle(Qwen3VLForConditionalGeneration(config), tokenizer)
    images = Qwen2VLImageProcessorPil(patch_size=PATCH_PX, size=BUDGET, **PIXELS)
    videos = Qwen3VLVideoProcessor(patch_size=PATCH_PX)
    return Tiny(model, Qwen3VLProcessor(images, tokenizer, videos, chat_template=CHAT_TEMPLATE), END)
