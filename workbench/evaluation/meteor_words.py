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

_LETTERS = "A-Za-zŠŽšžŸÀ-ÖØ-öø-žЀ-ӿԀ-ԧꙀ-ꙮ꙾-ꚗᴀ-ᵿ"
_ALNUM = "0-9" + _LETTERS
_REWRITES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (rf"([^{_ALNUM}\s.'`,\-‘’])", r" \1 "),
        (r"([^0-9]),([^0-9])", r"\1 , \2"),
        (r"([0-9]),([^0-9])", r"\1 , \2"),
        (r"([^0-9]),([0-9])", r"\1 , \2"),
        (r"[`‘’]", "'"),
        (r"[“”]|''", ' " '),
        (r"–|--", " - "),
        (rf"([{_ALNUM}.])-(?=[{_ALNUM}])", r"\1 "),
        (rf"([^{_LETTERS}])'([^{_LETTERS}])", r"\1 ' \2"),
        (rf"([^{_LETTERS}0-9])'([{_LETTERS}])", r"\1 ' \2"),
        (rf"([{_LETTERS}])'([^{_LETTERS}])", r"\1 ' \2"),
        (rf"([{_LETTERS}])'([{_LETTERS}])", r"\1 '\2"),
        (r"([0-9])'(s)", r"\1 '\2"),
    )
)
_PLAIN = re.compile(r"[a-z0-9 ]*")
_KEEPS_ITS_DOT = frozenset(["v", "vs", "i.e", "rev", "e.g"])


def meteor_words(text: str) -> list[str]:
    """Return the words of a lower-case text as METEOR counts them: hyphens part words, ``u.s.`` becomes ``us``."""
    if _PLAIN.fullmatch(text):
        return text.split()
    text = f" {text} "
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    words = text.split()
    followers = [*words[1:], ""]
    return " ".join(_part_dot(word, after) for word, after in zip(words, followers, strict=True)).split()


def _part_dot(word: str, after: str) -> str:
    before = word[:-1]
    if not before or not word.endswith("."):
        return word
    if "." in before and re.search(f"[{_LETTERS}]", before):
        return word.replace(".", "")
    if before in _KEEPS_ITS_DOT or after[:1].islower():
        return word
    return f"{before} ."
