"""Penn Treebank tokens of captions, as coco-caption makes them: Stanford's tokeniser, lower case, no punctuation.

Written from the published conventions (https://www.cis.upenn.edu/~treebank/tokenization.html) and from what Stanford's
tokeniser 3.4.1 answers, without its code. As in coco-caption, brackets stay in as ``-lrb-`` and ``-rrb-``, since they
are removed by upper-case name after the text has been put in lower case, and so do runs such as ``!!``. A token that
spans a space, such as ``1 1/2``, carries a no-break space in its place, by which some of the metrics part it again.
"""

import re
from collections.abc import Iterator, Sequence

from workbench.evaluation.ptb_shapes import ABBREVIATION, SENTENCE_STARTS, TOKEN_SHAPES, shape_of

__all__ = ["tokenise", "tokenise_all"]

_REMOVED = frozenset(["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"])
_SPLIT_WORDS = {
    "cannot": ("can", "not"),
    "gimme": ("gim", "me"),
    "gonna": ("gon", "na"),
    "gotta": ("got", "ta"),
    "lemme": ("lem", "me"),
    "wanna": ("wan", "na"),
    "'tis": ("'t", "is"),
    "'twas": ("'t", "was"),
}
_REWRITTEN = {
    "(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-",
    "…": "...", "\x85": "...", "“": "``", "”": "''", "‘": "`", "’": "'", '"': "''", "\x91": "`", "\x92": "'",
    "£": "#", "€": "$", "¤": "$", "\u20a0": "$", "\x80": "$", "¢": "cents",
    "½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3",
    "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": "''", "&apos;": "'",
}  # fmt: skip
_AS_WRITTEN = frozenset(["elided", "url", "site", "email"])
_DASHES = frozenset("–—―\u2012\x96\x97‐‑")
_PARENTHESES = {"(": "-lrb-", ")": "-rrb-"}
_SPACE = re.compile(r"\s")
_MOST_CHUNKS = 200_000

_LAST_DOTTED = re.compile(r"(?<![\w.'’&-])(?:[^\W\d_]|(?P<number>(?i:nos?|figs?|pp?|art)))\.\s*$")
_NUMBERED = frozenset(["no", "nos", "fig", "figs", "p", "pp", "art"])
_LONGEST_LETTER_DOT = 2
_SENTENCE_START = re.compile(SENTENCE_STARTS)
_OPENING = re.compile(r"<|[\d).]$")
_MAY_SPAN_SPACES = re.compile(r"<[A-Za-z/!?]|\d\s\d|\)\s\d|(?<!\w)(?i:[^\W\d_]|nos?|figs?|pp|art)\.\s")


def tokenise_all(captions: Sequence[str]) -> list[list[str]]:
    """Return the words of each caption, all of them read as one text, as coco-caption does.

    Quirks: a last ``b.`` keeps its dot unless the next caption begins as a sentence does, and a last ``no.`` only if
    the next begins with a digit.
    """
    tokens = [tokenise(caption) for caption in captions]
    for place, words in enumerate(tokens):
        if not words or (len(words[-1]) > _LONGEST_LETTER_DOT and words[-1] not in _NUMBERED):
            continue
        if dotted := _LAST_DOTTED.search(captions[place]):
            following = next(filter(str.strip, captions[place + 1 :]), "").lstrip() + "\n"
            if dotted["number"] and following[0].isdigit():
                words[-1] = f"{words[-1]}."
            elif not dotted["number"] and _SENTENCE_START.match(following):
                words[-1] = words[-1].removesuffix(".")
    return tokens


def tokenise(caption: str) -> list[str]:
    """Return the words of a caption; an empty list for one without any."""
    chunks = caption.split()
    tokens = [token for chunk in chunks for token in _CHUNKS[chunk]]
    if not _CHUNKS.openings.isdisjoint(chunks) and _MAY_SPAN_SPACES.search(caption):
        return list(_tokens(caption))
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
        self[chunk] = _plain_word(chunk) or tuple(_tokens(chunk))
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
    if kind not in _AS_WRITTEN:
        token = token.replace("’", "'").replace("‘", "`") if len(token) > 1 else token
    token = token.lower().replace("&apos;", "'")
    if token in _SPLIT_WORDS:
        return _SPLIT_WORDS[token]
    if kind in ("smiley", "phone"):
        token = "".join(_PARENTHESES.get(letter, letter) for letter in token)
    elif kind in ("dots", "dashes", "dropped") or token in _DASHES:
        return ()
    elif kind == "company":
        token = token.replace("&amp;", "&")
    return (_SPACE.sub("\u00a0", _REWRITTEN.get(token, token)),)
