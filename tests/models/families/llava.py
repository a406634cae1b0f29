"""A tiny LLaVA 1.5."""

import torch
from transformers import CLIPImageProcessorPil, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor

from tests.models.families.tiny import (
    IMAGE_PX,
    PATCH_PX,
    PIXELS,
    TEXT,
    VISION,
    Tiny,
    begin_texts,
    ids,
    settle,
    train_tokenizer,
)

BEGINNING, END, PAD, IMAGE = "<s>", "</s>", "<pad>", "<image>"
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': ' }}{% endif %}"
    "{% for part in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] | selectattr('type', 'equalto', 'text') %}{{ part['text'] + ' ' }}{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)


def build() -> Tiny:
    tokenizer = begin_texts(train_tokenizer([IMAGE], bos=BEGINNING, eos=END, pad=PAD))
    config = LlavaConfig(
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        image_seq_length=(IMAGE_PX // PATCH_PX) ** 2,
        vision_config={"model_type": "clip_vision_model", **VISION, "projection_dim": 32},
        text_config={"model_type": "llama", **TEXT, **ids(tokenizer), "vocab_size": len(tokenizer)},
    )
    torch.manual_seed(0)
    model = settle(LlavaForConditionalGeneration(config), tokenizer)
    edges = {"height": IMAGE_PX, "width": IMAGE_PX}
    processor = LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": IMAGE_PX}, crop_size=edges, **PIXELS),
        tokenizer,
        patch_size=PATCH_PX,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
    )
    return Tiny(model, processor, END)
