"""How METEOR 1.5 cuts English into words (its ``-norm`` option)."""

import re

__all__ = ["meteor_words"]

_LETTER = "A-Za-zÀ-ÖØ-öø-ž\u0400-\u0527\u1d00-\u1d7f\ua640-\ua66e\ua67e-\ua697"
_NUMBER_OR_LETTER = f"[0-9{_LETTER}]"
_SYMBOL = re.compile(rf"((?<!\d),|,(?!\d)|[^0-9{_LETTER}\s.',-])")
_QUOTE = re.compile(rf"(?<![{_LETTER}])'|'(?![{_LETTER}])")
_JOINT = re.compile(rf"(?<={_NUMBER_OR_LETTER})-+(?={_NUMBER_OR_LETTER})|(?<=\.)-(?={_NUMBER_OR_LETTER})")
_CLITIC = re.compile(rf"(?<=[{_LETTER}])'(?=[{_LETTER}])")
_LAST_DOT = re.compile(r"(?<!\S)([^\s.]+)\.(?=\s+[^a-z\s]|\s*$)")
_NOSE = re.compile(r"(?<=\S)--(?=[lr]rb-)")
_KEEPS_DOT = frozenset(["rev", "v", "vs"])
_ABBREVIATION = re.compile(r"(?=\S*[^\W\d_])\S+\.\S*\.")


def meteor_words(text: str) -> list[str]:
    """Return the words of a tokenised, lower-case text as METEOR counts them.

    Symbols stand alone (and so does every letter beyond Latin and Cyrillic), hyphens part words, an apostrophe within
    a word begins one, a dot stands alone unless a small letter follows, and ``u.s.`` is ``us``. This is METEOR's
    normalisation as far as it shows on text whose punctuation the PTB tokeniser has removed already.
    """
    if text.isascii() and text.replace(" ", "").isalnum():
        return text.split()
    text = _NOSE.sub(" -", text)
    text = text.replace("’", "'").replace("‘", "'").replace("`", "'").replace("''", '"')
    spaced = _QUOTE.sub(" ' ", _JOINT.sub(" ", _SYMBOL.sub(r" \1 ", text)))
    spaced = _LAST_DOT.sub(_dot_apart, _CLITIC.sub(" '", spaced))
    return [word.replace(".", "") if _ABBREVIATION.fullmatch(word) else word for word in spaced.split()]


def _dot_apart(found: re.Match[str]) -> str:
    is_page = found[1] == "pp" and found.string[found.end() :].lstrip()[:1].isdigit()
    return found[0] if found[1] in _KEEPS_DOT or is_page else f"{found[1]} ."
