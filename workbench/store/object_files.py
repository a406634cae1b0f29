"""Files in an object store, through fsspec.

Endpoint and keys come from the environment variables of the library behind the URL's scheme: for ``s3://`` these are
AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION. It also does the retries. The store
has to write objects whole or not at all, as S3 does, and to keep no versions of them: what is deleted has to be gone.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from fsspec.core import url_to_fs

from workbench.errors import StorageError

__all__ = ["ObjectFiles"]

_MEANING: dict[type[Exception], str] = {
    FileNotFoundError: "no such bucket or folder",
    PermissionError: "access denied",
    TimeoutError: "no answer in time",
}


class ObjectFiles:
    """Objects whose names begin with the path of ``url``."""

    def __init__(self, url: str) -> None:
        self.address = url.rstrip("/")
        try:
            self._files, self._root = url_to_fs(self.address, use_listings_cache=False, skip_instance_cache=True)
        except (ImportError, ValueError) as error:
            raise StorageError(
                expected=f"something installed that opens {self.address}",
                found="nothing",
                remedy="install it (`pip install 'site-workbench[s3]'` for s3://) or correct WORKBENCH_FRAMES_URL",
            ) from error

    def put(self, name: str, content: bytes) -> None:
        with self._translated("write an object"):
            self._files.pipe_file(self._path(name), content)

    def get(self, name: str) -> bytes | None:
        with self._translated("read an object"):
            try:
                return bytes(self._files.cat_file(self._path(name)))
            except FileNotFoundError:
                return None

    def delete(self, name: str) -> None:
        with self._translated("delete an object"):
            try:
                self._files.rm_file(self._path(name))
            except FileNotFoundError:
                return

    def names(self, folder: str) -> list[str]:
        with self._translated("list objects"):
            try:
                found = self._files.ls(self._path(folder), detail=False)
            except FileNotFoundError:
                return []
            return sorted(f"{folder}/{path.rpartition('/')[2]}" for path in found)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each library behind fsspec has errors of its own
            raise StorageError(
                expected=f"to {doing} in {self.address}",
                found=_meaning(error),
                remedy="check the address, the keys and that the bucket is there",
            ) from error


def _meaning(error: Exception) -> str:
    """Say what went wrong without the library's own words: they can carry keys, headers and signed addresses."""
    for kind, meaning in _MEANING.items():
        if isinstance(error, kind):
            return meaning
    answer = getattr(error.__cause__, "response", {})
    return f"the answer {answer['Error']['Code']}" if "Error" in answer else type(error).__name__
