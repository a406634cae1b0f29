"""When a recording began: from its user, else its name, else its header, else the file system; always UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

__all__ = ["StartOrigin", "StartTime", "find_start", "start_time_from_name"]

_IN_NAME = re.compile(
    r"(?<!\d)(20\d\d)[-_./]?([01]\d)[-_./]?([0-3]\d)[T_\- /]?([0-2]\d)[-_.:]?([0-5]\d)[-_.:]?([0-5]\d)(?!\d)"
)


class StartOrigin(StrEnum):
    USER = "user"
    NAME = "file name"
    HEADER = "header"
    FILE = "file time"


@dataclass(frozen=True)
class StartTime:
    """An instant with what told it: a file's own time is the weakest, as copying a file may set it anew."""

    at: datetime
    origin: StartOrigin


def start_time_from_name(name: str) -> datetime | None:
    """Return the instant in a name such as ``cam_20260302T080000Z.mp4`` or ``2026-03-02/08-00-00.avi``."""
    if (match := _IN_NAME.search(name)) is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def find_start(
    path: Path, *, header: datetime | None, given: datetime | None = None, name: str | None = None
) -> StartTime:
    """Return when the recording at ``path`` began: as ``given``, else by its ``name``, its ``header``, its file time.

    ``name`` is the recording's own where ``path`` is a copy of it under another.
    """
    if given is not None:
        return StartTime(given, StartOrigin.USER)
    if (in_name := start_time_from_name(name or path.name)) is not None:
        return StartTime(in_name, StartOrigin.NAME)
    if header is not None:
        return StartTime(header, StartOrigin.HEADER)
    return StartTime(datetime.fromtimestamp(int(path.stat().st_mtime), tz=UTC), StartOrigin.FILE)
