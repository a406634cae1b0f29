"""What happens to a camera's picture in practice, at five levels: the fixed suite for measuring robustness.

Each corruption keeps the size, is the same for the same seed, and goes further at each level. After Hendrycks and
Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations", ICLR 2019, with what
fixed cameras meet: low light, rain, things in the way, a camera that was knocked, and a crop that leaves context out.
A crop is not enlarged, so that size is not what is measured.
"""

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from workbench.errors import UsageError
from workbench.statistics.statistic import Floats

__all__ = ["CORRUPTIONS", "LEVELS", "corrupt"]

LEVELS = (1, 2, 3, 4, 5)
_Corruption = Callable[[Image.Image, int, np.random.Generator], Image.Image]


def corrupt(image: Image.Image, name: str, level: int, *, seed: int = 0) -> Image.Image:
    """Return an RGB image of the same size. UsageError for an unknown corruption or level."""
    if name not in CORRUPTIONS or level not in LEVELS:
        raise UsageError(
            expected=f"one of {', '.join(CORRUPTIONS)} at a level from 1 to 5",
            found=f"{name} at {level}",
            remedy="choose one of those",
        )
    return CORRUPTIONS[name](image.convert("RGB"), level - 1, np.random.default_rng(seed))


def _noise(image: Image.Image, level: int, rng: np.random.Generator) -> Image.Image:
    """Sensor noise; standard deviation in parts of full brightness."""
    deviation = (0.04, 0.07, 0.11, 0.16, 0.24)[level]
    pixels = _pixels(image)
    return _image(pixels + deviation * rng.standard_normal(pixels.shape))


def _blur(image: Image.Image, level: int, rng: np.random.Generator) -> Image.Image:
    """A lens out of focus; radius in parts of the shorter side."""
    radius = (0.004, 0.008, 0.013, 0.02, 0.032)[level] * min(image.size)
    return image.filter(ImageFilter.GaussianBlur(radius))


def _compression(image: Image.Image, level: int, rng: np.random.Generator) -> Image.Image:
    """JPEG at a low bit rate."""
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=(30, 20, 13, 8, 4)[level])
    return Image.open(packed).convert("RGB")


def _low_light(image: Image.Image, level: int, rng: np.random.Generator) -> Image.Image:
    """Dusk: less light, and the noise of a sensor that makes up for it."""
    light, deviation = (0.6, 0.42, 0.29, 0.19, 0.11)[level], 0.02
    pixels = _pixels(image)
    return _image(pixels * light + deviation * light * rng.standard_normal(pixels.shape))


def _rain(image: Image.Image, level: int, rng: np.random.Generator) -> Image.Image:
    """Bright slanting streaks, and the haze before the scene; a harder rain has all streaks of a lighter one."""
    streaks, haze = (120, 240, 420, 700, 1100)[level], (0.04, 0.08, 0.13, 0.19, 0.27)[level]
    width, height = image.size
    layer = Image.new("L", image.size)
    drawing = ImageDraw.Draw(layer)
    for x, y, length in rng.random((streaks, 3)):
        from_x, from_y, drop = x * width * 1.2, y * height, (0.03 + 0.05 * length) * height
        drawing.line((from_x, from_y, from_x - drop * 0.25, from_y + drop), fill=150, width=max(1, height // 360))
    wet = np.asarray(layer.filter(ImageFilter.GaussianBlur(0.6)), dtype=np.float64)[..., None] / 255
    hazy = _pixels(image) * (1 - haze) + 0.72 * haze
    return _image(hazy + (0.85 - hazy) * wet)


def _occlusion(image: Image.Image, level: int, rng: np.random.Generator) -> Image.Image:
    """Something dark in front of the lens; it grows around one place, up to four tenths of the picture."""
    share = (0.03, 0.08, 0.15, 0.26, 0.4)[level]
    width, height = image.size
    middle_x, middle_y = (0.3 + 0.4 * rng.random(2)) * (width, height)
    half_x, half_y = np.sqrt(share) * np.array([width, height]) / 2
    covered = image.copy()
    box = (middle_x - half_x, middle_y - half_y, middle_x + half_x, middle_y + half_y)
    ImageDraw.Draw(covered).rectangle(box, fill=(24, 24, 26))
    return covered


def _camera_shift(image: Image.Image, level: int, rng: np.random.Generator) -> Image.Image:
    """A camera knocked askew: turned and moved one way; what it never saw there is black."""
    turn, move = (0.5, 1.2, 2.5, 5.0, 9.0)[level], (0.004, 0.012, 0.035, 0.09, 0.2)[level]
    across, down = rng.choice((-1.0, 1.0), 2)
    shift = (round(across * max(1, move * image.width)), round(down * move / 2 * image.height))
    return image.rotate(float(across * turn), Image.Resampling.BILINEAR, translate=shift)


def _crop(image: Image.Image, level: int, rng: np.random.Generator) -> Image.Image:
    """Only a part is shown, around one place and on grey: what would explain it is left out."""
    kept = (0.85, 0.7, 0.55, 0.42, 0.3)[level]
    left, top = rng.random(2) * (1 - kept) * image.size
    box = (round(left), round(top), round(left + kept * image.width), round(top + kept * image.height))
    shown = Image.new("RGB", image.size, (128, 128, 128))
    shown.paste(image.crop(box), box[:2])
    return shown


def _pixels(image: Image.Image) -> Floats:
    return np.asarray(image, dtype=np.float64) / 255


def _image(pixels: Floats) -> Image.Image:
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).round().astype(np.uint8))


CORRUPTIONS: Mapping[str, _Corruption] = {
    "noise": _noise,
    "blur": _blur,
    "compression": _compression,
    "low_light": _low_light,
    "rain": _rain,
    "occlusion": _occlusion,
    "camera_shift": _camera_shift,
    "crop": _crop,
}
