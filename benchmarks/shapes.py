"""Models of published shapes with random weights: speed and memory can be measured where the weights are not at hand.

Tokenizer and pictures' preparation are the embedded base's, set to the shape's own sizes, so that a frame has as many
tokens as it would have; the rows of the vocabulary that no token names take part in the head's products all the same.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    ProcessorMixin,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
)

from workbench.models.loading import load_processor
from workbench.settings import embedded_path

QWEN_TOKENS = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "vision_start_token": "<|vision_start|>",
    "vision_end_token": "<|vision_end|>",
}
QWEN_ENDS = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
QWEN_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build(shape: str, folder: Path) -> Path:
    """Write a bfloat16 model of ``shape`` with its processor to ``folder``, and return the folder."""
    torch.manual_seed(0)
    processor = PROCESSORS[shape]()
    model_class, config = CONFIGS[shape](processor.tokenizer)
    model = model_class._from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def smolvlm_500m(tokenizer: PreTrainedTokenizerFast) -> tuple[type[PreTrainedModel], PreTrainedConfig]:
    """SigLIP of 86 M weights at 512 pixels, a shuffle of 4 x 4 patches, SmolLM2 of 360 M."""
    config = Idefics3Config(
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=4,
        tie_word_embeddings=False,
        vision_config={
            "hidden_size": 768,
            "intermediate_size": 3072,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "image_size": 512,
            "patch_size": 16,
        },
        text_config={
            "model_type": "llama",
            "hidden_size": 960,
            "intermediate_size": 2560,
            "num_hidden_layers": 32,
            "num_attention_heads": 15,
            "num_key_value_heads": 5,
            "head_dim": 64,
            "vocab_size": 49280,
            "max_position_embeddings": 8192,
            "rope_parameters": {"rope_type": "default", "rope_theta": 100000.0},
            **_ends(tokenizer),
        },
    )
    return Idefics3ForConditionalGeneration, config


def smolvlm_processor() -> ProcessorMixin:
    """One tile of 512 pixels a frame, which is 64 tokens."""
    processor = load_processor(embedded_path("base-vlm"))
    processor.image_seq_len = 64
    processor.image_processor.size = processor.image_processor.max_image_size = {"longest_edge": 512}
    processor.image_processor.do_resize = True
    return processor


def qwen2_5_vl_3b(tokenizer: PreTrainedTokenizerFast) -> tuple[type[PreTrainedModel], PreTrainedConfig]:
    """A tower of 32 layers with windows of 112 pixels, Qwen2.5 of 3 B with its embeddings for a head."""
    config = Qwen2_5_VLConfig(
        **{f"{name}_id": tokenizer.convert_tokens_to_ids(token) for name, token in QWEN_TOKENS.items()},
        tie_word_embeddings=True,
        vision_config={
            "depth": 32,
            "hidden_size": 1280,
            "intermediate_size": 3420,
            "num_heads": 16,
            "out_hidden_size": 2048,
            "window_size": 112,
            "fullatt_block_indexes": [7, 15, 23, 31],
        },
        text_config={
            "hidden_size": 2048,
            "intermediate_size": 11008,
            "num_hidden_layers": 36,
            "num_attention_heads": 16,
            "num_key_value_heads": 2,
            "vocab_size": 151936,
            "max_position_embeddings": 128000,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0, "mrope_section": [16, 24, 24]},
            "tie_word_embeddings": True,
            **_ends(tokenizer),
        },
    )
    return Qwen2_5_VLForConditionalGeneration, config


def qwen_processor() -> ProcessorMixin:
    """Pictures keep their shape, in patches of 14 pixels of which four are a token."""
    from transformers import Qwen2_5_VLProcessor, Qwen2VLImageProcessorPil, Qwen2VLVideoProcessor

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=load_processor(embedded_path("base-vlm")).tokenizer.backend_tokenizer,
        **QWEN_ENDS,
        model_specific_special_tokens=QWEN_TOKENS,
        clean_up_tokenization_spaces=False,
    )
    images = Qwen2VLImageProcessorPil(size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 1280})
    return Qwen2_5_VLProcessor(images, tokenizer, Qwen2VLVideoProcessor(), chat_template=QWEN_TEMPLATE)


def _ends(tokenizer: PreTrainedTokenizerFast) -> Mapping[str, int]:
    return {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


Configured = Callable[[PreTrainedTokenizerFast], tuple[type[PreTrainedModel], PreTrainedConfig]]
CONFIGS: Mapping[str, Configured] = {"smolvlm-500m": smolvlm_500m, "qwen2.5-vl-3b": qwen2_5_vl_3b}
PROCESSORS: Mapping[str, Callable[[], ProcessorMixin]] = {
    "smolvlm-500m": smolvlm_processor,
    "qwen2.5-vl-3b": qwen_processor,
}
