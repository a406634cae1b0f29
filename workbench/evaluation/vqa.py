"""The VQA challenge's accuracy: what a person among ten would get, answers compared after its normalisation.

Antol et al., "VQA: Visual Question Answering", ICCV 2015, as its evaluation program computes it, quirks included:
answers are normalised only where people disagree; then punctuation is thrown away where it stands beside a space (or
the text has a comma between digits) and becomes a space elsewhere; a full stop goes unless a digit follows; numbers to
ten become digits, articles go, and contractions get their apostrophe.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from workbench.evaluation.vqa_contractions import CONTRACTIONS
from workbench.statistics.statistic import Statistic, mean_of

__all__ = ["normalise_answer", "vqa_accuracy", "vqa_row"]

_PUNCTUATION = (*';/[]"{}()=+\\_-><@`,?!',)
_THOUSANDS = re.compile(r"\d,\d")
_FULL_STOP = re.compile(r"\.(?!\d)")
_MOST_FULL_STOPS = 32  # quirk: a flag is handed over where the program expects the greatest number of replacements
_COUNTED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {word: str(number) for number, word in enumerate(_COUNTED)} | {"none": "0"}
_ARTICLES = frozenset(["a", "an", "the"])
_ENOUGH = 3
"""How many of the others must give an answer for it to be fully right."""


def vqa_accuracy(predictions: Sequence[str], answers: Sequence[Sequence[str]]) -> Statistic:
    """Return the mean accuracy, a share, of one prediction per question against what people answered to it."""
    rows = [vqa_row(said, people) for said, people in zip(predictions, answers, strict=True)]
    return mean_of("vqa_accuracy", np.array(rows, dtype=np.float64), is_share=True)


def vqa_row(prediction: str, answers: Sequence[str]) -> float:
    """Return one question's accuracy from 0 to 1: each person is left out in turn, and the rest are agreed with.

    With ten people 0, 1, 2, 3 and 4 that gave the answer make 0, 0.3, 0.6, 0.9 and 1.
    """
    said, given = _trimmed(prediction), [_trimmed(answer) for answer in answers]
    if len(set(given)) > 1:
        said, given = normalise_answer(said), [normalise_answer(answer) for answer in given]
    matching = [answer == said for answer in given]
    total = sum(matching)
    return sum(min(1.0, (total - own) / _ENOUGH) for own in matching) / len(matching)


@lru_cache(maxsize=65536)
def normalise_answer(answer: str) -> str:
    words = [_NUMBERS.get(word, word) for word in _without_punctuation(answer).lower().split()]
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


def _trimmed(answer: str) -> str:
    return answer.replace("\n", " ").replace("\t", " ").strip()


def _without_punctuation(answer: str) -> str:
    left, has_thousands = answer, _THOUSANDS.search(answer) is not None
    for mark in _PUNCTUATION:
        is_beside_space = f"{mark} " in answer or f" {mark}" in answer
        left = left.replace(mark, "" if is_beside_space or has_thousands else " ")
    return _FULL_STOP.sub("", left, count=_MOST_FULL_STOPS)
