"""Named colours, so that what is drawn and what is said agree."""

from random import Random
from typing import Final

from workbench.scenes.canvas import Colour

CLOTHES: Final[dict[str, Colour]] = {
    "black": (24, 24, 28),
    "grey": (120, 122, 126),
    "white": (226, 226, 222),
    "red": (178, 34, 38),
    "blue": (44, 78, 160),
    "green": (46, 112, 66),
    "brown": (104, 72, 46),
    "yellow": (214, 180, 52),
    "pink": (216, 130, 154),
    "teal": (48, 132, 130),
    "beige": (198, 178, 142),
}

PAINT: Final[dict[str, Colour]] = {
    "white": (232, 234, 236),
    "silver": (176, 184, 190),
    "grey": (104, 108, 112),
    "black": (28, 29, 33),
    "red": (176, 28, 36),
    "blue": (38, 74, 150),
    "green": (40, 98, 62),
    "yellow": (226, 186, 40),
    "orange": (222, 112, 34),
}

HAIR: Final[dict[str, Colour]] = {
    "dark": (30, 24, 22),
    "brown": (84, 56, 36),
    "blonde": (204, 170, 108),
    "grey": (150, 148, 146),
}

SKIN: Final[tuple[Colour, ...]] = ((236, 196, 168), (214, 166, 132), (168, 120, 86), (110, 76, 54))
TROUSERS: Final[tuple[Colour, ...]] = ((26, 27, 32), (46, 58, 88), (84, 84, 86), (136, 120, 92), (30, 34, 52))
VESTS: Final[tuple[Colour, ...]] = ((222, 240, 40), (252, 120, 28))
HELMETS: Final[tuple[Colour, ...]] = ((244, 206, 30), (240, 242, 244), (40, 92, 190), (226, 60, 36))
GLASS: Final[Colour] = (34, 42, 50)
RUBBER: Final[Colour] = (20, 20, 22)


def jitter(rng: Random, colour: Colour, amount: int = 12) -> Colour:
    """Return ``colour`` a little off, without changing what one would call it."""
    shift = rng.randint(-amount, amount)
    red, green, blue = (
        min(255, max(0, channel + shift + rng.randint(-amount // 3, amount // 3))) for channel in colour
    )
    return red, green, blue
