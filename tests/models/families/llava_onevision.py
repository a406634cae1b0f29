"""A tiny LLaVA-OneVision with a grid of one and two tiles."""

import torch
from transformers import (
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionImageProcessorPil,
    LlavaOnevisionProcessor,
    LlavaOnevisionVideoProcessor,
)

from tests.models.families.tiny import IMAGE_PX, PATCH_PX, PIXELS, TEXT, VISION, Tiny, ids, settle, train_tokenizer

BEGINNING, END, PAD, IMAGE, VIDEO = "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<image>", "<video>"
GRID = [[IMAGE_PX, IMAGE_PX], [IMAGE_PX, 2 * IMAGE_PX], [2 * IMAGE_PX, IMAGE_PX]]
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + ' ' }}"
    "{% for part in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>' }}{% endfor %}"
    "{% for part in message['content'] | selectattr('type', 'equalto', 'text') %}{{ '\n' + part['text'] }}{% endfor %}"
    "{{ '<|im_end|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def build() -> Tiny:
    tokenizer = train_tokenizer([BEGINNING, IMAGE, VIDEO], eos=END, pad=PAD)
    config = LlavaOnevisionConfig(
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        video_token_index=tokenizer.convert_tokens_to_ids(VIDEO),
        image_grid_pinpoints=GRID,
        vision_config={"model_type": "siglip_vision_model", **VISION, "vision_use_head": False},
        text_config={"model_type": "qwen2", **TEXT, **ids(tokenizer), "vocab_size": len(tokenizer)},
    )
    torch.manual_seed(0)
    model = settle(LlavaOnevisionForConditionalGeneration(config), tokenizer)
    processor = LlavaOnevisionProcessor(
        LlavaOnevisionImageProcessorPil(
            size={"height": IMAGE_PX, "width": IMAGE_PX}, image_grid_pinpoints=GRID, **PIXELS
        ),
        tokenizer,
        LlavaOnevisionVideoProcessor(),
        num_image_tokens=(IMAGE_PX // PATCH_PX) ** 2,
        vision_feature_select_strategy="full",
        chat_template=CHAT_TEMPLATE,
    )
    return Tiny(model, processor, END)
