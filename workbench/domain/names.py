"""What a name may be, and what time it is."""

import re
from datetime import UTC, datetime

from workbench.errors import UsageError

__all__ = ["require_name", "utc_now"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}", re.IGNORECASE)


def utc_now() -> datetime:
    return datetime.now(UTC)


def require_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            expected=f"a {what} name of 1 to 63 letters, digits, '_', '-' or '.'",
            found=repr(name),
            remedy=f"rename the {what}",
        )
