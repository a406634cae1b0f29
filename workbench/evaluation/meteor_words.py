"""How METEOR 1.5 cuts English into words (its ``-norm`` option) and which of them it takes for function words."""

import re

__all__ = ["FUNCTION_WORDS", "meteor_words"]

FUNCTION_WORDS = frozenset(
    [
        "the", ",", ".", "to", "of", "and", "a", "in", "that", "for", '"', "is", "on", "'s", "it", "with", "was",
        "as", "said", "at", "he", "by", "be", "from", "have", "has", "are", "his", "but", "an", "this", "not", "i",
        "will", "’", "they", ")", "-rrb-", "(", "-lrb-", "who", "their", "had", "we", "which", "were", "been", "more",
        "or", "s", "its", "would", "about", "new", "one", "after", "you", ":", "also", "up", "when", "there", "than",
        "$", "all", "out", "her", "people", "she", "year", "two", "-", "can", "if", "last", "first", "“", "over",
        "other", "”", "into", "some", "what", "so", "--", "no", "time", "years", "could", "?", "'t", "—", "'",
    ]
)  # fmt: skip
"""Denkowski and Lavie's list for English: words with a relative frequency above 0.001 in a large corpus."""

_SYMBOL = re.compile(r"((?<!\d),|,(?!\d)|[^\w\s.',-])")
_QUOTE = re.compile(r"(?<![^\W\d_])'")
_JOINT = re.compile(r"(?<=[\w.])-(?=\w)")
_CLITIC = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")
_ABBREVIATION = re.compile(r"(?=\S*[^\W\d_])\S+\.\S*\.")


def meteor_words(text: str) -> list[str]:
    """Return the words of a tokenised, lower-case text as METEOR counts them.

    Symbols and the text's last dot stand alone, hyphens part words, an apostrophe within a word begins one, and
    ``u.s.`` is ``us``. This is METEOR's normalisation as far as it shows on text whose punctuation the PTB tokeniser
    has removed already.
    """
    spaced = _QUOTE.sub(" ' ", _JOINT.sub(" ", _SYMBOL.sub(r" \1 ", text)))
    words = _CLITIC.sub(" '", spaced).split()
    if words and words[-1].count(".") == 1 and len(words[-1]) > 1 and words[-1].endswith("."):
        words[-1:] = [words[-1][:-1], "."]
    return [word.replace(".", "") if _ABBREVIATION.fullmatch(word) else word for word in words]
