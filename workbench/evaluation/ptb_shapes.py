"""The shapes of Penn Treebank tokens, as patterns over a text whose letters beyond ASCII have been made alike.

A lexer takes at each place the longest token that any shape allows; of two as long, the one that stands first here.
The first group of a pattern is the token, what follows it is looked at only.
"""

import re

from workbench.evaluation.ptb_characters import SYMBOLS, WORD_CHARACTERS

__all__ = ["ABBREVIATION", "NUMBERED", "SENTENCE_STARTS", "TOKEN_SHAPES", "shape_of"]

_LETTER, _MARK, _SYMBOL, _GAP = "ä", "ˇ", "¤", " "
_KEPT = dict.fromkeys(map(ord, "“”‘’«»‹›„‚–—"), None) | {
    0x92: "’", 0x91: "‘", 0x93: "“", 0x94: "”", 0x85: "…", ord("…"): "…",
    0xAD: _LETTER, 0x2010: "-", 0x2011: "-", 0x58A: "-", 0x2012: "–", 0x2015: "–", 0x96: "–", 0x97: "–",
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
            shape = "0" if chr(codepoint).isdecimal() else _LETTER if chr(codepoint).isalpha() else _MARK
        else:
            shape = _SYMBOL if any(codepoint in part for part in SYMBOLS) else _GAP
        self[codepoint] = shape
        return shape


_SHAPES = _Shapes()


def shape_of(text: str) -> str:
    """Return a text as long, with a space for every gap and one shape for all far letters, all marks, all symbols."""
    return text.translate(_SHAPES)


_A = "[A-Za-zä]"  # a letter
_W = "[A-Za-zä0-9]"  # a letter or digit
_PLAIN = "[A-Za-z0-9]"  # of ASCII alone
_Q = "(?:['’]|&apos;)"  # an apostrophe
_PART = rf"(?:(?:[A-Za-z]\.){{2,}}|[dDoOlL]{_Q}{_A}{{2,}}|{_W}+(?:_{_W}+)*)"  # of a hyphenated word, but the first
_TITLES = (  # and other abbreviations that end no sentence
    "adj|adm|adv|alex|assoc|asst|atty|attys|ave|brig|capt|cf|cie|cmdr|col|comdr|cpl|dept|det|dr|drs|elec|ens|ft|gen|"
    "gov|govs|hon|insp|invt|jos|lieut|lt|maj|messrs|mfg|mlle|mme|mr|mrs|ms|msgr|mt|mtg|natl|pfc|ph|pres|prof|profs|pvt|"
    "rep|reps|rev|sen|sens|sfc|sgt|spc|st|ste|supt|supts|treas|vs|wm"
)
_ABBREVIATIONS = (
    "al|ala|apr|ariz|assn|aug|bhd|bldg|blvd|bros|calif|co|colo|conn|corp|cos|ct|dak|dec|esq|est|etc|ext|feb|fla|fri|ga|"
    "inc|ind|intl|jan|jr|jul|jun|kan|kans|ky|ltd|mar|md|mich|minn|mo|mon|mont|neb|nev|nov|oct|okla|penn|plc|ppte|pptes|"
    "ppty|pptys|pte|ptes|pty|ptys|rd|rt|sep|sept|seq|sq|sr|sys|tel|tenn|thu|thurs|tue|tues|univ|va|vt|wed|wis|wisc|wyo"
)
_STATES = "Ark|Az|Del|Ill|La|Mass|Miss|Ore|Pa|Tex|Wash"  # in small letters they are words
NUMBERED = "no|nos|fig|figs|p|pp|art|ca|op|prop"  # abbreviations only before a number
ABBREVIATION = re.compile(f"{_TITLES}|{_ABBREVIATIONS}|{_STATES}", re.IGNORECASE)
_NAME = "[A-Za-z][A-Za-z0-9_.:-]*"  # of a tag or an attribute
_STARTS = (
    "A|About|According|Additionally|After|An|As|At|But|Earlier|He|Her|Here|However|If|In|It|Last|Many|More|Now|Once|One|"
    "Other|Our|She|Since|So|Some|Such|That|The|Their|Then|There|These|They|This|We|What|When|While|Yet|You"
)
SENTENCE_STARTS = rf"(?:{_STARTS}|{_STARTS.upper()}|M[rRsS]\.|<[/!?]?{_NAME}\s*/?>)\s"
_PATH = r"[^\s\"<>|(){}]"
_LABEL = r"[^\s\"!'$(){}|`,-_]"  # from the comma to the underline: of ASCII that leaves small letters and some signs
_FILES = (
    "bat|bmp|c|class|cgi|cpp|dll|docx?|exe|gif|gz|h|html?|jar|java|jpe?g|mov|mp3|pdf|php|pl|png|ppt|ps|py|sql|tar|txt|"
    "wav|x|xml|zip"
)
_PATH_END = r"[^\s\"<>|(){}!?.,-]"

TOKEN_SHAPES = tuple(
    (kind, re.compile(pattern, re.VERBOSE))
    for kind, pattern in (
        ("url", rf"((?i:https?)://{_PATH}+{_PATH_END})"),
        ("site", rf"((?:www|WWW)\.(?:[^\s\"<>|.!?(){{}},]+\.)+[A-Za-z]{{2,4}}(?:/{_PATH}+{_PATH_END})?)(?!{_W})"),
        ("site", rf"((?:{_LABEL}+\.)+(?:com|net|org|edu)(?:/{_PATH}+{_PATH_END})?)(?!{_W})"),
        ("file", rf"({_W}+(?:\.{_W}+)*\.(?i:{_FILES}))(?=[\s.,!?])"),
        ("email", r"(<?[A-Za-z0-9][^\s\"<>|(){}@]*@[^\s\"<>|().]+(?:\.[^\s\"<>|().]+)*>?)"),
        ("tag", rf"(<{_NAME}(?:\s+{_NAME}(?:\s*=\s*(?:\"[^\"\n]*\"|'[^'\n]*'))?)*\s*/?>)"),
        ("tag", rf"(</{_NAME}\s*>|<[!?][A-Za-z-][^<>\n]*>)"),
        ("entity", r"(&(?i:amp|lt|gt|quot|apos);)"),
        ("dropped", r"(&(?i:nbsp|mdash|ndash);)"),
        ("word", r"(&\#\d+;)"),
        ("word", rf"((?:{_A}*&[aeiouAEIOU](?:acute|grave|uml|circ);)+{_A}*)"),
        ("smiley", r"([<>]?[:;=][-'o*]?[]()[{DdPpO\\|@]|:[03]|8-[DPpOo03cbSX])(?=[^A-Za-z0-9])"),
        ("smiley", r"(\(\^_\^\)|\^_\^|-_-|>_<|\#+|@@+|\*+|(?:\\\*)+|<<|>>|'_'|_+|-{5,})"),
        ("bracket", r"(-(?i:[lr][rsc]b)-)"),
        ("elided", rf"({_Q}\d\d)(?=\s)|({_Q}\d0[sS])"),
        ("clitic", r"('[sSmMdD])(?![A-Za-z])|('(?i:re|ve|ll))(?=[^A-Za-z])|((?i:(?:’|&apos;)(?:[smd]|re|ve|ll)))"),
        ("clitic", rf"((?i:n(?:{_Q}|[`‘])ts?))(?!{_A})"),
        ("before_clitic", rf"([A-Za-z]+?)(?i:n(?:{_Q}|[`‘])t)"),
        ("before_clitic", rf"({_W}+){_Q}(?i:[smd]|re|ve|ll)"),
        ("word", r"((?i:'t))(?i:is|was)"),
        ("elided", rf"({_Q}(?i:n{_Q}|em|cause|till?))|('[nN])(?!\S)|((?:’|&apos;)[nN])"),
        ("word", rf"((?i:(?:[jld]|ol){_Q}|y{_Q}(?={_A})))"),
        ("word", rf"((?i:[odl]){_Q}{_A}{{2,}}(?:-{_W}+)*)"),
        ("word", rf"((?i:qu{_Q}il|c{_Q}est|ma{_Q}am|ne{_Q}er|e'er|s'mores|c'mon|li'l|nat'l))"),
        ("word", rf"([A-HJ-XZn]{_Q}{_A}{{2,}})"),
        ("word", rf"({_A}+[aeiouyAEIOUY]{_Q}(?!(?i:[dms]|re|ve|ll)(?!{_W}))[aeiouA-Z]{_A}*)"),
        ("abbreviation", rf"((?i:{_TITLES})\.)(?!{_A})"),
        ("abbreviation", rf"((?i:{_ABBREVIATIONS}|ph\.d)\.)(?!{_A}{_W})(?:[\s\S]{{2}})?"),
        ("abbreviation", rf"((?:{_STATES}|{_STATES.upper()})\.)(?!{_A}{_W})(?:[\s\S]{{2}})?"),
        ("abbreviation", rf"((?i:{NUMBERED})\.)\s*\d"),
        ("word", rf"([A-Za-z])\.\s+{SENTENCE_STARTS}"),
        ("acronym", rf"([A-Za-z](?:\.[A-Za-z])*\.)(?!{_A})"),
        ("word", rf"({_W}+(?:\.?-{_W}+)*\.)[,;:]"),
        ("word", rf"({_A}{_W}*(?:\.{_A}{_W}*)+\.)[,;:]"),
        ("date", r"(\d{1,4}[/-]\d{1,2}[/-]\d{1,4})(?![\w/])"),
        ("fraction", r"((?:\d{1,4}[-\s])?\d{1,4}/\d{1,4})"),
        ("fraction", r"(\d{1,4}/\d{1,4}-[A-Za-z]+)"),
        ("phone", r"(\(\d{3}\)\s?\d{3}[-\s.]?\d{3,4}|(?:\d{2}\s)?\d{3}[-\s.]\d{3}[-\s.]\d{4})(?!\d)"),
        ("hyphenated", rf"((?:[A-Za-z]\.)+(?:-(?:(?:[A-Za-z]\.){{2,}}|{_PLAIN}+))+|[A-Za-z](?:\.[A-Za-z])+-{_PLAIN}+)"),
        ("hyphenated", rf"({_W}+(?:_{_W}+)*(?:-{_PART})+)"),
        ("hyphenated", rf"({_PLAIN}(?:_?[A-Za-z0-9.,])*(?:-{_PART.replace('ä', '')})+)"),
        ("slashed", r"([A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2})"),
        ("number", r"([-+]?[.,:]?\d+(?:[.,:]\d+)*)"),
        ("company", r"([A-Z]+(?:(?:(?i:&amp;)|[&+])[A-Z]+)+)"),
        ("word", r"((?i:c\+\+)|[cfCF]\#)"),
        ("word", r"([A-Z]+\$)"),
        ("dotted", rf"({_A}{_W}*(?:[.!?]{_A}{_W}*)+)"),
        ("tag", r"(\#[A-Za-zäˇ]+|@[A-Za-z_][A-Za-z0-9_]*)"),
        ("word", rf"({_W}+(?:_{_W}+)*)"),
        ("word", r"([A-Za-zäˇ][A-Za-zä0-9ˇ]*)"),
        ("dots", r"(\.\.+(?!\d)|…)"),
        ("dashes", r"(-{2,4}|[–—]+)"),
        ("shouts", r"([!?]+)"),
        ("quotes", r"([`‘’“”«»‹›„‚]{1,2}|'')"),
    )
)
