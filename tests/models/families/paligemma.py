"""A tiny PaliGemma 2, on Gemma 2 with a window that is shorter than a prompt."""

import torch
from transformers import (
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    SiglipImageProcessorPil,
)

from tests.models.families.tiny import IMAGE_PX, PATCH_PX, PIXELS, TEXT, VISION, Tiny, ids, settle, train_tokenizer

BEGINNING, END, PAD, IMAGE = "<bos>", "<eos>", "<pad>", "<image>"


def build() -> Tiny:
    tokenizer = train_tokenizer([], bos=BEGINNING, eos=END, pad=PAD, named={"image_token": IMAGE})
    images = SiglipImageProcessorPil(size={"height": IMAGE_PX, "width": IMAGE_PX}, **PIXELS)
    images.image_seq_length = (IMAGE_PX // PATCH_PX) ** 2
    processor = PaliGemmaProcessor(images, tokenizer)
    config = PaliGemmaConfig(
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        projection_dim=64,
        hidden_size=64,
        vision_config={"model_type": "siglip_vision_model", **VISION, "vision_use_head": False},
        text_config={
            "model_type": "gemma2",
            **TEXT,
            **ids(tokenizer),
            "vocab_size": len(tokenizer),
            "sliding_window": 24,
            "query_pre_attn_scalar": 16,
        },
    )
    torch.manual_seed(0)
    return Tiny(settle(PaliGemmaForConditionalGeneration(config), tokenizer), processor, END)
