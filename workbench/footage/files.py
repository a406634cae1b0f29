"""Files of footage on the disk: which a folder holds, and what identifies one."""

import hashlib
from pathlib import Path

from workbench.errors import FootageError

__all__ = ["VIDEO_SUFFIXES", "file_sha256", "video_files"]

_SUFFIXES = "3gp asf avi flv gif h264 h265 hevc m4v mjpeg mjpg mkv mov mp4 mpeg mpg mts ts webm wmv"
VIDEO_SUFFIXES = frozenset(f".{suffix}" for suffix in _SUFFIXES.split())


def video_files(source: Path) -> list[Path]:
    """Return ``source`` itself or, of a folder, its video files by name; FootageError when there is none."""
    if not source.is_dir():
        return [source]
    found = sorted(path for path in source.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file())
    if not found:
        raise FootageError(
            expected=f"video files in {source}",
            found=f"none that ends in one of {' '.join(sorted(VIDEO_SUFFIXES))}",
            remedy="give the folder that holds the recordings themselves",
        )
    return found


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal; FootageError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise FootageError(
            expected=f"a video file that can be read at {path}",
            found=(exc.strerror or str(exc)).lower(),
            remedy="check the path and its permissions",
        ) from exc
