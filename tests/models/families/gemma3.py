"""A tiny Gemma 3 with a window that is shorter than a prompt."""

import torch
from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3ImageProcessorPil, Gemma3Processor

from tests.models.families.tiny import IMAGE_PX, PIXELS, TEXT, VISION, Tiny, begin_texts, ids, settle, train_tokenizer

BEGINNING, EOS, PAD = "<bos>", "<eos>", "<pad>"
TURN, END = "<start_of_turn>", "<end_of_turn>"
NAMED = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
IMAGE_TOKENS = 4
CHAT_TEMPLATE = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{% set first = messages[0]['content'][0]['text'] + '\n\n' %}{% set asked = messages[1:] %}"
    "{% else %}{% set first = '' %}{% set asked = messages %}{% endif %}{% for message in asked %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + (first if loop.first else '') }}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<start_of_image>' }}{% else %}{{ part['text'] | trim }}{% endif %}{% endfor %}"
    "{{ '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)


def build() -> Tiny:
    tokenizer = begin_texts(train_tokenizer([TURN, END], bos=BEGINNING, eos=EOS, pad=PAD, named=NAMED))
    config = Gemma3Config(
        image_token_index=tokenizer.convert_tokens_to_ids(NAMED["image_token"]),
        boi_token_index=tokenizer.convert_tokens_to_ids(NAMED["boi_token"]),
        eoi_token_index=tokenizer.convert_tokens_to_ids(NAMED["eoi_token"]),
        mm_tokens_per_image=IMAGE_TOKENS,
        vision_config={"model_type": "siglip_vision_model", **VISION, "vision_use_head": False},
        text_config={
            **TEXT,
            **ids(tokenizer),
            "vocab_size": len(tokenizer),
            "sliding_window": 24,
            "layer_types": ["sliding_attention", "full_attention"],
            "query_pre_attn_scalar": 16,
        },
    )
    torch.manual_seed(0)
    model = settle(Gemma3ForConditionalGeneration(config), tokenizer, end=END)
    images = Gemma3ImageProcessorPil(size={"height": IMAGE_PX, "width": IMAGE_PX}, **PIXELS)
    processor = Gemma3Processor(images, tokenizer, chat_template=CHAT_TEMPLATE, image_seq_length=IMAGE_TOKENS)
    return Tiny(model, processor, END)
