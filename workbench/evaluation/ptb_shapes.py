"""The shapes of Penn Treebank tokens, as patterns over a text whose letters beyond ASCII have been made alike.

A lexer takes at each place the longest token that any shape allows; of two as long, the one that stands first here.
The first group of a pattern is the token, what follows it is looked at only.
"""

import re

from workbench.evaluation.ptb_characters import SYMBOLS, WORD_CHARACTERS

__all__ = ["ABBREVIATION", "SENTENCE_STARTS", "TOKEN_SHAPES", "shape_of"]

_LETTER, _SYMBOL, _GAP = "ä", "¤", " "
_KEPT = dict.fromkeys(map(ord, "“”‘–—"), None) | {
    ord("’"): "'", 0x92: "'", 0x91: "‘", 0x93: "“", 0x94: "”", 0x85: "…", ord("…"): "…",
    0x2010: "-", 0x2011: "-", 0x58A: "-", 0x2012: "–", 0x2015: "–", 0x96: "–", 0x97: "–",
    **dict.fromkeys(map(ord, "£€¤¢½¼¾⅓⅔\u20a0\x80"), _SYMBOL),
}  # fmt: skip


class _Shapes(dict[int, str]):
    """A table for ``str.translate`` that is filled as characters turn up."""

    def __missing__(self, codepoint: int) -> str:
        if codepoint < 0x80:
            shape = _GAP if chr(codepoint).isspace() or codepoint < 0x20 or codepoint == 0x7F else chr(codepoint)
        elif codepoint in _KEPT:
            shape = _KEPT[codepoint] or chr(codepoint)
        elif any(codepoint in part for part in WORD_CHARACTERS):
            shape = "0" if chr(codepoint).isdecimal() or chr(codepoint) in "ªºµ" else _LETTER
        else:
            shape = _SYMBOL if any(codepoint in part for part in SYMBOLS) else _GAP
        self[codepoint] = shape
        return shape


_SHAPES = _Shapes()


def shape_of(text: str) -> str:
    """Return a text of the same length in which every gap is a space, every far letter and every symbol alike."""
    return text.translate(_SHAPES)


_A = "[A-Za-zä]"  # a letter
_W = "[A-Za-zä0-9]"  # a letter or digit
_PART = rf"(?:(?:{_A}\.){{2,}}|[dDoOlL]'{_A}{{2,}}|{_W}+(?:_{_W}+)*)"  # of a hyphenated word, but the first
_ABBREVIATIONS = (
    "adj|adm|adv|al|ala|alex|apr|ariz|assn|assoc|asst|atty|attys|aug|ave|bart|bhd|bldg|blvd|brig|bros|calif|capt|cf|"
    "cie|cir|cmdr|co|col|colo|comdr|conn|corp|cos|cpl|ct|dak|dec|dept|det|dist|dr|drs|elec|ens|esq|est|etc|ext|feb|fla|"
    "fri|ft|ga|gen|gov|govs|hon|hosp|inc|ind|insp|intl|invt|jan|jos|jr|jul|jun|kan|kans|ky|lieut|ln|lt|ltd|maj|mar|md|"
    "messrs|mfg|mich|minn|mlle|mme|mo|mon|mont|mr|mrs|ms|msgr|mt|mtg|natl|neb|nev|nov|oct|okla|penn|pfc|ph|pl|plc|ppte|"
    "ppty|pres|prof|profs|prop|pte|ptes|pty|ptys|pvt|rd|rep|reps|res|rev|rt|sen|sens|sep|sept|seq|sfc|sgt|spc|sq|sr|st|"
    "ste|supt|surg|sys|tel|tenn|thu|thurs|tue|tues|univ|va|vs|vt|wed|wis|wisc|wm|wyo|yr"
)
_CAPITAL_ABBREVIATIONS = "Ark|Az|Del|Ill|La|Mass|Miss|Ore|Pa|Tex|Wash"
ABBREVIATION = re.compile(f"{_ABBREVIATIONS}|{_CAPITAL_ABBREVIATIONS}", re.IGNORECASE)
_STARTS = (
    "A|About|According|Additionally|After|An|As|At|But|Earlier|He|Her|Here|However|If|In|It|Last|Many|More|Now|Once|One|"
    "Other|Our|She|Since|So|Some|Such|That|The|Their|Then|There|These|They|This|We|What|When|While|Yet|You"
)
SENTENCE_STARTS = rf"(?:{_STARTS}|{_STARTS.upper()})(?:\s|$)"
_PATH = r"[^\s\"<>|(){}]"
_LABEL = r"[^\s\"!'$(){}|`,-_]"  # from the comma to the underline: of ASCII that leaves small letters and some signs
_FILES = (
    "bat|bmp|c|class|cgi|cpp|dll|docx?|exe|gif|gz|h|html?|jar|java|jpe?g|mov|mp3|pdf|php|pl|png|ppt|ps|py|sql|tar|txt|"
    "wav|x|xml|zip"
)
_PATH_END = r"[^\s\"<>|(){}!?.,;-]"
_NAME = "[A-Za-z][A-Za-z0-9_.:-]*"  # of a tag or an attribute

TOKEN_SHAPES = tuple(
    (kind, re.compile(pattern, re.VERBOSE))
    for kind, pattern in (
        ("url", rf"((?i:https?)://{_PATH}+{_PATH_END})"),
        ("site", rf"(www\.(?:[^\s\"<>|.!?(){{}},]+\.)+[A-Za-z]{{2,4}}(?:/{_PATH}+{_PATH_END})?)(?!{_W})"),
        ("site", rf"((?:{_LABEL}+\.)+(?:com|net|org|edu)(?:/{_PATH}+{_PATH_END})?)(?!{_W})"),
        ("file", rf"({_W}+(?:\.{_W}+)*\.(?i:{_FILES}))(?=[\s.,!?]|$)"),
        ("email", rf"(<?{_W}[^\s\"<>|(){{}}@]*@[^\s\"<>|().]+(?:\.[^\s\"<>|().]+)*>?)"),
        ("tag", rf"(<{_NAME}(?:\s+{_NAME}(?:\s*=\s*(?:\"[^\"\n]*\"|'[^'\n]*'))?)*\s*/?>)"),
        ("tag", rf"(</{_NAME}\s*>|<[!?][A-Za-z-][^<>\n]*>)"),
        ("entity", r"(&(?i:amp|lt|gt|quot|apos);)"),
        ("dropped", r"(&(?i:nbsp|mdash|ndash);)"),
        ("word", r"(&\#\d+;)"),
        ("word", rf"((?:{_A}*&[aeiouAEIOU](?:acute|grave|uml|circ);)+{_A}*)"),
        ("smiley", rf"([:;=][-'o*]?[]()[{{DdPpO\\|@](?!{_W})|:[03](?!{_W})|8-[DPpOo03cbSX](?!{_W}))"),
        ("smiley", r"(\(\^_\^\)|\^_\^|-_-|>_<|\#+|@@+|\*+|(?:\\\*)+|<<|>>|'_'|_+|-{5,})"),
        ("bracket", r"(-(?i:[lr][rsc]b)-)"),
        ("elided", r"('\d\d)(?=\s|$)|('\d0s)(?![A-Za-z0-9])"),
        ("clitic", rf"((?:'|&apos;)(?:[sSmMdD]|(?i:re|ve|ll)))(?!{_W})"),
        ("clitic", rf"((?i:n['`‘]ts?))(?!{_W})"),
        ("before_not", rf"({_W}+?)(?i:n['`‘]t)"),
        ("word", rf"('(?i:tis|twas))(?!{_A})"),
        ("elided", rf"((?i:'n'))|('(?i:em|cause|till?))(?!{_A})|('[nN])(?=\s|$)"),
        ("word", rf"((?i:ol'))(?!{_W})|((?i:[ld]'))|((?i:j'|y'(?={_A})))(?!(?i:[dms]|ll|re|ve))"),
        ("word", rf"((?i:[odl]'{_A}{{2,}}|qu'il|c'est|ma'am|ne'er|e'er|s'mores|c'mon|li'l)(?:-{_W}+)*)(?!{_A})"),
        ("word", rf"([A-HJ-XZn]'{_A}{{2,}})"),
        ("word", rf"({_A}+[aeiouyAEIOUY]'(?!(?i:[dms]|re|ve|ll)(?!{_W}))[aeiouA-Z]{_A}*)"),
        ("abbreviation", rf"((?i:{_ABBREVIATIONS})\.|(?:{_CAPITAL_ABBREVIATIONS})\.|(?i:ph\.d)\.)(?!{_A})"),
        ("abbreviation", r"((?i:nos?|figs?|pp?|art)\.)\s*\d"),
        ("word", rf"({_A})\.\s+(?:{SENTENCE_STARTS}|<[/!?]?{_NAME}\s*/?>)"),
        ("acronym", rf"({_A}(?:\.{_A})*\.)(?!{_A})"),
        ("word", rf"({_W}+(?:\.?-{_W}+)*\.)[,;:]"),
        ("date", r"(\d{1,4}[/-]\d{1,2}[/-]\d{1,4})(?![\w/])"),
        ("fraction", r"((?:\d{1,4}[-\s])?\d{1,4}/\d{1,4})"),
        ("fraction", rf"(\d{{1,4}}/\d{{1,4}}-{_A}+)"),
        ("phone", r"((?:\d{2}\s)?\(\d{3}\)\s?\d{3}[-\s.]?\d{3,4}|(?:\d{2}\s)?\d{3}[-\s.]\d{3}[-\s.]\d{4})(?!\d)"),
        ("hyphenated", rf"((?:{_A}\.)+(?:-(?:(?:{_A}\.){{2,}}|{_W}+))+|{_A}(?:\.{_A})+(?:-{_W}+))"),
        ("hyphenated", rf"({_W}[A-Za-zä0-9.,]*(?:_{_W}[A-Za-zä0-9.,]*)*(?:-{_PART})+)"),
        ("slashed", r"([A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2})"),
        ("number", r"([-+]?[.,:]?\d+(?:[.,:]\d+)*)"),
        ("company", r"([A-Z]+(?:(?:(?i:&amp;)|[&+])[A-Z]+)+)"),
        ("word", rf"((?i:c\+\+)|[cfCF]\#(?!{_W}))"),
        ("word", r"([A-Z]+\$)"),
        ("dotted", rf"({_A}{_W}*(?:[.!?]{_A}{_W}*)+)"),
        ("tag", rf"(\#{_A}+|@[A-Za-z_]\w*)"),
        ("word", rf"({_W}+(?:_{_W}+)*)"),
        ("dots", r"(\.\.+(?!\d)|…)"),
        ("dashes", r"(-{2,4}|[–—]+)"),
        ("shouts", r"([!?]+)"),
        ("quotes", r"(``|'')"),
    )
)
