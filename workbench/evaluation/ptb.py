"""Penn Treebank tokens of captions, as coco-caption makes them: Stanford's tokeniser, lower case, no punctuation.

Written from the published conventions (https://www.cis.upenn.edu/~treebank/tokenization.html) and from what Stanford's
tokeniser 3.4.1 answers, without its code. As in coco-caption, brackets stay in as ``-lrb-`` and ``-rrb-``, since they
are removed by upper-case name after the text has been put in lower case, and so do runs such as ``!!``.
"""

import re
from collections.abc import Iterator

__all__ = ["tokenise"]

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
    "…": "...", "–": "--", "—": "--", "“": "``", "”": "''", "‘": "`", "’": "'", '"': "''",
    "£": "#", "€": "$", "¢": "cents", "½": "1/2", "¼": "1/4", "¾": "3/4",
    "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": "''", "&apos;": "'",
}  # fmt: skip
_BRACKETS = re.compile(r"[()\[\]{}]")

_ABBREVIATIONS = (
    "adj|adm|adv|apr|asst|assn|aug|ave|bart|bldg|blvd|brig|bros|capt|cf|cir|cmdr|co|col|comdr|corp|cos|cpl|ct|dec|dept|"
    "dist|dr|drs|ens|est|etc|ext|feb|fri|ft|gen|gov|hon|hosp|inc|insp|jan|jr|jul|jun|ln|lt|ltd|maj|mar|messrs|mlle|mme|"
    "mon|mr|mrs|ms|msgr|mt|nov|oct|pfc|ph\\.d|pl|pres|prof|prop|pvt|rd|rep|reps|res|rev|rt|sec|sen|sens|sep|sept|sfc|sgt|"
    "sq|sr|st|supt|surg|thu|thurs|tue|tues|univ|vs|wed|yr"
)
_TOKEN = re.compile(
    rf"""
    (?P<url> https?://[^\s"<>|()]*[^\s"<>|()!?.,;:'-] | www\.[^\s"<>|()]*[^\s"<>|()!?.,;:'-] )
    | (?P<email> [a-z0-9_.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+ )
    | (?P<tag> </?[a-z][^<>\n]*> )
    | (?P<entity> &(?:amp|lt|gt|quot|apos); )
    | (?P<smiley> [:;=]-?[()DP](?![a-z]) | \^_\^ )
    | (?P<year> (?<!\w)'\d\ds?\b )
    | (?P<clitic> '(?:s|m|d|re|ve|ll)\b | n't\b )
    | (?P<elided> '(?:tis|twas)\b | 'n' | '(?:em|cause|til|till|n)\b )
    | (?P<abbreviation> (?:{_ABBREVIATIONS})\.(?![a-z0-9]) | (?:no|nos|fig|figs|vol|pp)\.(?=\s*\d) )
    | (?P<acronym> [^\W\d_](?:\.[^\W\d_])+\.(?![^\W_]) | [^\W\d_]\.(?![^\W_]) )
    | (?P<date> \d{{1,4}}[/-]\d{{1,2}}[/-]\d{{1,4}}(?![\w/]) )
    | (?P<fraction> (?:\d+-)?\d+/\d+(?:-[^\W\d_]+)?(?![\w/]) )
    | (?P<hyphenated> [^\W_]+(?:['.][^\W\d_]+)?(?:-(?:(?:[a-z]\.){{2,}}|[^\W_]+(?:,\d{{3}})*))+(?!'t\b) )
    | (?P<time> \d{{1,2}}:\d\d(?::\d\d)?(?!\d) )
    | (?P<clock> \d+[^\W\d_½¼¾][^\W_½¼¾]* )
    | (?P<number> (?:(?<![^\W\d_.,:+-])[+-])?\.?\d+(?:[.,:]\d+)* )
    | (?P<before_not> [^\W_]+?(?=n't\b) )
    | (?P<apostrophed> (?:o|d|l)'[^\W\d_]{{2,}} | (?:ma'am|ne'er|e'er|s'mores|c'mon) | y'(?=[a-z]) )
    | (?P<slashed> [^\W\d_]+(?:/[^\W\d_]+)+(?![\w/]) | w/o\b )
    | (?P<company> (?-i:[A-Z]+(?:&[A-Z]+)+)\b | c\+\+ | [cf]\#(?!\w) | us\$ )
    | (?P<dotted> [^\W\d_][^\W_]*(?:[.!?][^\W\d_][^\W_]*)+ )
    | (?P<named> [#@][a-z][a-z0-9_]* )
    | (?P<word> [^\W_½¼¾]+(?:_[^\W_]+)* )
    | (?P<dots> \.\.\.+ | …)
    | (?P<dashes> --+ | _+ )
    | (?P<shouts> [!?]+ )
    | (?P<quotes> ``|'' )
    | (?P<other> \S )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PLAIN = re.compile(r"[a-z0-9 ]*", re.IGNORECASE)
_LAST_WORD_DOT = re.compile(r"^([a-z0-9 ,]*[a-z0-9]{2})\.$", re.IGNORECASE)
_ENDS_ABBREVIATED = re.compile(rf"(?:^|[ ,])(?:{_ABBREVIATIONS})$", re.IGNORECASE)


def tokenise(caption: str) -> list[str]:
    """Return the words of a caption; an empty list for one without any."""
    words = _plain_words(caption)
    if words is None:
        words = [token for token in _tokens(caption.replace("’", "'")) if token not in _REMOVED]
    return words


def _plain_words(caption: str) -> list[str] | None:
    """Return the words of a caption of letters, digits, commas and a last full stop; None for any other."""
    if ending := _LAST_WORD_DOT.match(caption):
        caption = ending[1]
        if _ENDS_ABBREVIATED.search(caption):
            return None
    bare = caption.replace(", ", " ")
    if not _PLAIN.fullmatch(bare):
        return None
    words = bare.lower().split()
    return None if _SPLIT_WORDS.keys() & words else words


def _tokens(text: str) -> Iterator[str]:
    for found in _TOKEN.finditer(text):
        token = found[0].lower()
        kind = found.lastgroup
        if token in _SPLIT_WORDS:
            yield from _SPLIT_WORDS[token]
        elif kind in ("smiley", "url"):
            yield _BRACKETS.sub(lambda bracket: _REWRITTEN[bracket[0]], token)
        elif kind == "dots":
            yield "..."
        elif kind == "dashes" and token.startswith("-"):
            yield "--"
        else:
            yield _REWRITTEN.get(token, token)
