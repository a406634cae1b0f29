"""Which key of a labeller's keyboard chooses which answer, beside the keys that Label Studio keeps for itself."""

from collections.abc import Iterable, Iterator, Sequence

from workbench.domain import LabelClass

__all__ = ["assigned_hotkeys", "hotkey_problems"]

_OF_LABEL_STUDIO = {
    "b": "picks the brush",
    "e": "picks the eraser",
    "h": "moves the picture",
    "k": "picks the key point tool",
    "m": "picks the automatic tool",
    "o": "picks the ellipse tool",
    "p": "picks the polygon tool",
    "r": "picks the rectangle tool",
    "u": "lets go of a box",
    "v": "picks the tool that moves boxes",
    "w": "picks the magic wand",
}
"""The single keys of its editor (release 1.23), which win over those of an answer."""

_FREE_LETTERS = [letter for letter in "qtyiasdfgjlzxcn" if letter not in _OF_LABEL_STUDIO]
_POOL = [*"1234567890", *_FREE_LETTERS, *(f"shift+{letter}" for letter in _FREE_LETTERS)]


def hotkey_problems(classes: Iterable[LabelClass]) -> Iterator[str]:
    """Return a phrase for each class whose hotkey does something else in Label Studio."""
    for one in classes:
        if one.hotkey in _OF_LABEL_STUDIO:
            yield (
                f"class {one.name} should have a hotkey other than '{one.hotkey}', "
                f"which {_OF_LABEL_STUDIO[one.hotkey]} in Label Studio"
            )


def assigned_hotkeys(chosen: Sequence[str]) -> list[str]:
    """Return a key for each answer in order: the ``chosen`` one, or where that is empty the next that is free.

    Digits come first, then letters. With more answers than keys the last ones have none, and Label Studio finds some.
    """
    free = (key for key in _POOL if key not in chosen)
    return [key or next(free, "") for key in chosen]
