"""Where label files lie: one file, a folder or a zip archive, of which nothing is unpacked to the disk."""

import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

from workbench.errors import LabelFileError

__all__ = ["FileTree", "opened_tree"]

_LARGEST_TEXT_BYTES = 16 * 2**20
_NOT_LABELS = "__MACOSX"
_ENCRYPTED = 0x1
_UNREADABLE = (OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)


class _Opens(Protocol):
    def __call__(self) -> BinaryIO: ...


@dataclass(frozen=True)
class FileTree:
    """Files by their paths below ``name``, with ``/``; a single file is a tree of itself."""

    name: str
    openers: Mapping[str, _Opens]

    @property
    def names(self) -> list[str]:
        return sorted(self.openers)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Yield the file; LabelFileError when what is done with it inside finds that it cannot be read."""
        try:
            with self.openers[name]() as file:
                yield file
        except _UNREADABLE as exc:
            raise _unusable(name, "a file that can be read", _reason(exc)) from exc

    def text(self, name: str) -> str:
        """Return what a small text file holds; LabelFileError when it is no text or not small."""
        with self.open(name) as file:
            content = file.read(_LARGEST_TEXT_BYTES + 1)
        if len(content) > _LARGEST_TEXT_BYTES:
            raise _unusable(name, "a text of at most 16 MiB", "more")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            raise _unusable(name, "a text in UTF-8", str(exc)) from exc


@contextmanager
def opened_tree(path: Path) -> Iterator[FileTree]:
    """Yield the files at ``path``, without hidden ones; LabelFileError when it is not there or cannot be read."""
    with ExitStack() as opened:
        yield _tree(path, opened)


def _tree(path: Path, opened: ExitStack) -> FileTree:
    try:
        if path.is_dir():
            return FileTree(path.name, {name: _opener(path / name) for name in _names_below(path)})
        if not zipfile.is_zipfile(path):
            path.stat()
            return FileTree(path.name, {path.name: _opener(path)})
        archive = opened.enter_context(zipfile.ZipFile(path))
    except _UNREADABLE as exc:
        raise LabelFileError(
            expected=f"labels that can be read at {path}", found=_reason(exc), remedy="check the path and the file"
        ) from exc
    members = [info for info in archive.infolist() if _counts(info.filename)]
    if any(info.flag_bits & _ENCRYPTED for info in members):
        raise _unusable(path.name, "an archive without a password", "one that is encrypted")
    return FileTree(path.name, {info.filename: _member(archive, info) for info in members})


def _names_below(folder: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name).relative_to(folder).as_posix() for name in names if not name.startswith("."))


def _counts(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return not name.endswith("/") and not any(part.startswith(".") or part == _NOT_LABELS for part in parts)


def _opener(path: Path) -> _Opens:
    return lambda: path.open("rb")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Opens:
    return lambda: cast(BinaryIO, archive.open(info))


def _reason(exc: Exception) -> str:
    return (exc.strerror if isinstance(exc, OSError) else "") or str(exc) or type(exc).__name__


def _unusable(name: str, expected: str, found: str) -> LabelFileError:
    return LabelFileError(expected=f"{expected} in {name}", found=found, remedy="correct the file and try again")
