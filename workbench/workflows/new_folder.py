"""Folders that are handed to others: a new or empty one, written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbench.errors import StorageError, UsageError
from workbench.wording import refusal_of

__all__ = ["require_empty", "whole"]


def require_empty(folder: Path) -> None:
    """Refuse (UsageError) a folder in which there is something already."""
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(
                expected=f"a new or empty folder at {folder}",
                found="something in it" if folder.is_dir() else "a file",
                remedy="name another folder, or empty this one",
            )
    except OSError as exc:
        raise _refused(folder, exc) from exc


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill, which becomes ``folder`` when the block has ended well; StorageError for a full disk.

    Otherwise nothing is left of it, nor of folders above that were made for it.
    """
    made = [parent for parent in folder.parents if not parent.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as scratch:
            built = Path(scratch) / "built"
            built.mkdir()
            yield built
            os.sync()  # a power cut after the renaming leaves whole files
            built.rename(folder)
    except OSError as exc:
        raise _refused(folder, exc) from exc
    finally:
        for parent in made:
            with suppress(OSError):  # it holds what was written
                parent.rmdir()


def _refused(folder: Path, exc: OSError) -> StorageError:
    return StorageError(
        expected=f"room for what is exported at {folder}",
        found=refusal_of(exc),
        remedy="name a folder that can be written, or free some space",
    )
