"""Footage in an object store, through fsspec: copied to a temporary file before it is read.

A copy serves every format, is read as often as a scan, a digest and a sampling need it, and outlives a connection that
breaks in the middle. Endpoint and keys come from the variables of the library behind the URL's scheme (for ``s3://``:
AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY). What an error says never repeats that library's own words,
which can carry them.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from fsspec.core import url_to_fs

from workbench.errors import FootageError
from workbench.footage.addresses import is_stream, without_credentials

__all__ = ["is_remote", "local_copies", "remote_head", "remote_names"]

_SCHEMES = ("s3", "gs", "az", "abfs", "hdfs", "sftp", "smb", "file")
_MEANINGS: tuple[tuple[type[Exception], str], ...] = (
    (FileNotFoundError, "none there"),
    (PermissionError, "access denied"),
    (TimeoutError, "no answer in time"),
    (ImportError, "nothing installed that opens it (`pip install 'site-workbench[s3]'` brings s3://)"),
)
_TIMES = ("LastModified", "last_modified", "mtime", "created")


def is_remote(source: str) -> bool:
    """Tell whether ``source`` is a URL such as ``s3://bucket/folder``, and not that of a stream."""
    return "://" in source and not is_stream(source)


def remote_names(url: str) -> list[str]:
    """Return the names of the files below ``url``, relative to it; ``""`` for a URL that is itself a file."""
    files, root = _file_system(url)
    with _told(url):
        if files.isfile(root):
            return [""]
        found = [path.removeprefix(root).lstrip("/") for path in files.find(root)]
    return [name for name in found if not any(part.startswith(".") for part in PurePosixPath(name).parts)]


def remote_head(url: str, name: str, size: int) -> bytes:
    """Return the first ``size`` bytes of the file ``name`` below ``url``."""
    files, root = _file_system(url)
    with _told(url):
        return bytes(files.cat_file(_path(root, name), start=0, end=size))


@contextmanager
def local_copies(url: str, names: Sequence[str]) -> Iterator[list[Path]]:
    """Copy the files ``names`` below ``url`` into a temporary folder, with their times, until the block ends.

    Raises:
        FootageError: The store refuses, or the temporary folder has no room.
    """
    files, root = _file_system(url)
    with tempfile.TemporaryDirectory(prefix="footage-") as folder:
        copies: list[Path] = []
        for number, name in enumerate(names):
            path = _path(root, name)
            copy = Path(folder, str(number), PurePosixPath(path).name)
            with _told(url):
                copy.parent.mkdir()
                files.get_file(path, str(copy))
                _keep_time(copy, files.info(path))
            copies.append(copy)
        yield copies


def _path(root: str, name: str) -> str:
    return f"{root}/{name}" if name else root


def _file_system(url: str) -> tuple[Any, str]:
    scheme = url.partition("://")[0]
    if scheme not in _SCHEMES:
        raise FootageError(
            expected=f"the address of a stream or one that begins with {'://, '.join(_SCHEMES)}://",
            found=f"{scheme}://",
            remedy="correct it, or copy the footage into a folder and give that",
        )
    with _told(url):
        files, root = url_to_fs(url, use_listings_cache=False)
    return files, root.rstrip("/")


def _keep_time(copy: Path, info: dict[str, Any]) -> None:
    """Give a copy the time of what was copied, as a start time may be told from it."""
    times = [info[key] for key in _TIMES if info.get(key)]
    if times:
        time_s = times[0].timestamp() if isinstance(times[0], datetime) else float(times[0])
        os.utime(copy, (time_s, time_s))


@contextmanager
def _told(url: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 each library behind fsspec has errors of its own
        raise FootageError(
            expected=f"footage at {without_credentials(url)}",
            found=next((meaning for kind, meaning in _MEANINGS if isinstance(error, kind)), type(error).__name__),
            remedy="check the address and the keys, and that there is room in the temporary folder",
        ) from None
