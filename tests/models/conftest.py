"""A random VLM and dual encoder of the embedded base's classes, small enough to build in a blink."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from transformers import PreTrainedTokenizerFast

from workbench.models.dual_encoder import DualEncoder, load_dual_encoder
from workbench.models.instructions import CAPTION_INSTRUCTION, class_instruction
from workbench.models.vlm import Vlm, load_vlm
from workbench.pretraining.architecture import (
    ClipShape,
    VlmShape,
    new_clip,
    new_clip_processor,
    new_processor,
    new_vlm,
)
from workbench.pretraining.tokenizer import train_tokenizer

TEXTS = ["A person in a red coat is at the gate.", CAPTION_INSTRUCTION, class_instruction(["free", "forklift"])]


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(TEXTS * 3)


@pytest.fixture(scope="session")
def vlm_dir(tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape = VlmShape(
        image_px=64, vision_width=32, vision_layers=1, vision_heads=2, text_width=64, text_layers=2, text_heads=2
    )
    directory = tmp_path_factory.mktemp("vlm")
    new_vlm(shape, tokenizer, seed=1).save_pretrained(directory)
    new_processor(shape, tokenizer).save_pretrained(directory)
    return directory


@pytest.fixture(scope="session")
def vlm(vlm_dir: Path) -> Vlm:
    return load_vlm(vlm_dir)


@pytest.fixture(scope="session")
def dual_encoder(tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> DualEncoder:
    shape = ClipShape(image_px=32, vision_width=32, vision_layers=1, text_width=32, text_layers=1, embedding_width=16)
    directory = tmp_path_factory.mktemp("clip")
    new_clip(shape, tokenizer, seed=1).save_pretrained(directory)
    new_clip_processor(shape, tokenizer).save_pretrained(directory)
    return load_dual_encoder(directory)


@pytest.fixture(scope="session")
def images() -> list[Image.Image]:
    """Three pictures of noise, of different sizes."""
    rng = np.random.default_rng(0)
    sizes_wh = [(64, 36), (128, 72), (40, 60)]
    return [Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)) for width, height in sizes_wh]
