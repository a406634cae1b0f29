"""Why a still was chosen, in one sentence for those who are asked about it."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from workbench.labeling.signals import Floats

__all__ = ["contradicts", "disagrees", "does_waver", "drifted", "looks_new", "matches", "unsure_of_words", "wavers"]

_NEARLY_SURE = 0.99
_WAVERING = 0.5
"""How far apart two classes may be, as probabilities, for a model to waver between them."""


def does_waver(probabilities: Floats) -> bool:
    """Tell whether a model is unsure of a class, in plain words, of ``[classes]``."""
    second, first = np.sort(probabilities)[-2:]
    return bool(first - second <= _WAVERING)


def wavers(class_names: Sequence[str], probabilities: Floats) -> str:
    """Say between which classes a model wavers, or how sure it is where it does not, of ``[classes]``."""
    second, first = np.argsort(probabilities, kind="stable")[-2:]
    likeliest = _named(class_names[first], probabilities[first])
    if does_waver(probabilities):
        return f"The model wavers between {likeliest} and {_named(class_names[second], probabilities[second])}."
    return f"The model is less sure than of most others: {likeliest}."


def unsure_of_words(caption: str) -> str:
    return f"The model is unsure of its own words: “{caption}”"


def disagrees(class_names: Sequence[str], current: Floats, challenger: Floats) -> str:
    """Say what each of two models makes of a still, of their ``[classes]``."""
    ours, theirs = int(current.argmax()), int(challenger.argmax())
    return (
        f"The model in force says {_named(class_names[ours], current[ours])}, "
        f"the challenger {_named(class_names[theirs], challenger[theirs])}."
    )


def looks_new(camera: str, *, anything_asked: bool) -> str:
    if not anything_asked:
        return f"Stands for much of what camera {camera} shows."
    return f"Looks like nothing asked about so far (camera {camera})."


def drifted(camera: str, since: datetime) -> str:
    return f"Camera {camera} has drifted since {since.day} {since:%B %Y}, and this shows what is new."


def matches(text: str) -> str:
    return f"Matches “{text}”."


def contradicts(class_names: Sequence[str], probabilities: Floats, *, said: str, by: str) -> str:
    """Say that a model, of whose ``[classes]`` another is likeliest, does not believe what somebody said."""
    first = int(probabilities.argmax())
    return f"Labelled '{said}' by {by}; the model says {_named(class_names[first], probabilities[first])}."


def _named(class_name: str, probability: float) -> str:
    return f"'{class_name}' ({_percent(probability)})"


def _percent(probability: float) -> str:
    return "over 99 %" if probability > _NEARLY_SURE else f"{100 * probability:.0f} %"
