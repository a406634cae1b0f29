"""Files in a folder of the local disk."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import StorageError

__all__ = ["UNFINISHED", "LocalFiles"]

UNFINISHED = ".new-"
"""How the name of a file begins that is being written, or that a crash left so."""


class LocalFiles:
    """Files below ``root``, which is made when the first one is written."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def address(self) -> str:
        return str(self._root)

    def put(self, name: str, content: bytes) -> None:
        path = self._root / name
        with self._translated("write a file"):
            if path.is_file() and path.read_bytes() == content:
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, content)

    def get(self, name: str) -> bytes | None:
        with self._translated("read a file"):
            try:
                return (self._root / name).read_bytes()
            except FileNotFoundError:
                return None

    def delete(self, name: str) -> None:
        with self._translated("delete a file"):
            (self._root / name).unlink(missing_ok=True)

    def names(self, folder: str) -> list[str]:
        with self._translated("list a folder"):
            try:
                return sorted(f"{folder}/{entry.name}" for entry in os.scandir(self._root / folder) if entry.is_file())
            except FileNotFoundError:
                return []

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                expected=f"to {doing} in {self._root}",
                found=error.strerror or str(error),
                remedy="free some space, correct the folder's permissions or set WORKBENCH_HOME to another one",
            ) from error


def _write_whole(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
