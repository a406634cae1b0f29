"""Dataset versions on disk, as ``datasets.DatasetDict``; nothing else imports the library ``datasets``.

A version is a folder named by its id: its manifest, the rows of each split in chat form, and what was derived of them.
Pictures are not in it: a row names its frame, whose picture lies in the frame store. The folder is written under
another name and renamed when it is whole, so that a folder with the name is a whole version.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import overload

import datasets
import pyarrow as pa
from datasets.arrow_writer import ArrowWriter

from workbench.datasets.chat import answer_to_chats
from workbench.datasets.manifest import Manifest, ManifestRow, text_to_manifest
from workbench.datasets.timelines import SPLITS
from workbench.domain import DatasetVersion, LabelledFrame, Split
from workbench.errors import DatasetError, StorageError
from workbench.progress import Progress

__all__ = [
    "MANIFEST_FILE",
    "StoredRows",
    "changed_splits",
    "embeds_pictures",
    "export_dataset",
    "load_manifest",
    "read_derived",
    "save_dataset",
    "write_derived",
]

MANIFEST_FILE = "manifest.json"
_INFO_FILE = "dataset_info.json"
_ROWS_AT_ONCE = 10_000
_PICTURES_AT_ONCE = 64
_OTHER_HOME = "free some space or set WORKBENCH_HOME to a folder that can be written"
_ELSEWHERE = "name a folder that can be written, or free some space"

ReadJpeg = Callable[[str], bytes]

_REFERENCES = datasets.Features(
    {
        "frame_id": datasets.Value("string"),
        "file_name": datasets.Value("string"),
        "camera": datasets.Value("string"),
        "clip_id": datasets.Value("string"),
        "taken_at": datasets.Value("timestamp[us, tz=UTC]"),
        "class_name": datasets.Value("string"),
        "caption": datasets.Value("string"),
        "replies": datasets.List({"question": datasets.Value("string"), "reply": datasets.Value("string")}),
        "boxes": datasets.List({"label": datasets.Value("string"), "xyxy": datasets.List(datasets.Value("float64"))}),
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
_WITH_PICTURES = datasets.Features({**_REFERENCES, "image": datasets.Image()})

datasets.disable_progress_bars()


class StoredRows(Sequence[LabelledFrame]):
    """Rows of a manifest; each picture is read, and held against its frame's id, when its row is asked for."""

    def __init__(self, rows: Sequence[ManifestRow], read_jpeg: ReadJpeg) -> None:
        self.rows, self._read_jpeg = rows, read_jpeg

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> LabelledFrame: ...
    @overload
    def __getitem__(self, index: slice) -> list[LabelledFrame]: ...
    def __getitem__(self, index: int | slice) -> LabelledFrame | list[LabelledFrame]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        row = self.rows[index]
        jpeg = self._read_jpeg(row.frame_id)
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
            replies=row.replies,
            boxes=row.boxes,
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


def save_dataset(manifest: Manifest, folder: Path, derived: Mapping[str, str], *, progress: Progress) -> Path:
    """Write the version below ``folder``, whole or not at all, and return its own folder.

    ``derived`` are texts by file name. A folder that holds this version's manifest already is left alone. StorageError
    on a full disk.
    """
    target = folder / manifest.id

    def write(built: Path) -> None:
        _write_splits(manifest, built, progress)
        for name, text in {**derived, MANIFEST_FILE: manifest.text}.items():
            (built / name).write_text(text, encoding="utf-8")

    if not _holds(target, manifest):
        _write_whole(target, write, is_there=lambda: _holds(target, manifest))
    return target


def export_dataset(manifest: Manifest, target: Path, read_jpeg: ReadJpeg, *, progress: Progress) -> Path:
    """Write the version as a ``DatasetDict`` that holds its pictures into ``target``, whole or not at all.

    StorageError when there is something in ``target`` already, or on a full disk.
    """

    def write(built: Path) -> None:
        cache, splits = built.with_name("cache"), {}
        cache.mkdir()
        for split, rows in _held(manifest).items():
            columns = _columns_with_pictures(rows, manifest, read_jpeg, progress)
            splits[split.value] = _on_disk(columns, cache / split.value)
        datasets.DatasetDict(splits).save_to_disk(str(built))

    with _translated(target, _ELSEWHERE):
        if target.exists():
            target.rmdir()
    _write_whole(target, write, is_there=lambda: False, remedy=_ELSEWHERE)
    return target


def embeds_pictures(version: DatasetVersion) -> bool:
    """Tell whether the folder holds copies of pictures, as versions of earlier releases do."""
    return any('"image"' in path.read_text(encoding="utf-8") for path in Path(version.path).glob(f"*/{_INFO_FILE}"))


def changed_splits(version: DatasetVersion, manifest: Manifest) -> tuple[Split, ...]:
    """Return the splits whose files are missing, or name other frames than the manifest does."""
    return tuple(split for split, rows in _held(manifest).items() if _stored_ids(version, split) != _ids(rows))


def _stored_ids(version: DatasetVersion, split: Split) -> list[str] | None:
    try:
        return list(datasets.load_from_disk(str(Path(version.path) / split.value))["frame_id"])
    except (OSError, ValueError):
        return None


def _ids(rows: Sequence[ManifestRow]) -> list[str]:
    return [row.frame_id for row in rows]


def read_derived(version: DatasetVersion, name: str) -> str | None:
    """Return a text that was derived of the version, None when there is none."""
    try:
        return (Path(version.path) / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def write_derived(version: DatasetVersion, name: str, text: str) -> None:
    """Put a text that was derived of the version in the place of the one before; StorageError on a full disk."""
    target = Path(version.path) / name
    with _translated(target.parent):
        unfinished = target.with_name(f".new-{os.getpid()}-{name}")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(target)


def _write_whole(
    target: Path, write: Callable[[Path], None], *, is_there: Callable[[], bool], remedy: str = _OTHER_HOME
) -> None:
    """Let ``write`` fill a folder and give it the name ``target``, unless another process was quicker with the same."""
    folder = target.parent
    with _translated(folder, remedy):
        folder.mkdir(parents=True, exist_ok=True)
        if target.exists():
            shutil.rmtree(target)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as scratch:
            built = Path(scratch) / "built"
            built.mkdir()
            write(built)
            for path in [*built.rglob("*"), built]:
                _sync(path)
            try:
                built.rename(target)
            except OSError:
                if not is_there():
                    raise
        _sync(folder)


def _write_splits(manifest: Manifest, built: Path, progress: Progress) -> None:
    done = 0
    splits = {}
    for split, rows in _held(manifest).items():
        parts = []
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[start : start + _ROWS_AT_ONCE]
            parts.append(_table(_columns(some, manifest)))
            done += len(some)
            progress(done, len(manifest.rows), "dataset rows")
        splits[split.value] = datasets.Dataset(pa.concat_tables(parts))
    datasets.DatasetDict(splits).save_to_disk(str(built))


def _columns_with_pictures(
    rows: Sequence[ManifestRow], manifest: Manifest, read_jpeg: ReadJpeg, progress: Progress
) -> Iterator[dict[str, list[object]]]:
    frames = StoredRows(rows, read_jpeg)
    for start in range(0, len(rows), _PICTURES_AT_ONCE):
        some = slice(start, start + _PICTURES_AT_ONCE)
        pictures: list[object] = [{"bytes": frame.image_jpeg, "path": None} for frame in frames[some]]
        yield {**_columns(rows[some], manifest), "image": pictures}
        progress(start + len(pictures), len(rows), f"frames of {rows[0].split} exported")


def _on_disk(batches: Iterable[dict[str, list[object]]], file: Path) -> datasets.Dataset:
    """Write the batches of columns as an Arrow file, one at a time, and return it memory-mapped."""
    with ArrowWriter(features=_WITH_PICTURES, path=str(file)) as writer:
        for batch in batches:
            writer.write_batch(batch)
        writer.finalize()
    return datasets.Dataset.from_file(str(file))


def _held(manifest: Manifest) -> dict[Split, tuple[ManifestRow, ...]]:
    """Return the splits that have rows: the library writes one without any, but cannot read it again."""
    return {split: rows for split in SPLITS if (rows := manifest.of(split))}


def _columns(rows: Sequence[ManifestRow], manifest: Manifest) -> dict[str, list[object]]:
    names, questions = manifest.class_names, manifest.questions
    columns: dict[str, list[object]] = {
        name: [getattr(row, name) for row in rows]
        for name in ("frame_id", "camera", "clip_id", "taken_at", "class_name", "caption")
    }
    return columns | {
        "file_name": [f"{row.frame_id[:2]}/{row.frame_id}.jpg" for row in rows],
        "replies": [[{"question": name, "reply": reply} for name, reply in row.replies.items()] for row in rows],
        "boxes": [[{"label": box.label, "xyxy": box.xyxy} for box in row.boxes] for row in rows],
        "conversations": [answer_to_chats(row.answer, names, questions) for row in rows],
    }


def _table(columns: Mapping[str, list[object]]) -> pa.Table:
    """Return the columns as Arrow keeps them; the library's own way checks each value in Python and takes seconds."""
    schema = _REFERENCES.arrow_schema
    return pa.table([pa.array(columns[field.name], type=field.type) for field in schema], schema=schema)


def _holds(target: Path, manifest: Manifest) -> bool:
    try:
        return (target / MANIFEST_FILE).read_text(encoding="utf-8") == manifest.text
    except (FileNotFoundError, UnicodeDecodeError):
        return False


@contextmanager
def _translated(folder: Path, remedy: str = _OTHER_HOME) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StorageError(
            expected=f"room for a dataset version in {folder}",
            found=str(exc),
            remedy=remedy,
        ) from exc


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
