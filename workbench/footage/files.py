"""Files of footage on the disk: which a folder holds, and what identifies one."""

import hashlib
import os
import re
from pathlib import Path

from workbench.errors import FootageError
from workbench.footage.contents import HEAD_BYTES, Content, content_of

__all__ = ["file_content", "file_sha256", "file_time_s", "files_below", "natural_order", "require_utf8"]


def files_below(folder: Path) -> list[Path]:
    """Return the files of ``folder`` and its folders in :func:`natural_order`, without hidden ones.

    Links to folders are not followed. Raises FootageError for a folder that cannot be read.
    """
    found: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=_raise_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [path for name in names if not name.startswith(".") and (path := Path(parent, name)).is_file()]
    return sorted(found, key=lambda path: natural_order(path.relative_to(folder).as_posix()))


def natural_order(name: str) -> list[tuple[bool, int, str]]:
    """Return a sorting key by which ``cam2/9.jpg`` comes before ``cam10/1.jpg``."""
    parts = re.findall(r"([0-9]+)|([^0-9]+)", name)
    return [(not digits, int(digits or 0), digits or other) for digits, other in parts]


def require_utf8(name: str) -> None:
    """Raise FootageError for a name of other bytes, which no catalogue and no labels file can hold."""
    try:
        name.encode()
    except UnicodeEncodeError as exc:
        raise FootageError(
            expected="the name of a file or folder in UTF-8",
            found=f"the bytes {os.fsencode(name)!r}",
            remedy="rename it",
        ) from exc


def file_content(path: Path) -> Content | None:
    """Return what the file holds, by its first bytes and its name; FootageError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return content_of(file.read(HEAD_BYTES), path.suffix)
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def file_time_s(path: Path) -> float:
    """Return when the file was last written to, in seconds since 1970; FootageError when it cannot be told."""
    try:
        return path.stat().st_mtime
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal; FootageError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _raise_unreadable(exc: OSError) -> None:
    raise _unreadable(Path(exc.filename), exc) from exc


def _unreadable(path: Path, exc: OSError) -> FootageError:
    return FootageError(
        expected=f"footage that can be read at {path}",
        found=(exc.strerror or str(exc)).lower(),
        remedy="check the path and its permissions",
    )
