"""What a run logs, written to disk before MLflow hears of it: a killed process or an absent server loses nothing.

A journal is a folder: ``entries.jsonl`` is only ever added to, ``delivered`` says up to which byte of it MLflow has
everything, ``files`` holds artifacts. Whoever writes or delivers it holds ``lock``, which the system lets go however
its holder ends: a journal that nobody holds belongs to a process that is gone.
"""

import errno
import fcntl
import json
import os
import shutil
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from workbench.errors import StorageError

__all__ = ["Entry", "Journal", "Opening", "read_opening"]

Entry = Mapping[str, Any]
_ENTRIES, _DELIVERED, _FILES, _LOCK, _OPENING = "entries.jsonl", "delivered", "files", "lock", "opening.json"


@dataclass(frozen=True)
class Opening:
    """What a journal is about; ``ends_run`` tells whether the run ends with it."""

    run_id: str
    uri: str
    ends_run: bool


class Journal:
    """One held journal; ``append`` and ``pending`` may be called by different threads."""

    def __init__(self, folder: Path, opening: Opening, lock: IO[str]) -> None:
        self.folder, self.opening = folder, opening
        self._lock = lock
        self._writing = threading.Lock()
        self._file = os.open(folder / _ENTRIES, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._written_to = os.fstat(self._file).st_size
        self._delivered_to = min(_read_position(folder), self._written_to)
        self._files = 0

    @classmethod
    def begin(cls, root: Path, opening: Opening) -> "Journal":
        """Begin a journal in a folder of its own under ``root``; StorageError when the disk does not let it."""
        folder = root / f"{opening.run_id}-{uuid4().hex[:8]}"
        try:
            folder.mkdir(parents=True)
            lock = (folder / _LOCK).open("w")
            fcntl.flock(lock, fcntl.LOCK_EX)
            _write_whole(folder / _OPENING, json.dumps(asdict(opening)))
            return cls(folder, opening, lock)
        except OSError as error:
            raise _unwritable(folder, error) from error

    @classmethod
    def take(cls, folder: Path) -> "Journal | None":
        """Take over the journal in ``folder`` from a process that is gone; None while somebody holds it."""
        try:
            lock = (folder / _LOCK).open("r+")
        except OSError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _cut_torn_line(folder / _ENTRIES)
            return cls(folder, read_opening(folder), lock)
        except (OSError, ValueError, TypeError):
            lock.close()
            return None

    def append(self, entry: Entry) -> None:
        """Write ``entry`` down, wholly or not at all; StorageError when the disk does not let it."""
        line = f"{json.dumps(entry, ensure_ascii=False)}\n".encode()
        with self._writing:
            try:
                if os.write(self._file, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                with suppress(OSError):
                    os.ftruncate(self._file, self._written_to)
                raise _unwritable(self.folder, error) from error
            finally:  # after an interrupt, which may come behind the write, too
                self._written_to = os.fstat(self._file).st_size

    def new_file(self, name: str) -> Path:
        """Return where an artifact of that ``name`` may be written, in a folder of its own."""
        with self._writing:
            self._files += 1
            folder = self.folder / _FILES / str(self._files)
        folder.mkdir(parents=True)
        return folder / name

    def pending(self) -> list[tuple[int, Entry]]:
        """Return what MLflow has not, each entry with the byte at which it ends.

        A line that the end of the machine damaged is the entry ``{"do": "lost"}``.
        """
        found, position = [], self._delivered_to
        with (self.folder / _ENTRIES).open("rb") as file:
            file.seek(position)
            for line in file:
                if not line.endswith(b"\n"):  # it is being written
                    break
                position += len(line)
                found.append((position, _entry(line)))
        return found

    def mark_delivered(self, position: int) -> None:
        _write_whole(self.folder / _DELIVERED, str(position))
        self._delivered_to = position

    @property
    def is_drained(self) -> bool:
        """Tell whether MLflow has everything that was written."""
        return self._delivered_to >= self._written_to

    def has_ended(self) -> bool:
        """Tell whether its process came to say how the run ended."""
        lines = (self.folder / _ENTRIES).read_bytes().splitlines()
        return bool(lines) and bool(_entry(lines[-1])["do"] == "end")

    @property
    def is_done(self) -> bool:
        """Tell whether MLflow has everything, its run's end too where that has to stand here."""
        return self.is_drained and (self.has_ended() or not self.opening.ends_run)

    def last_written(self) -> datetime:
        return datetime.fromtimestamp((self.folder / _ENTRIES).stat().st_mtime, UTC)

    def close(self, *, remove: bool) -> None:
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._file)
        self._lock.close()


def read_opening(folder: Path) -> Opening:
    """Return what the journal in ``folder`` is about; OSError, ValueError or TypeError when it does not say so."""
    return Opening(**json.loads((folder / _OPENING).read_text(encoding="utf-8")))


def _cut_torn_line(entries: Path) -> None:
    """Cut off a line that the end of the machine left unfinished; when the last entry was written stays known."""
    with suppress(FileNotFoundError), entries.open("r+b") as file:
        found = os.fstat(file.fileno())
        file.truncate(file.read().rfind(b"\n") + 1)
        os.utime(file.fileno(), ns=(found.st_atime_ns, found.st_mtime_ns))


def _entry(line: bytes) -> Entry:
    with suppress(ValueError):
        entry = json.loads(line)
        if isinstance(entry, dict) and "do" in entry:
            return entry
    return {"do": "lost"}


def _read_position(folder: Path) -> int:
    """Return where the delivery stood; the beginning, as MLflow takes things twice, where that was lost."""
    with suppress(FileNotFoundError, ValueError):
        return int((folder / _DELIVERED).read_text())
    return 0


def _write_whole(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _unwritable(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        expected=f"to write down what a run logs in {folder}",
        found=error.strerror or str(error),
        remedy="free some space or correct the folder's rights",
    )
