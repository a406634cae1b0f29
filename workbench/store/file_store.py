"""Where files lie whole under a name: a folder on a disk, or an object store."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from workbench.errors import StorageError
from workbench.store.local_files import LocalFiles

__all__ = ["FileStore", "open_file_store"]


class FileStore(Protocol):
    """Names are relative paths with ``/`` between their parts; every method raises StorageError when it is refused."""

    @property
    def address(self) -> str:
        """Where the files lie, for people to read."""

    def put(self, name: str, content: bytes) -> None:
        """Store ``content`` wholly or not at all; what had the name before is overwritten."""

    def get(self, name: str) -> bytes | None:
        """Return the bytes of a file, None where there is none of that name."""

    def delete(self, name: str) -> None:
        """Remove a file; one that is not there is fine."""

    def names(self, folder: str) -> Iterable[str]:
        """Return the names of the files in a folder, those that a crash left unfinished included; of none, none."""


def open_file_store(address: str) -> FileStore:
    """Return the store at a folder's path, a ``file://`` URL or any URL that fsspec knows, such as ``s3://bucket/name``.

    Nothing is contacted or made yet. Raises StorageError for a URL with a password in it, or one that nothing
    installed can open.
    """
    if "://" not in address:
        return LocalFiles(Path(address))
    scheme, _, rest = address.partition("://")
    if ":" in rest.rpartition("@")[0]:
        raise StorageError(
            expected=f"an address of frames without a password, such as {scheme}://bucket/name",
            found="one with a password",
            remedy="give the keys in the environment variables of the store, such as AWS_SECRET_ACCESS_KEY",
        )
    if scheme == "file":
        return LocalFiles(Path(unquote(rest)))
    from workbench.store.object_files import ObjectFiles

    return ObjectFiles(address)
