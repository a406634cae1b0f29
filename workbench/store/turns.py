"""Taking turns: one process or thread at a time, where two would do the same work twice."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import StorageError

__all__ = ["turn"]


@contextmanager
def turn(lock_file: Path) -> Iterator[None]:
    """Hold ``lock_file`` during the block, after waiting for whoever holds it; it is let go however its holder ends.

    Raises StorageError when the file cannot be made.
    """
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        file = lock_file.open("w")
    except OSError as error:
        raise StorageError(
            expected=f"to make the lock file {lock_file}",
            found=error.strerror or str(error),
            remedy="make the folder writable or set WORKBENCH_HOME",
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
