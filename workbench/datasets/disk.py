"""Dataset versions on disk, as ``datasets.DatasetDict``; nothing else imports the library ``datasets``.

A version is a folder named by its id. It is written under another name and renamed when it is whole, so that a folder
with the name is a whole version.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import overload

import datasets
from datasets.arrow_writer import ArrowWriter

from workbench.datasets.chat import frame_to_chats
from workbench.datasets.manifest import Manifest, ManifestRow, manifest_to_text, text_to_manifest
from workbench.datasets.timelines import SPLITS
from workbench.domain import DatasetVersion, LabelledFrame, Split
from workbench.errors import DatasetError, StorageError
from workbench.progress import Progress

__all__ = ["StoredRows", "load_manifest", "load_rows", "save_dataset"]

MANIFEST_FILE = "manifest.json"
_ROWS_IN_MEMORY = 64

_FEATURES = datasets.Features(
    {
        "frame_id": datasets.Value("string"),
        "camera": datasets.Value("string"),
        "clip_id": datasets.Value("string"),
        "taken_at": datasets.Value("timestamp[us, tz=UTC]"),
        "class_name": datasets.Value("string"),
        "caption": datasets.Value("string"),
        "image": datasets.Image(),
        "conversations": datasets.List(
            datasets.List(
                {
                    "role": datasets.Value("string"),
                    "content": datasets.List({"type": datasets.Value("string"), "text": datasets.Value("string")}),
                }
            )
        ),
    }
)

datasets.disable_progress_bars()


class StoredRows(Sequence[LabelledFrame]):
    """The rows of one split, each read from the memory-mapped file and checked when it is asked for."""

    def __init__(self, rows: Sequence[ManifestRow], stored: datasets.Dataset) -> None:
        self._rows = rows
        self._stored = stored.cast_column("image", datasets.Image(decode=False))

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> LabelledFrame: ...
    @overload
    def __getitem__(self, index: slice) -> list[LabelledFrame]: ...
    def __getitem__(self, index: int | slice) -> LabelledFrame | list[LabelledFrame]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        row = self._rows[index]
        jpeg: bytes = self._stored[index]["image"]["bytes"]
        if hashlib.sha256(jpeg).hexdigest() != row.frame_id:
            raise _tampered(f"another picture for frame {row.frame_id[:12]}")
        return LabelledFrame(
            frame_id=row.frame_id,
            camera=row.camera,
            clip_id=row.clip_id,
            taken_at=row.taken_at,
            class_name=row.class_name,
            caption=row.caption,
            image_jpeg=jpeg,
        )


def load_manifest(version: DatasetVersion) -> Manifest:
    """Return the manifest of ``version``; DatasetError when it is gone or not what the id was made of."""
    path = Path(version.path) / MANIFEST_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise DatasetError(
            expected=f"the dataset version {version.id[:12]} in {version.path}",
            found=f"no manifest that can be read ({type(exc).__name__})",
            remedy="restore the folder from a backup, or build again with `workbench dataset build`",
        ) from exc
    if hashlib.sha256(text.encode()).hexdigest() != version.id:
        raise _tampered(f"a changed {MANIFEST_FILE} in {version.path}")
    return text_to_manifest(text)


def load_rows(version: DatasetVersion, split: Split) -> Sequence[LabelledFrame]:
    """Return the rows of one split; captions and classes come from the verified manifest, pictures are verified."""
    rows = load_manifest(version).of(split)
    if not rows:
        return ()
    try:
        stored = datasets.load_from_disk(str(Path(version.path) / split.value))
    except (OSError, ValueError) as exc:
        raise _tampered(f"no {split} split that can be read in {version.path}") from exc
    if list(stored["frame_id"]) != [row.frame_id for row in rows]:
        raise _tampered(f"other rows in the {split} split of {version.path}")
    return StoredRows(rows, stored)


def save_dataset(manifest: Manifest, folder: Path, *, read_jpeg: Callable[[str], bytes], progress: Progress) -> Path:
    """Write the version below ``folder``, whole or not at all, and return its own folder.

    A folder that holds this version's manifest already is left alone. StorageError on a full disk.
    """
    target = folder / manifest.id
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if _holds(target, manifest):
            return target
        if target.exists():
            shutil.rmtree(target)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
            built = Path(scratch) / "built"
            _write(manifest, built, Path(scratch) / "cache", read_jpeg, progress)
            _rename(built, target, manifest)
        _sync(folder)
    except OSError as exc:
        raise StorageError(
            expected=f"room for a dataset version in {folder}",
            found=str(exc),
            remedy="free some space or set WORKBENCH_HOME to a folder that can be written",
        ) from exc
    return target


def _holds(target: Path, manifest: Manifest) -> bool:
    try:
        return (target / MANIFEST_FILE).read_text(encoding="utf-8") == manifest_to_text(manifest)
    except (FileNotFoundError, UnicodeDecodeError):
        return False


def _rename(built: Path, target: Path, manifest: Manifest) -> None:
    """Give ``built`` its name, unless another process that built the same version was quicker."""
    try:
        built.rename(target)
    except OSError:
        if not _holds(target, manifest):
            raise


def _write(manifest: Manifest, built: Path, cache: Path, read_jpeg: Callable[[str], bytes], progress: Progress) -> None:
    done = 0

    def rows_of(split: Split) -> Iterator[dict[str, object]]:
        nonlocal done
        for row in manifest.of(split):
            yield _stored_row(row, manifest, read_jpeg(row.frame_id))
            done += 1
            progress(done, len(manifest.rows), "dataset rows")

    # The library writes a split without rows, but cannot read it again.
    held = [split for split in SPLITS if manifest.of(split)]
    splits = {split.value: _on_disk(rows_of(split), cache / split.value) for split in held}
    datasets.DatasetDict(splits).save_to_disk(str(built))
    (built / MANIFEST_FILE).write_text(manifest_to_text(manifest), encoding="utf-8")
    for path in [*built.rglob("*"), built]:
        _sync(path)


def _on_disk(rows: Iterator[dict[str, object]], file: Path) -> datasets.Dataset:
    """Write ``rows`` as an Arrow file, a few at a time, and return it memory-mapped."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with ArrowWriter(features=_FEATURES, path=str(file), writer_batch_size=_ROWS_IN_MEMORY) as writer:
        for row in rows:
            writer.write(row)
        writer.finalize()
    return datasets.Dataset.from_file(str(file))


def _stored_row(row: ManifestRow, manifest: Manifest, jpeg: bytes) -> dict[str, object]:
    return {
        "frame_id": row.frame_id,
        "camera": row.camera,
        "clip_id": row.clip_id,
        "taken_at": row.taken_at,
        "class_name": row.class_name,
        "caption": row.caption,
        "image": {"bytes": jpeg, "path": None},
        "conversations": frame_to_chats(row.class_name, row.caption, manifest.class_names),
    }


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tampered(found: str) -> DatasetError:
    return DatasetError(
        expected="a dataset version as it was built",
        found=found,
        remedy="restore the folder from a backup, or delete it and build again with `workbench dataset build`",
    )
