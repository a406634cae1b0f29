"""Texts that a job will read, kept in the data folder until then."""

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from workbench.errors import StorageError
from workbench.wording import refusal_of

__all__ = ["keep_text"]


def keep_text(path: Path, text: str) -> Path:
    """Write ``text`` to ``path``, whole or not at all, and return the path; StorageError where the disk refuses."""
    part = path.with_name(f"{uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise StorageError(
            expected=f"to keep {path} until its job begins",
            found=refusal_of(error),
            remedy="free some space or make the folder writable",
        ) from error
    return path
