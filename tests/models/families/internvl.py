"""A tiny InternVL 3 that cuts pictures into tiles."""

import torch
from transformers import (
    GotOcr2ImageProcessorPil,
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLProcessor,
    InternVLVideoProcessor,
)

from tests.models.families.tiny import IMAGE_PX, PATCH_PX, PIXELS, TEXT, VISION, Tiny, ids, settle, train_tokenizer

BEGINNING, END, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
NAMED = {
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<IMG_CONTEXT>",
    "video_token": "<video>",
}
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<IMG_CONTEXT>\n' }}{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
IMAGE_TOKENS = (IMAGE_PX // PATCH_PX // 2) ** 2


def build() -> Tiny:
    tokenizer = train_tokenizer([BEGINNING], eos=END, pad=PAD, named=NAMED)
    config = InternVLConfig(
        image_token_id=tokenizer.convert_tokens_to_ids(NAMED["context_image_token"]),
        image_seq_length=IMAGE_TOKENS,
        vision_config=VISION,
        text_config={"model_type": "qwen2", **TEXT, **ids(tokenizer), "vocab_size": len(tokenizer)},
    )
    torch.manual_seed(0)
    model = settle(InternVLForConditionalGeneration(config), tokenizer)
    edges = {"height": IMAGE_PX, "width": IMAGE_PX}
    processor = InternVLProcessor(
        GotOcr2ImageProcessorPil(size=edges, crop_to_patches=True, max_patches=2, **PIXELS),
        tokenizer,
        InternVLVideoProcessor(size=edges),
        image_seq_length=IMAGE_TOKENS,
        chat_template=CHAT_TEMPLATE,
    )
    return Tiny(model, processor, END)
