"""A frame varies within the recipe's bounds, repeatably, and is never mirrored."""

import numpy as np
import pytest
from PIL import Image

from workbench.recipe import Augmentation
from workbench.tuning.augmentation import augment


def picture() -> Image.Image:
    ramp = np.tile(np.linspace(40, 200, 100, dtype=np.uint8), (50, 1))
    return Image.fromarray(np.stack([ramp, ramp // 2, 255 - ramp], axis=-1))


def varied(augmentation: Augmentation, seed: int = 0) -> Image.Image:
    return augment(picture(), augmentation, np.random.default_rng(seed))


def test_without_amounts_a_frame_stays_as_it_is() -> None:
    assert varied(Augmentation()).tobytes() == picture().tobytes()


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_each_colour_amount_changes_pixels_and_not_the_view(name: str) -> None:
    image = varied(Augmentation(**{name: 0.4}))
    assert image.size == (100, 50)
    assert image.tobytes() != picture().tobytes()


def test_a_crop_leaves_out_no_more_than_its_share() -> None:
    sizes = {varied(Augmentation(crop=0.2), seed).size for seed in range(30)}
    assert len(sizes) > 5
    assert all(width >= 80 and height >= 40 for width, height in sizes)


@pytest.mark.parametrize("seed", range(10))
def test_left_stays_left(seed: int) -> None:
    red = np.asarray(varied(Augmentation(brightness=0.3, contrast=0.3, saturation=0.3, crop=0.2), seed))[..., 0]
    assert red[:, 0].mean() < red[:, -1].mean()


def test_the_same_generator_gives_the_same_variant() -> None:
    augmentation = Augmentation(brightness=0.3, crop=0.2)
    assert varied(augmentation, 1).tobytes() == varied(augmentation, 1).tobytes()
    assert varied(augmentation, 1).tobytes() != varied(augmentation, 2).tobytes()
