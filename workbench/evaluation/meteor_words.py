"""How METEOR 1.5 cuts English into words (its ``-norm`` option)."""

import re

__all__ = ["meteor_words"]

_LETTER = "A-Za-zÀ-ÖØ-öø-ž\u0400-\u0527\u1d00-\u1d7f\ua640-\ua66e\ua67e-\ua697"
_NOT_BOTH_DIGITS = ("[^0-9]", "[^0-9]"), ("[0-9]", "[^0-9]"), ("[^0-9]", "[0-9]")
_NOT_BOTH_LETTERS = (f"^{_LETTER}", f"^{_LETTER}"), (f"^0-9{_LETTER}", _LETTER), (_LETTER, f"^{_LETTER}")
_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("--", "-"),
        ("[’‘`]", "'"),
        ("''", '"'),
        (rf"([^0-9{_LETTER}\s.',-])", r" \1 "),
        (r"(\.\.+)", r" \1 "),
        *((f"({before}),({after})", r"\1 , \2") for before, after in _NOT_BOTH_DIGITS),
        (rf"([0-9{_LETTER}.])-([0-9{_LETTER}])", r"\1 \2"),
        *((f"([{before}])'([{after}])", r"\1 ' \2") for before, after in _NOT_BOTH_LETTERS),
        (f"([{_LETTER}])'([{_LETTER}])", r"\1 '\2"),
        ("([0-9])'s", r"\1 's"),
    )
)
"""In this order. A match takes both its neighbours: quirk, ``a-b-c`` becomes ``a b-c``."""
_LAST_DOT = re.compile(r"(?<!\S)(\S*[^\s.])\.(?=\s+[^a-z\s]|\s*$)")
_KEEPS_DOT = frozenset(["rev", "v", "vs"])
_ABBREVIATION = re.compile(r"(?=\S*[^\W\d_])\S*\.\S*\.")


def meteor_words(text: str) -> list[str]:
    """Return the words of a tokenised, lower-case text as METEOR counts them.

    Symbols stand alone (and so does every letter beyond Latin and Cyrillic), hyphens part words, an apostrophe within
    a word begins one, a dot stands alone unless a small letter follows, and ``u.s.`` is ``us``. This is METEOR's
    normalisation, in the manner of the tokeniser of Moses (Koehn et al., ACL 2007), as far as it shows on text whose
    punctuation the PTB tokeniser has removed already.
    """
    if text.isascii() and text.replace(" ", "").isalnum():
        return text.split()
    text = f" {text} "
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = _LAST_DOT.sub(_dot_apart, text)
    return [word.replace(".", "") if _ABBREVIATION.fullmatch(word) else word for word in text.split()]


def _dot_apart(found: re.Match[str]) -> str:
    word, following = found[1], found.string[found.end() :].lstrip()
    is_page = word == "pp" and following[:1].isdigit()
    return found[0] if word in _KEEPS_DOT or is_page or _ABBREVIATION.fullmatch(found[0]) else f"{word} ."
