"""Frames' pictures by content: a picture's name is the SHA-256 of its bytes, wherever the bytes lie."""

import hashlib

from workbench.errors import StorageError
from workbench.store.file_store import FileStore, open_file_store
from workbench.store.local_files import UNFINISHED
from workbench.store.thumbnails import LONG_SIDE_PX, thumbnail_of

__all__ = ["FOLDERS", "FrameFiles", "picture_id"]

_REMEDY = "ingest its clip again"
FOLDERS = tuple(f"{number:02x}" for number in range(256))
"""The folders over which the files are spread: the first two digits of the ids."""


def picture_id(jpeg: bytes) -> str:
    """Return the id under which a stored picture is known."""
    return hashlib.sha256(jpeg).hexdigest()


class FrameFiles:
    """JPEG files spread over 256 folders, and a thumbnail beside each that was asked for."""

    def __init__(self, files: FileStore) -> None:
        self._files = files

    @classmethod
    def open(cls, address: str) -> "FrameFiles":
        """Return the frames at a folder's path or an fsspec URL; StorageError when nothing installed can open it."""
        return cls(open_file_store(address))

    @property
    def address(self) -> str:
        return self._files.address

    def write(self, jpeg: bytes) -> str:
        """Store ``jpeg`` (whole or not at all) and return its id; StorageError when the store refuses."""
        frame_id = picture_id(jpeg)
        self._files.put(_picture(frame_id), jpeg)
        return frame_id

    def read(self, frame_id: str) -> bytes:
        """Return the JPEG bytes of a frame; StorageError when they are gone or changed."""
        jpeg = self._files.get(_picture(frame_id))
        if jpeg is None:
            raise StorageError(
                expected=f"the picture of frame {frame_id[:12]} in {self.address}", found="none", remedy=_REMEDY
            )
        if picture_id(jpeg) != frame_id:
            raise StorageError(
                expected=f"the picture of frame {frame_id[:12]} in {self.address} as it was stored",
                found="other bytes",
                remedy=_REMEDY,
            )
        return jpeg

    def delete(self, frame_id: str) -> None:
        """Remove a frame's picture and thumbnail; what is not there is fine."""
        self._files.delete(_picture(frame_id))
        self._files.delete(_thumbnail(frame_id))

    def sweep(self, folder: str) -> int:
        """Delete what a crash left unfinished in one of ``FOLDERS``, while nobody writes; return how much that was."""
        unfinished = [name for name in self._files.names(folder) if name.rpartition("/")[2].startswith(UNFINISHED)]
        for name in unfinished:
            self._files.delete(name)
        return len(unfinished)

    def thumbnail(self, frame_id: str) -> bytes:
        """Return a JPEG with a long side of at most 320 pixels, made of the stored picture when first asked for.

        Raises StorageError when there is none yet and the picture is gone, changed or cannot be decoded.
        """
        if (known := self._files.get(_thumbnail(frame_id))) is not None:
            return known
        made = thumbnail_of(self.read(frame_id))
        self._files.put(_thumbnail(frame_id), made)
        self._drop_if_deleted_meanwhile(frame_id)
        return made

    def _drop_if_deleted_meanwhile(self, frame_id: str) -> None:
        """Leave no thumbnail of a picture that is gone; ``delete`` takes the picture first, so this one sees it."""
        if self._files.get(_picture(frame_id)) is None:
            self._files.delete(_thumbnail(frame_id))


def _picture(frame_id: str) -> str:
    return f"{frame_id[:2]}/{frame_id}.jpg"


def _thumbnail(frame_id: str) -> str:
    return f"{frame_id[:2]}/{frame_id}.{LONG_SIDE_PX}px.jpg"
