"""The corruption suite on frames of cameras: sizes stay, levels rise, seeds decide."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from workbench.errors import UsageError
from workbench.evaluation.corruptions import CORRUPTIONS, LEVELS, corrupt

ROOT = Path(__file__).resolve().parents[2]
FOOTAGE = ROOT.parent / "shared" / "footage"
CLIPS = ("bay_20260302T060000Z.mp4", "crossing_20260302T122000Z.mp4")
REAL = ("store-aisle-detection.gif", "people-detection.gif", "person-bicycle-car-detection.gif")


def frame(path: Path) -> Image.Image:
    if not path.is_file():
        pytest.skip(f"{path.name} is not there")
    with av.open(path) as video:
        return next(video.decode(video=0)).to_image()


def distance(image: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(image, dtype=np.float64) - np.asarray(other, dtype=np.float64)).mean())


@pytest.mark.parametrize("path", [*(ROOT / "data/demo" / name for name in CLIPS), *(FOOTAGE / name for name in REAL)])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_level_goes_further_from_the_frame(name: str, path: Path) -> None:
    image = frame(path)
    for seed in (0, 1):
        levels = [corrupt(image, name, level, seed=seed) for level in LEVELS]
        assert {(one.size, one.mode) for one in levels} == {(image.size, "RGB")}
        distances = [distance(one, image) for one in levels]
        assert distances[0] > 0.2
        assert distances == sorted(set(distances)), distances


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_same_seed_gives_the_same_picture(name: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (37, 53, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((101, 67))
    first, again = (corrupt(image, name, 3, seed=5) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    assert image.tobytes() == Image.fromarray(pixels).resize((101, 67)).tobytes(), "the frame itself is left alone"
    if name not in ("blur", "compression"):
        assert any(corrupt(image, name, 3, seed=seed).tobytes() != first.tobytes() for seed in range(6, 12))


def test_other_kinds_of_pictures_become_rgb() -> None:
    assert corrupt(Image.new("L", (9, 9)), "noise", 1).mode == "RGB"
    for name in CORRUPTIONS:
        assert corrupt(Image.new("RGBA", (2, 1)), name, 5).size == (2, 1)


@pytest.mark.parametrize(("name", "level"), [("snow", 1), ("noise", 0), ("noise", 6)])
def test_what_is_not_in_the_suite_is_refused(name: str, level: int) -> None:
    with pytest.raises(UsageError, match="one of noise, blur"):
        corrupt(Image.new("RGB", (9, 9)), name, level)
