"""Programs for Java that the package pycocoevalcap carries (extra ``java``), of whose code nothing is imported."""

import shutil
from importlib.util import find_spec
from pathlib import Path

__all__ = ["folder_with"]


def folder_with(name: str, *files: str) -> Path | None:
    """Return the package's folder ``name``, or None where one of the ``files`` in it, or Java, is missing."""
    package = find_spec("pycocoevalcap")
    folders = package.submodule_search_locations if package else None
    if shutil.which("java") is None or not folders:
        return None
    folder = Path(next(iter(folders))) / name
    return folder if all((folder / file).is_file() for file in files) else None
