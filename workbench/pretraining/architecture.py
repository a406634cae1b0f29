"""The shape of the embedded base models: a small Idefics3 (the class of SmolVLM) and a small CLIP."""

from dataclasses import dataclass

import torch
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPProcessor,
    GenerationConfig,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
    PreTrainedTokenizerFast,
)

from workbench.pretraining.tokenizer import CHAT_TEMPLATE, IMAGE

PIXEL_MEAN = PIXEL_STD = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class VlmShape:
    """Sizes of the embedded VLM; an image becomes ``(image_px / patch_px / shuffle)²`` tokens of the decoder."""

    image_px: int = 192
    patch_px: int = 16
    shuffle: int = 2
    vision_width: int = 192
    vision_layers: int = 7
    vision_heads: int = 4
    text_width: int = 256
    text_layers: int = 4
    text_heads: int = 4
    vocabulary_size: int = 2048

    @property
    def image_tokens(self) -> int:
        return (self.image_px // self.patch_px // self.shuffle) ** 2


@dataclass(frozen=True)
class ClipShape:
    """Sizes of the embedded dual encoder."""

    image_px: int = 192
    patch_px: int = 16
    vision_width: int = 192
    vision_layers: int = 7
    text_width: int = 160
    text_layers: int = 3
    heads: int = 4
    embedding_width: int = 128
    text_tokens: int = 64


def new_vlm(shape: VlmShape, tokenizer: PreTrainedTokenizerFast, *, seed: int) -> Idefics3ForConditionalGeneration:
    """Return a randomly initialised model of ``shape`` for ``tokenizer``; the same seed gives the same weights."""
    config = Idefics3Config(
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        scale_factor=shape.shuffle,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        vision_config={
            "hidden_size": shape.vision_width,
            "intermediate_size": 4 * shape.vision_width,
            "num_hidden_layers": shape.vision_layers,
            "num_attention_heads": shape.vision_heads,
            "image_size": shape.image_px,
            "patch_size": shape.patch_px,
        },
        text_config={
            "model_type": "llama",
            "vocab_size": len(tokenizer),
            "hidden_size": shape.text_width,
            "intermediate_size": 8 * shape.text_width // 3 // 64 * 64,
            "num_hidden_layers": shape.text_layers,
            "num_attention_heads": shape.text_heads,
            "num_key_value_heads": shape.text_heads,
            "max_position_embeddings": 1024,
            "tie_word_embeddings": True,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        },
    )
    torch.manual_seed(seed)
    model = Idefics3ForConditionalGeneration(config)
    positions = model.model.vision_model.embeddings.position_embedding.weight
    positions.data.copy_(_place_waves(shape.image_px // shape.patch_px, shape.vision_width))
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return model


def _place_waves(patches_per_side: int, width: int) -> torch.Tensor:
    """Return ``[patches, width]``: sines and cosines of each patch's row and column, as large as the embedded pixels.

    Left small and random, place would be learnt only long after looks.
    """
    places = torch.arange(patches_per_side).float()
    frequencies = torch.pi / patches_per_side * 2 ** torch.linspace(-1, 3, width // 4)
    waves = torch.cat([(places[:, None] * frequencies).sin(), (places[:, None] * frequencies).cos()], dim=1)
    rows, columns = waves.repeat_interleave(patches_per_side, dim=0), waves.repeat(patches_per_side, 1)
    return 0.3 * torch.cat([rows, columns], dim=1)


def new_processor(shape: VlmShape, tokenizer: PreTrainedTokenizerFast) -> Idefics3Processor:
    """Return the processor of a VLM of ``shape``: one image is one square of ``image_px``, never split into tiles."""
    images = Idefics3ImageProcessorPil(
        do_resize=False,
        do_image_splitting=False,
        resample=2,
        size={"longest_edge": shape.image_px},
        max_image_size={"longest_edge": shape.image_px},
        image_mean=list(PIXEL_MEAN),
        image_std=list(PIXEL_STD),
    )
    return Idefics3Processor(images, tokenizer, image_seq_len=shape.image_tokens, chat_template=CHAT_TEMPLATE)


def new_clip(shape: ClipShape, tokenizer: PreTrainedTokenizerFast, *, seed: int) -> CLIPModel:
    """Return a randomly initialised dual encoder of ``shape``; the same seed gives the same weights."""
    config = CLIPConfig(
        projection_dim=shape.embedding_width,
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": shape.text_width,
            "intermediate_size": 4 * shape.text_width,
            "num_hidden_layers": shape.text_layers,
            "num_attention_heads": shape.heads,
            "max_position_embeddings": shape.text_tokens,
            "projection_dim": shape.embedding_width,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config={
            "hidden_size": shape.vision_width,
            "intermediate_size": 4 * shape.vision_width,
            "num_hidden_layers": shape.vision_layers,
            "num_attention_heads": shape.heads,
            "hidden_act": "gelu_pytorch_tanh",
            "layer_norm_eps": 1e-6,
            "image_size": shape.image_px,
            "patch_size": shape.patch_px,
            "projection_dim": shape.embedding_width,
        },
    )
    torch.manual_seed(seed)
    return CLIPModel(config)


def new_clip_processor(shape: ClipShape, tokenizer: PreTrainedTokenizerFast) -> CLIPProcessor:
    """Return the dual encoder's processor: the whole image squeezed into a square of ``image_px``."""
    images = CLIPImageProcessorPil(
        do_center_crop=False,
        resample=2,
        size={"height": shape.image_px, "width": shape.image_px},
        image_mean=list(PIXEL_MEAN),
        image_std=list(PIXEL_STD),
    )
    return CLIPProcessor(images, tokenizer)
