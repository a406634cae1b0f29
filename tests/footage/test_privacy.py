"""What is covered cannot be had back: not from the pixels, whatever stood there."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from workbench.domain import Camera, Mask, MaskStyle
from workbench.errors import UsageError
from workbench.footage.faces import find_faces
from workbench.footage.pictures import encode_jpeg
from workbench.footage.privacy import covered

LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
SIZE_WH = (320, 180)


def noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (180, 320, 3), dtype=np.uint8))


def camera(*masks: Mask, faces: bool = False) -> Camera:
    return Camera("yard", "gate", masks, faces)


def stored(image: Image.Image, seen_by: Camera) -> np.ndarray:  # type: ignore[type-arg]
    return np.asarray(Image.open(io.BytesIO(encode_jpeg(covered(image, seen_by)).content)))


def drawn_face() -> Image.Image:
    """A face of ellipses with the light and dark bands that the cascades look for, at 240 to 340 px across."""
    image = Image.new("L", (640, 360), 150)
    draw = ImageDraw.Draw(image)
    left, top, width, height = 240, 90, 100, 130
    draw.ellipse((left - 4, top - 14, left + width + 4, top + height * 0.38), fill=60)
    draw.ellipse((left, top + height * 0.1, left + width, top + height), fill=205)
    for middle in (0.3, 0.7):
        x = left + width * middle
        draw.rectangle((x - 14, top + height * 0.36, x + 14, top + height * 0.39), fill=80)
        draw.ellipse((x - 12, top + height * 0.41, x + 12, top + height * 0.5), fill=40)
    draw.polygon([(290, 150), (282, 174), (298, 174)], fill=225)
    draw.ellipse((273, 185, 307, 194), fill=100)
    return image.filter(ImageFilter.GaussianBlur(2)).convert("RGB")


def test_a_black_mask_leaves_nothing_of_what_stood_there() -> None:
    hiding = camera(Mask(LEFT_HALF))
    one, other = noise(1), noise(1)
    other.paste(noise(2).crop((0, 0, 160, 180)), (0, 0))
    assert encode_jpeg(covered(one, hiding)) == encode_jpeg(covered(other, hiding))
    assert stored(one, hiding)[:, :155].max() < 12
    assert stored(one, hiding)[:, 170:].std() > 40


def test_a_blurred_mask_keeps_a_few_tiles_only() -> None:
    shown = np.asarray(covered(noise(1), camera(Mask(LEFT_HALF, MaskStyle.BLUR))))
    assert len(np.unique(shown[:, :160].reshape(-1, 3), axis=0)) <= 4 * 5
    assert len(np.unique(shown[:, 170:].reshape(-1, 3), axis=0)) > 10_000


def test_a_slanted_mask_covers_its_inside_alone() -> None:
    shown = np.asarray(covered(Image.new("RGB", SIZE_WH, "white"), camera(Mask(((0, 0), (1, 0), (0, 1))))))
    assert shown[20, 20].tolist() == [0, 0, 0]
    assert shown[170, 310].tolist() == [255, 255, 255]


def test_the_picture_that_comes_in_stays_as_it_was() -> None:
    image = noise(3)
    covered(image, camera(Mask(LEFT_HALF)))
    assert image.tobytes() == noise(3).tobytes()


def test_a_face_is_found_and_gone_after_covering() -> None:
    face = drawn_face()
    assert any(left < 290 < right and top < 160 < bottom for left, top, right, bottom in find_faces(face))
    hidden = covered(face, camera(faces=True))
    assert find_faces(hidden) == []
    assert covered(face, camera()) is face


@pytest.mark.parametrize("corners", [(), ((0, 0), (1, 1)), ((0, 0), (1.2, 0), (1, 1))])
def test_what_is_no_mask_is_refused_in_one_sentence(corners: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(UsageError, match="three corners or more"):
        Mask(corners)
