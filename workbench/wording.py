"""How sentences for people are written: counted things, and text of files and machines that keeps to one line."""

import re

__all__ = ["counted", "one_line"]

_UNSHOWABLE = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def counted(number: int, thing: str) -> str:
    """Return ``1 clip`` or ``1,200 clips``."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def one_line(text: str) -> str:
    r"""Return ``text`` with line breaks, control characters and bytes that are no UTF-8 written out, as ``\n``."""
    return _UNSHOWABLE.sub(lambda found: repr(found[0])[1:-1], text)
