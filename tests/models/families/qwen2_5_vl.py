"""A tiny Qwen2.5-VL with one layer of windowed attention."""

import torch
from transformers import (
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessorPil,
    Qwen2VLVideoProcessor,
)

from tests.models.families.qwen3_vl import (
    BEGINNING,
    BUDGET,
    CHAT_TEMPLATE,
    END,
    NAMED,
    PAD,
    PATCH_PX,
    ROTATION,
    VISION,
)
from tests.models.families.tiny import PIXELS, TEXT, Tiny, ids, settle, train_tokenizer


def build() -> Tiny:
    tokenizer = train_tokenizer([BEGINNING], eos=END, pad=PAD, named=NAMED)
    config = Qwen2_5_VLConfig(
        **{f"{name}_id": tokenizer.convert_tokens_to_ids(token) for name, token in NAMED.items()},
        vision_config={**VISION, "window_size": 4 * PATCH_PX, "fullatt_block_indexes": [1]},
        text_config={**TEXT, **ids(tokenizer), "vocab_size": len(tokenizer), "rope_parameters": ROTATION},
    )
    torch.manual_seed(0)
    model = settle(Qwen2_5_VLForConditionalGeneration(config), tokenizer)
    images = Qwen2VLImageProcessorPil(patch_size=PATCH_PX, size=BUDGET, **PIXELS)
    videos = Qwen2VLVideoProcessor(patch_size=PATCH_PX)
    return Tiny(model, Qwen2_5_VLProcessor(images, tokenizer, videos, chat_template=CHAT_TEMPLATE), END)
