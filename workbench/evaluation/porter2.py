"""The English (Porter2) stemmer of Snowball as METEOR 1.5 carries it; later Snowball releases stem otherwise.

Algorithm: Porter, http://snowball.tartarus.org/algorithms/english/stemmer.html. ``Y`` is a y that is a consonant.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

__all__ = ["stem"]

_WHOLE_WORDS = {
    "skis": "ski", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "idly": "idl", "gently": "gentl",
    "ugly": "ugli", "early": "earli", "only": "onli", "singly": "singl",
    **{word: word for word in ("sky", "news", "howe", "atlas", "cosmos", "bias", "andes")},
}  # fmt: skip
_DONE_AFTER_PLURAL = frozenset(["inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed"])
_STEP_2 = {
    "ization": "ize", "ational": "ate", "fulness": "ful", "ousness": "ous", "iveness": "ive", "tional": "tion",
    "biliti": "ble", "lessli": "less", "entli": "ent", "ation": "ate", "alism": "al", "aliti": "al", "ousli": "ous",
    "iviti": "ive", "fulli": "ful", "enci": "ence", "anci": "ance", "abli": "able", "izer": "ize", "ator": "ate",
    "alli": "al", "bli": "ble", "ogi": "og", "li": "",
}  # fmt: skip
_STEP_3 = {
    "ational": "ate", "tional": "tion", "alize": "al", "icate": "ic", "iciti": "ic", "ative": "", "ical": "ic",
    "ness": "", "ful": "",
}  # fmt: skip
_STEP_4 = dict.fromkeys(
    ("ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize", "ion",
     "al", "er", "ic"), "",
)  # fmt: skip
_REGION = re.compile(r"[aeiouy][^aeiouy]")
_FIRST_REGION_AFTER = ("gener", "commun", "arsen")
_SHORT_SYLLABLE = re.compile(r"(?:[^aeiouy][aeiouy][^aeiouywxY]|^[aeiouy][^aeiouy])$")
_VOWEL = re.compile(r"[aeiouy]")
_DOUBLES = ("bb", "dd", "ff", "gg", "mm", "nn", "pp", "rr", "tt")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return the stem of a lower-case word; a word of one or two letters is its own stem."""
    if word in _WHOLE_WORDS or len(word) < 3:
        return _WHOLE_WORDS.get(word, word)
    word = _mark_consonant_y(word.removeprefix("'"))
    first, second = _regions(word)
    word = _strip_possessive(word)
    word = _step_1a(word)
    if word not in _DONE_AFTER_PLURAL:
        word = _step_1c(_step_1b(word, first))
        word = _replace_suffix(word, _STEP_2, first, second)
        word = _replace_suffix(word, _STEP_3, first, second)
        word = _replace_suffix(word, _STEP_4, second, second)
        word = _step_5(word, first, second)
    return word.replace("Y", "y")


def _mark_consonant_y(word: str) -> str:
    """Write the y that starts the word or follows a vowel as ``Y``; left to right, so that a ``Y`` is no vowel."""
    letters = list(word)
    for place, letter in enumerate(letters):
        if letter == "y" and (place == 0 or letters[place - 1] in "aeiouy"):
            letters[place] = "Y"
    return "".join(letters)


def _regions(word: str) -> tuple[int, int]:
    """Return where R1 and R2 begin: after the first consonant behind a vowel, and after the next such one."""
    prefix = next((prefix for prefix in _FIRST_REGION_AFTER if word.startswith(prefix)), None)
    first = len(prefix) if prefix else _region_from(word, 0)
    return first, _region_from(word, first)


def _region_from(word: str, start: int) -> int:
    found = _REGION.search(word, start)
    return found.end() if found else len(word)


def _strip_possessive(word: str) -> str:
    for ending in ("'s'", "'s", "'"):
        if word.endswith(ending):
            return word.removesuffix(ending)
    return word


def _step_1a(word: str) -> str:
    if word.endswith("sses"):
        return word[:-2]
    if word.endswith(("ied", "ies")):
        return word[:-2] if len(word) > 4 else word[:-1]
    if word.endswith(("us", "ss")) or not word.endswith("s"):
        return word
    return word[:-1] if _VOWEL.search(word, 0, max(0, len(word) - 2)) else word


def _step_1b(word: str, first: int) -> str:
    for ending in ("eedly", "eed"):
        if word.endswith(ending):
            return word.removesuffix(ending) + "ee" if len(word) - len(ending) >= first else word
    ending = next((ending for ending in ("ingly", "edly", "ing", "ed") if word.endswith(ending)), "")
    if not ending or not _VOWEL.search(word, 0, len(word) - len(ending)):
        return word
    word = word.removesuffix(ending)
    if word.endswith(("at", "bl", "iz")):
        return word + "e"
    if word.endswith(_DOUBLES):
        return word[:-1]
    return word + "e" if first >= len(word) and _SHORT_SYLLABLE.search(word) else word


def _step_1c(word: str) -> str:
    if len(word) > 2 and word[-1] in "yY" and word[-2] not in "aeiouy":
        return word[:-1] + "i"
    return word


def _replace_suffix(word: str, replacements: Mapping[str, str], region: int, second: int) -> str:
    """Replace the longest suffix that is listed, if it lies in ``region`` and its own condition holds."""
    suffix = next((suffix for suffix in replacements if word.endswith(suffix)), None)
    if suffix is None or len(word) - len(suffix) < region:
        return word
    before = word.removesuffix(suffix)
    allowed = {
        "ogi": before.endswith("l"),
        "li": before.endswith(tuple("cdeghkmnrt")),
        "ative": len(before) >= second,
        "ion": before.endswith(("s", "t")),
    }
    return before + replacements[suffix] if allowed.get(suffix, True) else word


def _step_5(word: str, first: int, second: int) -> str:
    before = word[:-1]
    if word.endswith("e") and (len(before) >= second or (len(before) >= first and not _SHORT_SYLLABLE.search(before))):
        return before
    if word.endswith("ll") and len(before) >= second:
        return before
    return word
