"""A tiny SmolVLM2, whose processor has a part for videos."""

import torch
from transformers import (
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
    SmolVLMImageProcessorPil,
    SmolVLMProcessor,
    SmolVLMVideoProcessor,
)

from tests.models.families.idefics3 import BEGINNING, END, IMAGE, IMAGE_TOKENS, PAD, SETTINGS, SPECIAL
from tests.models.families.tiny import TEXT, VISION, Tiny, ids, settle, train_tokenizer
from workbench.pretraining.tokenizer import CHAT_TEMPLATE


def build() -> Tiny:
    tokenizer = train_tokenizer([*SPECIAL, "<video>"], bos=BEGINNING, eos=END, pad=PAD)
    config = SmolVLMConfig(
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        scale_factor=2,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        vision_config=VISION,
        text_config={"model_type": "llama", **TEXT, **ids(tokenizer), "vocab_size": len(tokenizer)},
    )
    torch.manual_seed(0)
    model = settle(SmolVLMForConditionalGeneration(config), tokenizer)
    processor = SmolVLMProcessor(
        SmolVLMImageProcessorPil(**SETTINGS),
        tokenizer,
        SmolVLMVideoProcessor(),
        image_seq_len=IMAGE_TOKENS,
        chat_template=CHAT_TEMPLATE,
    )
    return Tiny(model, processor, END)
