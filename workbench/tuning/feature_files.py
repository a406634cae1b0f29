"""Where the image features of a frame lie, and how they go with its picture; needs no torch."""

from collections.abc import Collection
from pathlib import Path

from workbench.errors import StorageError

__all__ = ["feature_file", "forget_features"]


def feature_file(folder: Path, frame_id: str, look: tuple[int, ...]) -> Path:
    """Return the file of one look at a frame, in the folder of one vision tower and all else that decides on it."""
    return folder / f"{'-'.join(map(str, (frame_id, *look)))}.safetensors"


def forget_features(directory: Path, frame_ids: Collection[str]) -> None:
    """Delete what any vision tower saw of the frames, half-written files included; StorageError if it cannot."""
    gone = frozenset(frame_ids)
    try:
        for file in directory.glob("*/*"):
            if file.stem.partition("-")[0] in gone:
                file.unlink(missing_ok=True)
    except OSError as exc:
        raise StorageError(
            expected=f"to delete image features under {directory}",
            found=exc.strerror or str(exc),
            remedy="correct the folder's rights and do it again",
        ) from exc
