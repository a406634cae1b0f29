"""A base of the embedded model's class that is small enough to be trained in a test, and a few labelled frames."""

import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from workbench.domain import LabelledFrame
from workbench.models.instructions import CAPTION_INSTRUCTION, class_instruction
from workbench.pretraining.architecture import VlmShape, new_processor, new_vlm
from workbench.pretraining.tokenizer import train_tokenizer
from workbench.recipe import Recipe
from workbench.tuning.tuner import Prepared, prepare

CLASS_NAMES = ("bay_clear", "truck_waiting")
CAPTIONS = ("The bay is clear.", "A truck waits at the bay.")
SHAPE = VlmShape(
    image_px=48,
    patch_px=12,
    vision_width=32,
    vision_layers=2,
    vision_heads=2,
    text_width=64,
    text_layers=2,
    text_heads=2,
)

PrepareTuning = Callable[..., Prepared]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def base_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("base")
    texts = [*CAPTIONS, CAPTION_INSTRUCTION, class_instruction(CLASS_NAMES), "User Assistant"] * 3
    tokenizer = train_tokenizer(texts, vocabulary_size=320)
    new_vlm(SHAPE, tokenizer, seed=0).save_pretrained(directory)
    new_processor(SHAPE, tokenizer).save_pretrained(directory)
    return directory


@pytest.fixture(scope="session")
def frames() -> list[LabelledFrame]:
    """Eight frames: bay_clear is dark, truck_waiting has a bright block."""
    return [labelled_frame(index) for index in range(8)]


@pytest.fixture
def prepare_tuning(base_dir: Path, frames: list[LabelledFrame]) -> PrepareTuning:
    def prepared(recipe: Recipe, train: int = 6, validation: int = 2) -> Prepared:
        held_out = frames[len(frames) - validation :] if validation else []
        return prepare(recipe, str(base_dir), CLASS_NAMES, frames[:train], held_out)

    return prepared


def labelled_frame(index: int) -> LabelledFrame:
    kind = index % 2
    pixels = np.full((36, 64, 3), 40 + 5 * index, dtype=np.uint8)
    pixels[12:30, 20:50] += np.array([120, 60, 20], dtype=np.uint8) * np.uint8(kind)
    pixels[:8] += np.array([0, 30, 60], dtype=np.uint8)
    jpeg = io.BytesIO()
    Image.fromarray(pixels).save(jpeg, "JPEG", quality=90)
    return LabelledFrame(
        frame_id=hashlib.sha256(jpeg.getvalue()).hexdigest(),
        camera="dock",
        clip_id="clip",
        taken_at=datetime(2024, 5, 1, tzinfo=UTC) + timedelta(seconds=index),
        class_name=CLASS_NAMES[kind],
        caption=CAPTIONS[kind],
        image_jpeg=jpeg.getvalue(),
    )
