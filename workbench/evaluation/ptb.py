"""Penn Treebank tokens of captions, as coco-caption makes them: Stanford's tokeniser, lower case, no punctuation.

Written from the published conventions (https://www.cis.upenn.edu/~treebank/tokenization.html) and from what Stanford's
tokeniser 3.4.1 answers, without its code. As in coco-caption, brackets stay in as ``-lrb-`` and ``-rrb-``, since they
are removed by upper-case name after the text has been put in lower case, and so do runs such as ``!!``. A token that
spans a space, such as ``1 1/2``, carries a no-break space in its place, by which some of the metrics part it again.
"""

import re
from collections.abc import Iterator, Sequence

from workbench.evaluation.ptb_shapes import ABBREVIATION, NUMBERED, SENTENCE_STARTS, TOKEN_SHAPES, shape_of

__all__ = ["tokenise", "tokenise_all"]

_REMOVED = frozenset(["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";", ""])
_SPLIT_WORDS = {
    "cannot": ("can", "not"),
    "gimme": ("gim", "me"),
    "gonna": ("gon", "na"),
    "gotta": ("got", "ta"),
    "lemme": ("lem", "me"),
    "wanna": ("wan", "na"),
}
_REWRITTEN = {
    "(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-",
    "…": "...", "\x85": "...", '"': "''",
    "£": "#", "€": "$", "¤": "$", "\u20a0": "$", "\x80": "$", "¢": "cents",
    "½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3",
    "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": "''", "&apos;": "'",
}  # fmt: skip
_QUOTES = str.maketrans(
    {
        **dict.fromkeys("“«\x93", "``"),
        **dict.fromkeys("”»\x94", "''"),
        **dict.fromkeys("‘‹\x91", "`"),
        **dict.fromkeys("’›\x92", "'"),
    }
)
_SITES = frozenset(["url", "site", "email"])
_SOFT_HYPHEN = "\u00ad"
_DASHES = frozenset("–—―\u2012\x96\x97‐‑")
_PARENTHESES = {"(": "-lrb-", ")": "-rrb-"}
_SPACE = re.compile(r"\s")
_MOST_CHUNKS = 200_000

_NUMBERED = frozenset(NUMBERED.split("|"))
_SENTENCE_START = re.compile(SENTENCE_STARTS)
_OPENING = re.compile(r"<|[\d).]$")
_MAY_SPAN_SPACES = re.compile(rf"<[A-Za-z/!?]|\d\s\d|\)\s\d|(?<!\w)(?i:[a-z]|{NUMBERED})\.\s")


def tokenise_all(captions: Sequence[str]) -> list[list[str]]:
    """Return the words of each caption, all of them read as one text, as coco-caption does.

    Quirks: a last ``b.`` keeps its dot unless the next caption begins as a sentence does, and a last ``no.`` only if
    the next begins with a digit. Nothing stands behind the last caption of all, which takes some of its endings apart:
    a last ``they're`` becomes ``they re`` there and ``:)`` ``-rrb-``.
    """
    lines = [*(f"{caption}\n" for caption in captions[:-1]), *captions[-1:]]
    tokens = [*map(tokenise, captions[:-1]), *(list(_tokens(caption)) for caption in captions[-1:])]
    for place, words in enumerate(tokens):
        word = words[-1].removesuffix(".") if words else ""
        if (len(word) != 1 and word not in _NUMBERED) or not lines[place].rstrip().lower().endswith(f"{word}."):
            continue
        following = next(filter(str.strip, lines[place + 1 :]), "").lstrip()
        if len(word) == 1 and _SENTENCE_START.match(following):
            words[-1] = word
        elif len(word) > 1 and following[:1].isdecimal():
            words[-1] = f"{word}."
    return tokens


def tokenise(caption: str) -> list[str]:
    """Return the words of a caption that others follow; an empty list for one without any."""
    chunks = caption.split()
    tokens = [token for chunk in chunks for token in _CHUNKS[chunk]]
    if not _CHUNKS.openings.isdisjoint(chunks) and _MAY_SPAN_SPACES.search(caption):
        return list(_tokens(f"{caption}\n"))
    return tokens


class _Chunks(dict[str, tuple[str, ...]]):
    """The tokens of text without a space, filled as such turns up: captions say the same words again and again.

    ``openings`` are those behind which a token may go on beyond the space.
    """

    def __init__(self) -> None:
        super().__init__()
        self.openings: set[str] = set()

    def __missing__(self, chunk: str) -> tuple[str, ...]:
        if len(self) >= _MOST_CHUNKS:
            self.clear()
            self.openings.clear()
        if _OPENING.search(chunk):
            self.openings.add(chunk)
        self[chunk] = _plain_word(chunk) or tuple(_tokens(f"{chunk}\n"))
        return self[chunk]


_CHUNKS = _Chunks()


def _plain_word(chunk: str) -> tuple[str, ...]:
    """Return the tokens of a word of small or capital letters, by itself or with a stop after it; else nothing.

    This is only quicker than the shapes: most words of captions are such.
    """
    word = chunk.lower()
    if not word.isalpha():
        word = word[:-1]
        if chunk[-1] not in ".," or (chunk[-1] == "." and (len(word) == 1 or ABBREVIATION.fullmatch(word))):
            return ()
    return _SPLIT_WORDS.get(word, (word,)) if word.isalpha() and chunk.isascii() else ()


def _tokens(text: str) -> Iterator[str]:
    """Yield the tokens that are kept: at each place the longest that any of the shapes allows, as in a lexer."""
    shape, place = shape_of(text), 0
    while place < len(shape):
        if shape[place] == " ":
            place += 1
            continue
        kind, end = _longest(shape, place)
        yield from (token for token in _written(kind, text[place:end]) if token not in _REMOVED)
        place = end


def _longest(shape: str, place: int) -> tuple[str, int]:
    """Return the kind of the token at ``place`` and where it ends; what a shape looks ahead at counts as its length."""
    best_kind, best_end, longest = "other", place + 1, 0
    for kind, pattern in TOKEN_SHAPES:
        found = pattern.match(shape, place)
        if found and found.end() > longest:
            best_kind, best_end, longest = kind, found.end(found.lastindex or 0), found.end()
    return best_kind, best_end


def _written(kind: str, token: str) -> tuple[str, ...]:
    """Return a token as the tokeniser writes it; some words are two tokens."""
    if kind == "word" and token.lower() in _SPLIT_WORDS:
        return _SPLIT_WORDS[token.lower()]
    token = token.lower() if kind in _SITES else token.lower().replace(_SOFT_HYPHEN, "")
    if kind in ("clitic", "quotes"):
        token = token.translate(_QUOTES).replace("&apos;", "'")
    elif kind in ("smiley", "phone"):
        token = "".join(_PARENTHESES.get(letter, letter) for letter in token)
    elif kind in ("dots", "dashes", "dropped") or token in _DASHES:
        return ()
    elif kind == "company":
        token = token.replace("&amp;", "&")
    return (_SPACE.sub("\u00a0", _REWRITTEN.get(token, token)),)
