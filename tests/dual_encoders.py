"""A CLIP and a SigLIP model with random weights, their processors built offline, small enough for a test."""

from pathlib import Path

from transformers import PreTrainedTokenizerFast, SiglipConfig, SiglipModel, SiglipProcessor
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from workbench.pretraining.architecture import ClipShape, new_clip, new_clip_processor
from workbench.pretraining.tokenizer import train_tokenizer

IMAGE_PX, TEXT_TOKENS, WIDTH = 32, 16, 16
SHAPE = ClipShape(
    image_px=IMAGE_PX,
    patch_px=8,
    vision_width=32,
    vision_layers=1,
    text_width=32,
    text_layers=1,
    embedding_width=WIDTH,
    text_tokens=TEXT_TOKENS,
)


def save_clip(directory: Path, *texts: str, seed: int = 0) -> Path:
    tokenizer = _tokenizer(*texts)
    new_clip(SHAPE, tokenizer, seed=seed).save_pretrained(directory)
    new_clip_processor(SHAPE, tokenizer).save_pretrained(directory)
    return directory


def save_siglip(directory: Path, *texts: str) -> Path:
    tokenizer = _tokenizer(*texts)
    tower = {"hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = SiglipConfig(
        text_config={
            **tower,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": TEXT_TOKENS,
            "projection_size": WIDTH,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        vision_config={**tower, "image_size": IMAGE_PX, "patch_size": 8},
    )
    SiglipModel(config).save_pretrained(directory)
    images = SiglipImageProcessorPil(size={"height": IMAGE_PX, "width": IMAGE_PX})
    SiglipProcessor(images, tokenizer).save_pretrained(directory)
    return directory


def _tokenizer(*texts: str) -> PreTrainedTokenizerFast:
    return train_tokenizer([*texts] * 3, vocabulary_size=320)
