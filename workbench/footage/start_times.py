"""When a recording began, from its name, else from its header, else from the file system; always UTC."""

import re
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["start_time", "start_time_from_name"]

_IN_NAME = re.compile(
    r"(?<!\d)(20\d\d)[-_.]?([01]\d)[-_.]?([0-3]\d)[T_\- ]?([0-2]\d)[-_.:]?([0-5]\d)[-_.:]?([0-5]\d)(?!\d)"
)


def start_time_from_name(name: str) -> datetime | None:
    """Return the instant in a file name such as ``cam_20260302T080000Z.mp4`` or ``2026-03-02_08-00-00.avi``."""
    if (match := _IN_NAME.search(name)) is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def start_time(path: Path, *, created_at: datetime | None) -> datetime:
    """Return when the recording at ``path`` began; ``created_at`` is what its header says."""
    in_name = start_time_from_name(path.name)
    return in_name or created_at or datetime.fromtimestamp(int(path.stat().st_mtime), tz=UTC)
