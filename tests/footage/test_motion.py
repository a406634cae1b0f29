from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from workbench.domain import Mask
from workbench.footage.image_series import ImageStill
from workbench.footage.motion import ChangeDetection, ViewMemory, changed_stills, thumbnail_size

Pixels = NDArray[np.float64]

SIZE_WH = (640, 360)
LOOKS = 40
ROWS, COLUMNS = np.mgrid[0 : SIZE_WH[1], 0 : SIZE_WH[0]]
SCENE = 90 + 30 * np.sin(COLUMNS / 45) * np.cos(ROWS / 35) + 25 * ((COLUMNS // 80 + ROWS // 60) % 2)
LAMP = (COLUMNS - 400) ** 2 + (ROWS - 150) ** 2 < 90**2
LEFT_HALF = Mask(((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
EVERYTHING = Mask(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
ALL_BUT_A_STRIP = Mask(((0.0, 0.0), (0.97, 0.0), (0.97, 1.0), (0.0, 1.0)))
GLOW = np.exp(-((COLUMNS - 400) ** 2 + (ROWS - 150) ** 2) / (2 * 80**2))


def still_of(pixels: Pixels, offset_s: float) -> ImageStill:
    return ImageStill(offset_s, Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).convert("RGB"))


def taken(
    picture: Callable[[int], Pixels], *, noise: float = 5.0, masks: Sequence[Mask] = (), **options: float
) -> list[int]:
    """Return the looks (one a second) that were taken, each picture having noise of its own."""
    dice = np.random.default_rng(3)

    def looks() -> Iterable[tuple[float, ImageStill]]:
        for second in range(LOOKS):
            pixels = picture(second)
            yield second, still_of(pixels + dice.normal(0, noise, pixels.shape), second)

    detection = ChangeDetection(**options)
    return [round(offset_s) for offset_s, _ in changed_stills(looks(), SIZE_WH, detection, masks)]


def with_person(second: int, height_px: int = 90, contrast: float = 60) -> Pixels:
    pixels = SCENE.copy()
    left = 30 + 13 * second
    pixels[150 : 150 + height_px, left : left + height_px // 3] += contrast
    return pixels


@pytest.mark.parametrize("noise", [0.0, 4.0, 12.0, 25.0])
def test_noise_is_no_change(noise: float) -> None:
    assert taken(lambda second: SCENE, noise=noise) == [0]


@pytest.mark.parametrize("noise", [3.0, 12.0])
def test_noise_in_the_dark_is_no_change(noise: float) -> None:
    assert taken(lambda second: 12 + SCENE / 20, noise=noise) == [0]


def test_a_drifting_exposure_is_no_change() -> None:
    assert taken(lambda second: SCENE * (0.5 + second / LOOKS)) == [0]


@pytest.mark.parametrize("light", [LAMP, GLOW])
def test_a_flickering_lamp_gives_a_picture_of_each_of_its_views_at_most(light: Pixels) -> None:
    dice = np.random.default_rng(4)
    is_on = dice.integers(0, 2, LOOKS)

    assert len(taken(lambda second: SCENE + 70 * light * is_on[second])) <= 2


def test_leaves_that_never_rest_are_no_change_and_a_person_before_them_is_one() -> None:
    leaves = np.random.default_rng(5).normal(0, 14, (LOOKS, 12, 20)).repeat(10, axis=1).repeat(10, axis=2)

    def picture(second: int) -> Pixels:
        pixels = with_person(second) if 30 <= second < 33 else SCENE.copy()
        pixels[:120, :200] += leaves[second]
        return pixels

    found = taken(picture)

    assert len([second for second in found if 5 < second < 30]) <= 2
    assert 30 in found


def test_a_person_who_walks_through_is_taken_all_the_way() -> None:
    found = taken(lambda second: with_person(second) if 10 <= second < 20 else SCENE)

    assert found[0] == 0
    assert len([second for second in found if 10 <= second < 20]) >= 7
    assert [second for second in found if second >= 20 or 0 < second < 10] == []


def test_a_smaller_share_sees_smaller_things() -> None:
    def distant(second: int) -> Pixels:
        return with_person(second, height_px=30) if second >= 10 else SCENE

    assert taken(distant) == [0]
    assert len(taken(distant, changed_share=0.001)) > 5


def test_a_turned_camera_is_taken_once() -> None:
    assert taken(lambda second: SCENE if second < 20 else SCENE[::-1, ::-1]) == [0, 20]


def test_a_covered_camera_is_taken() -> None:
    assert taken(lambda second: SCENE if second < 20 else np.full_like(SCENE, 5.0)) == [0, 20]


def test_after_the_longest_interval_one_is_taken_anyway() -> None:
    assert taken(lambda second: SCENE, longest_s=15) == [0, 15, 30]


def test_who_walks_behind_a_mask_is_not_seen_and_who_steps_out_is() -> None:
    """The person's left side is at 30 + 13 x second, the mask reaches to 320: it steps out at second 20."""
    open_view = taken(with_person)
    found = taken(with_person, masks=[LEFT_HALF])

    assert len([second for second in open_view if 0 < second < 20]) >= 12
    assert [second for second in found if 0 < second < 20] == []
    assert len([second for second in found if second >= 23]) >= 12


def test_what_a_mask_leaves_is_seen_however_little_it_is() -> None:
    def picture(second: int) -> Pixels:
        pixels = SCENE.copy()
        pixels[100:200, 628:] += 80 * (second >= 20)
        return pixels

    assert taken(picture, changed_share=0.001, masks=[ALL_BUT_A_STRIP]) == [0, 20]


@pytest.mark.parametrize("mask", [LEFT_HALF, ALL_BUT_A_STRIP])
@pytest.mark.parametrize("noise", [0.0, 12.0, 25.0])
def test_noise_beside_a_mask_is_no_change(mask: Mask, noise: float) -> None:
    assert taken(lambda second: SCENE, noise=noise, masks=[mask]) == [0]


def test_of_a_view_that_is_hidden_wholly_nothing_changes() -> None:
    assert taken(with_person, masks=[EVERYTHING]) == [0]
    assert taken(with_person, masks=[EVERYTHING], longest_s=15) == [0, 15, 30]


def test_pictures_are_compared_by_whole_cells() -> None:
    assert thumbnail_size((1920, 1080)) == (320, 176)
    assert thumbnail_size((640, 480)) == (320, 240)
    assert thumbnail_size((352, 288)) == (176, 144)
    assert thumbnail_size((9, 5)) == (8, 8)


def test_the_first_look_is_wholly_new() -> None:
    memory = ViewMemory(np.zeros((8, 16), np.bool_))

    assert memory.look(np.zeros((8, 16), np.uint8)) == 1.0
    memory.take()
    assert memory.look(np.zeros((8, 16), np.uint8)) == 0.0
