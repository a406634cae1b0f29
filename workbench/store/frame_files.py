"""Frame images as content-addressed files on the local disk."""

import hashlib
import os
import tempfile
from pathlib import Path

from workbench.errors import StorageError

_REMEDY = "free some space or set WORKBENCH_HOME to a folder that can be written"


class FrameFiles:
    """JPEG files named by the SHA-256 of their bytes, spread over 256 folders below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, jpeg: bytes) -> str:
        """Store ``jpeg`` (whole or not at all) and return its id; StorageError when the disk refuses."""
        frame_id = hashlib.sha256(jpeg).hexdigest()
        path = self.path(frame_id)
        if path.exists():
            return frame_id
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, jpeg)
        except OSError as error:
            raise StorageError(
                expected=f"room for a frame in {self._root}", found=str(error), remedy=_REMEDY
            ) from error
        return frame_id

    def read(self, frame_id: str) -> bytes:
        """Return the JPEG bytes of a frame; StorageError when its file is gone or changed."""
        try:
            jpeg = self.path(frame_id).read_bytes()
        except OSError as error:
            raise StorageError(
                expected=f"the image of frame {frame_id[:12]} in {self._root}",
                found=error.strerror or str(error),
                remedy="ingest its clip again",
            ) from error
        if hashlib.sha256(jpeg).hexdigest() != frame_id:
            raise StorageError(
                expected=f"the image of frame {frame_id[:12]} as it was stored",
                found="other bytes",
                remedy="delete the file and ingest its clip again",
            )
        return jpeg

    def path(self, frame_id: str) -> Path:
        return self._root / frame_id[:2] / f"{frame_id}.jpg"


def _write_whole(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            temporary.unlink()
            raise
    temporary.replace(path)
