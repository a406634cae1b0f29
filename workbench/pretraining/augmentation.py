"""Light photometric and positional variation of training images that leaves every caption and count true.

There is no mirroring, as captions say left and right, and no crop that could remove a counted thing.
"""

import torch

MAX_SHIFT_PX = 4


def augment(pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Vary contrast, brightness, tint, noise and place of float32 ``[n, 3, height, width]`` from -1 to 1."""
    n = pixels.shape[0]
    contrast = 1 + 0.25 * _uniform((n, 1, 1, 1), generator)
    brightness = 0.2 * _uniform((n, 1, 1, 1), generator)
    tint = 0.06 * _uniform((n, 3, 1, 1), generator)
    noise_level = 0.06 * torch.rand((n, 1, 1, 1), generator=generator).square()
    noise = torch.randn(pixels.shape, generator=generator) * noise_level
    return _shift(pixels * contrast + brightness + tint + noise, generator).clamp(-1, 1)


def _shift(pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Move the whole batch by one offset, repeating its edges."""
    height, width = pixels.shape[-2:]
    down, right = torch.randint(0, 2 * MAX_SHIFT_PX + 1, (2,), generator=generator).tolist()
    margin = (MAX_SHIFT_PX,) * 4
    padded = torch.nn.functional.pad(pixels, margin, mode="replicate")
    return padded[:, :, down : down + height, right : right + width]


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    return 2 * torch.rand(shape, generator=generator) - 1
