"""Label files made in a test's own folder, read as a user's are."""

from collections.abc import Iterator
from pathlib import Path

from workbench.labeling.formats.file_label import Entry, FileLabel
from workbench.labeling.formats.file_tree import opened_tree
from workbench.labeling.formats.kinds import Format
from workbench.labeling.formats.reading import find_labels


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read(path: Path, asked: Format | None = None) -> list[tuple[Format, Entry]]:
    """Return everything that the files at ``path`` hold, with the format that each was taken for."""
    with opened_tree(path) as tree:
        return [(source.format, entry) for source in find_labels(tree, asked) for entry in source.entries()]


def labels(path: Path, asked: Format | None = None) -> list[FileLabel]:
    return list(labels_of(read(path, asked)))


def labels_of(found: list[tuple[Format, Entry]]) -> Iterator[FileLabel]:
    for _, entry in found:
        assert isinstance(entry, FileLabel), entry
        yield entry
