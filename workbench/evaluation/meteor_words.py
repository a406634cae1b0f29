"""How METEOR 1.5 cuts English into words (its ``-norm`` option)."""

import re

__all__ = ["meteor_words"]

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
