"""A tiny Idefics3 that cuts pictures into tiles."""

import torch
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
)

from tests.models.families.tiny import IMAGE_PX, PIXELS, TEXT, VISION, Tiny, ids, settle, train_tokenizer
from workbench.pretraining.tokenizer import CHAT_TEMPLATE

PAD, BEGINNING, END, IMAGE, AROUND = (
    "<|im_end|>",
    "<|im_start|>",
    "<end_of_utterance>",
    "<image>",
    "<fake_token_around_image>",
)
SPECIAL = (IMAGE, AROUND, "<global-img>", *(f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)))
IMAGE_TOKENS = 4
SETTINGS = {
    "size": {"longest_edge": 2 * IMAGE_PX},
    "max_image_size": {"longest_edge": IMAGE_PX},
    "do_image_splitting": True,
    **PIXELS,
}


def build() -> Tiny:
    tokenizer = train_tokenizer(SPECIAL, bos=BEGINNING, eos=END, pad=PAD)
    config = Idefics3Config(
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        scale_factor=2,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        vision_config=VISION,
        text_config={"model_type": "llama", **TEXT, **ids(tokenizer), "vocab_size": len(tokenizer)},
    )
    torch.manual_seed(0)
    model = settle(Idefics3ForConditionalGeneration(config), tokenizer)
    images = Idefics3ImageProcessorPil(**SETTINGS)
    processor = Idefics3Processor(images, tokenizer, image_seq_len=IMAGE_TOKENS, chat_template=CHAT_TEMPLATE)
    return Tiny(model, processor, END)
