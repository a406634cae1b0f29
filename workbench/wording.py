"""How sentences for people are written: counted things, and text of files and machines that keeps to one line."""

import re
from reprlib import Repr

__all__ = ["counted", "in_short", "one_line", "refusal_of"]

_SHORT = Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 2, 80, 80
_SYSTEM_REASON = re.compile(r"(?:\[Errno \d+\]|I/O error:) (.+?)(?=: \W| \(os error)")
_UNSHOWABLE = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def counted(number: int, thing: str) -> str:
    """Return ``1 clip`` or ``1,200 clips``."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def refusal_of(error: Exception) -> str:
    """Return the system's reason alone, also from a library's own error and, as the first of many, a folder's copy."""
    text = getattr(error, "strerror", None) or str(error)
    quoted = _SYSTEM_REASON.search(text)
    return quoted[1] if quoted else text


def one_line(text: str) -> str:
    r"""Return ``text`` with line breaks, control characters and bytes that are no UTF-8 written out, as ``\n``."""
    return _UNSHOWABLE.sub(lambda found: repr(found[0])[1:-1], text)


def in_short(value: object) -> str:
    """Return ``value`` as it is written, without the middle of what is long and the depths of what is nested."""
    return _SHORT.repr(value)
