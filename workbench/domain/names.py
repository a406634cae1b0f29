"""What a name may be, which wordings are the same, and what time it is."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from workbench.errors import UsageError

__all__ = ["plain_wording", "require_different", "require_name", "utc_now"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def utc_now() -> datetime:
    return datetime.now(UTC)


def require_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            expected=f"a {what} name of 1 to 63 letters from A to Z, digits, '_', '-' or '.', first a letter or digit",
            found=repr(name),
            remedy=f"rename the {what}",
        )


def plain_wording(text: str) -> str:
    """Return ``text`` without what does not tell words apart: case, punctuation at the end, kinds of space."""
    return _BETWEEN_WORDS.sub(" ", text.casefold()).strip(" .?!:,;") or text


def require_different(what: str, words: Sequence[str]) -> None:
    """Raise UsageError where two of ``words`` are one in ``plain_wording``."""
    first: dict[str, str] = {}
    for word in words:
        plain = plain_wording(word)
        if plain in first:
            raise UsageError(
                expected=f"{what} that differ in more than case, spaces, '_' and '-'",
                found=f"{first[plain]!r} and {word!r}",
                remedy="rename one of them",
            )
        first[plain] = word
